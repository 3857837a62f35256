// For tests: a process that can be found. Its threads carry the names that --thread gives, its main
// thread the one of
// --name; other arguments are there to be looked at. Says "ready" on standard output, then waits
// for its input to end.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  std::atomic<int> named{0};
  std::atomic<bool> ending{false};
  std::vector<std::jthread> threads;
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string name = argv[i + 1];
    if (std::strcmp(argv[i], "--name") == 0) pthread_setname_np(pthread_self(), name.c_str());
    if (std::strcmp(argv[i], "--thread") != 0) continue;
    threads.emplace_back([name, &named, &ending] {
      pthread_setname_np(pthread_self(), name.c_str());
      ++named;
      ending.wait(false);
    });
  }
  while (named < static_cast<int>(threads.size())) std::this_thread::yield();
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  ending = true;
  ending.notify_all();
  return 0;
}
