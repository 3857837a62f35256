// For tests: a process to be found. --thread names its threads, --name its main thread; --root is its root, then --user
// its account; --end-main ends the main thread and keeps the others; --hold FILE locks its memory for ever, if the file's
// file system never ends a write; --hide overwrites all arguments; --relay MS starts a child that goes on after that time, and ends once it runs; other
// arguments are only shown. Prints "ready" on standard output, then waits for its
// input to end.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

// Mapping over a changed page takes the lock of all memory until the page is written.
void HoldMemory(const char* file) {
  constexpr size_t kPage = 4096;
  const int fd = open(file, O_RDWR);
  void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) _exit(1);
  *static_cast<char*>(page) = 1;
  page = mmap(page, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (page == MAP_FAILED) _exit(1);
}

// One or two processes do this at any time, until the input ends.
void Relay(int milliseconds) {
  pollfd end{STDIN_FILENO, POLLIN, 0};
  while (poll(&end, 1, milliseconds) == 0) {
    int runs[2];
    if (pipe(runs) != 0) _exit(1);
    const bool is_parent = fork() != 0;
    close(runs[is_parent ? 1 : 0]);
    char byte = 0;
    if (is_parent) _exit(read(runs[0], &byte, 1) == 1 ? 0 : 1);
    if (write(runs[1], "x", 1) != 1) _exit(1);
    close(runs[1]);
  }
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::atomic<int> named{0};
  // Never destroyed: an ending main thread would otherwise wait for all others.
  auto& threads = *new std::vector<std::jthread>;
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string name = argv[i + 1];
    if (std::strcmp(argv[i], "--name") == 0) pthread_setname_np(pthread_self(), name.c_str());
    if (std::strcmp(argv[i], "--root") == 0 && chroot(argv[i + 1]) != 0) _exit(1);
    if (std::strcmp(argv[i], "--user") == 0 && setuid(std::stoul(name)) != 0) _exit(1);
    if (std::strcmp(argv[i], "--thread") != 0) continue;
    threads.emplace_back([name, &named] {
      pthread_setname_np(pthread_self(), name.c_str());
      ++named;
      while (true) pause();
    });
  }
  while (named < static_cast<int>(threads.size())) std::this_thread::yield();
  if (argc > 1 && std::strcmp(argv[1], "--end-main") == 0) {
    threads.emplace_back([] {
      // The kernel reports "Z" for an ended main thread.
      const int me = getpid();
      std::string state;
      while (state != "Z") {
        std::ifstream stat("/proc/" + std::to_string(me) + "/stat");
        for (std::string word; stat >> word && !word.ends_with(")");) {
        }
        stat >> state;
      }
      if (write(STDOUT_FILENO, "ready\n", 6) != 6) _exit(1);
      char byte = 0;
      while (read(STDIN_FILENO, &byte, 1) > 0) {
      }
      _exit(0);
    });
    pthread_exit(nullptr);
  }
  if (argc > 1 && std::strcmp(argv[1], "--hide") == 0) {
    memset(argv[0], 0, static_cast<size_t>(argv[argc - 1] - argv[0]) + strlen(argv[argc - 1]));
  }
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--hold") == 0) HoldMemory(argv[i + 1]);
    if (std::strcmp(argv[i], "--relay") == 0) Relay(std::stoi(argv[i + 1]));
  }
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  _exit(0);
}
