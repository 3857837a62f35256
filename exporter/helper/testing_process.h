// For tests: a child process with pipes to its standard input and its output, errors included.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace mailhub::exporter {

// Owns the process; ends it with the object. Confined to one thread.
class TestingProcess {
 public:
  // `argv0`: the process's own name; empty: `path`.
  explicit TestingProcess(const std::string& path, std::vector<std::string> arguments = {},
                          const std::string& argv0 = "") {
    signal(SIGPIPE, SIG_IGN);  // a dead child fails the test, and not the whole program
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) abort();
    arguments.insert(arguments.begin(), argv0.empty() ? path : argv0);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(out[1], STDERR_FILENO);
      execvp(path.c_str(), argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
  }
  ~TestingProcess() {
    if (pid_ > 0) {
      // Before it sees the end of its input: if it exits by itself, it may leave a process behind,
      // as the sanitizers' leak check does.
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(input_);
    close(output_);
  }
  TestingProcess(const TestingProcess&) = delete;
  TestingProcess& operator=(const TestingProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Its exit status once it has ended; -1 if it has not within the time, or was killed.
  int AwaitExit(std::chrono::milliseconds time) {
    const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd wait = {handle, POLLIN, 0};
    const bool ended = poll(&wait, 1, static_cast<int>(time.count())) == 1;
    close(handle);
    if (!ended) return -1;
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void CloseInput() { close(std::exchange(input_, -1)); }

  void Write(const std::string& text) {
    size_t written = 0;
    while (written < text.size()) {
      const ssize_t n = write(input_, text.data() + written, text.size() - written);
      if (n <= 0) return;
      written += static_cast<size_t>(n);
    }
  }

  // Appends output that arrives within the time; false at its end or when none arrives.
  bool Read(std::string* text, std::chrono::milliseconds time) {
    pollfd wait = {output_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(time.count())) != 1) return false;
    char buffer[65536];
    const ssize_t n = read(output_, buffer, sizeof buffer);
    if (n <= 0) return false;
    text->append(buffer, static_cast<size_t>(n));
    return true;
  }

  // Reads until `text` has arrived; *seen, if given, gets all output since the last call.
  bool WaitFor(const std::string& text, std::string* seen = nullptr) {
    std::string own;
    if (seen == nullptr) seen = &own;
    while (seen->find(text) == std::string::npos) {
      if (!Read(seen, std::chrono::seconds(20))) return false;
    }
    return true;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace mailhub::exporter
