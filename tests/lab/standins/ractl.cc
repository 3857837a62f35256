// ractl PROGRAM start|stop|status, ractl PROGRAM start|stop THREAD: the operators' control of qubRA
// and openRA.
//
// A request for the present state succeeds. Exit 0: the state is as requested. 1: it is not.
// 2: wrong usage. 3: status of a program that does not run.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "common/evidence.h"
#include "common/wire.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The agent's whole answer, or nothing when it does not run.
std::optional<std::string> Ask(const std::string& program, const std::string& question) {
  auto agent = lab::ConnectLocal("ra." + program);
  if (!agent || !agent->Send(question + "\n")) return std::nullopt;
  auto answer = agent->ReadLine(seconds(10));
  if (!answer) return std::nullopt;
  while (const auto more = agent->ReadLine(seconds(1))) answer->append("\n").append(*more);
  return answer;
}

bool WaitUntilRunning(const std::string& program, bool running) {
  for (int i = 0; i < 200; ++i) {
    if (Ask(program, "status").has_value() == running) return true;
    std::this_thread::sleep_for(milliseconds(25));
  }
  return false;
}

// Starts the agent as a daemon: its own session, none of the caller's open files, a child of PID 1.
bool Launch(const std::string& program) {
  const std::string path = "/opt/qub/sbin/" + program;
  if (access(path.c_str(), X_OK) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    (void)!chdir("/");
    const int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
    for (int fd = 3; fd < 64; ++fd) close(fd);
    execl(path.c_str(), path.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  waitpid(child, nullptr, 0);
  return WaitUntilRunning(program, true);
}

int Say(int status, const std::string& text) {
  std::printf("ractl: %s\n", text.c_str());
  return status;
}

int Program(const std::string& program, const std::string& verb) {
  const auto status = Ask(program, "status");
  if (verb == "status") {
    if (!status) return Say(3, program + " is not running");
    std::puts(status->substr(3).c_str());
    return 0;
  }
  if (verb == "start") {
    if (status) return Say(0, program + " is already running");
    return Launch(program) ? Say(0, program + " started") : Say(1, program + " did not start");
  }
  if (!status) return Say(0, program + " is not running");
  Ask(program, "stop");
  return WaitUntilRunning(program, false) ? Say(0, program + " stopped")
                                          : Say(1, program + " did not stop");
}

int Thread(const std::string& program, const std::string& verb, const std::string& thread) {
  const auto answer = Ask(program, verb + " " + thread);
  const std::string what = program + " thread " + thread;
  if (!answer) {
    // A thread of a missing process is closed, and cannot be started.
    return Say(verb == "stop" ? 0 : 1, what + ": " + program + " is not running");
  }
  return Say(answer->rfind("OK ", 0) == 0 ? 0 : 1,
             what + ": " + answer->substr(answer->find(' ') + 1));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string program = argc > 1 ? argv[1] : "";
  const std::string verb = argc > 2 ? argv[2] : "";
  const std::string thread = argc > 3 ? argv[3] : "";
  const bool known_verb = verb == "start" || verb == "stop" ||
                          (verb == "status" && thread.empty()) ||
                          (verb == "die" && !thread.empty());
  if (argc > 4 || (program != "qubRA" && program != "openRA") || !known_verb) {
    std::fputs("usage: ractl qubRA|openRA start|stop [THREAD] | status\n", stderr);
    return 2;
  }
  const int status = thread.empty() ? Program(program, verb) : Thread(program, verb, thread);
  if (verb != "status") {
    lab::Event("ractl", "invoked")
        .Add("target", program)
        .Add("verb", verb)
        .Add("thread", thread)
        .Add("exit", status)
        .Send();
  }
  return status;
}
