// qubRA and openRA: registration agents with named threads that `ractl` starts and stops.
//
// The program's name selects the agent. The process starts without its threads. qubRA's `student`
// thread writes delta files and clears them at a cost in CPU time. When it starts, it writes the
// work that arrived while it was closed as one large batch. qubRA may crash when the directory goes
// away, as the real one does.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/burner.h"
#include "common/evidence.h"
#include "common/knobs.h"
#include "common/wire.h"

namespace {

using lab::Event;
using lab::Knob;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kDeltas[] = "/var/spool/qubRA/deltas";
constexpr char kLastActive[] = "/var/spool/qubRA/last_active";

// The student thread's work. Owns only the spool's files; runs on its own thread.
class Student {
 public:
  explicit Student(const std::atomic<bool>& directory_up) : directory_up_(directory_up) {}

  void Run(const std::stop_token& stop) {
    WriteBacklog();
    double owed = 0;
    auto next = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
      owed += Knob("delta_files_per_s", 1) * std::chrono::duration<double>(kPace).count();
      while (owed >= 1) {
        WriteDelta();
        owed -= 1;
      }
      if (directory_up_) Drain(stop);
      std::ofstream(kLastActive, std::ios::trunc) << std::time(nullptr) << '\n';
      next = std::max(next + kPace, std::chrono::steady_clock::now());
      std::this_thread::sleep_until(next);
    }
  }

 private:
  static constexpr milliseconds kPace{500};

  void WriteDelta() {
    const std::string name =
        std::to_string(lab::RealtimeMicros()) + "-" + std::to_string(++sequence_);
    std::ofstream(std::string(kDeltas) + "/" + name + ".delta")
        << "modify student " << sequence_ << '\n';
  }

  void WriteBacklog() {
    struct stat last {};
    if (stat(kLastActive, &last) != 0) return;
    const double closed = std::difftime(std::time(nullptr), last.st_mtime);
    const double files =
        std::min(closed * Knob("delta_files_per_s", 1), Knob("delta_batch_max", 300));
    for (int i = 0; i < static_cast<int>(files); ++i) WriteDelta();
    Event("qubRA", "delta_batch").Add("files", static_cast<int>(files)).Send();
  }

  // Clears the files that are there now, the oldest first.
  void Drain(const std::stop_token& stop) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(kDeltas, error))
      files.push_back(file.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      if (stop.stop_requested() || !directory_up_) return;
      lab::UseCpu(std::chrono::microseconds(static_cast<long>(Knob("delta_drain_ms", 40) * 1000)));
      std::filesystem::remove(file, error);
    }
    if (files.size() > 20)
      Event("qubRA", "deltas_drained").Add("files", static_cast<int>(files.size())).Send();
  }

  const std::atomic<bool>& directory_up_;
  int sequence_ = 0;
};

// One agent process. All but the threads' own work happens on the main thread.
class Agent {
 public:
  explicit Agent(std::string name) : name_(std::move(name)) {
    for (const char* thread :
         name_ == "qubRA" ? std::vector{"student"} : std::vector{"UNS", "alias"}) {
      threads_[thread];
    }
  }

  int Run() {
    const int signals = lab::TerminationDescriptor();
    const int control = lab::ListenLocal("ra." + name_);
    if (control < 0) {
      std::fprintf(stderr, "%s: already running\n", name_.c_str());
      return 1;
    }
    Event(name_, "start").Send();
    while (!ended_) {
      pollfd waiting[] = {{signals, POLLIN, 0},
                          {control, POLLIN, 0},
                          {directory_ ? directory_->fd() : -1, POLLIN, 0}};
      poll(waiting, 3, 500);
      if (waiting[0].revents != 0) break;
      if (waiting[1].revents != 0) Converse(control);
      if (name_ == "qubRA") TendDirectory(waiting[2].revents != 0);
    }
    for (auto& [thread, running] : threads_) StopThread(thread, "process stop");
    Event(name_, "stop").Send();
    return 0;
  }

 private:
  void Converse(int control) {
    lab::Connection caller(accept4(control, nullptr, nullptr, SOCK_CLOEXEC));
    const auto line = caller.ReadLine(seconds(2));
    if (!line) return;
    std::istringstream words(*line);
    std::string verb;
    std::string thread;
    words >> verb >> thread;
    caller.Send(Answer(verb, thread));
  }

  std::string Answer(const std::string& verb, const std::string& thread) {
    if (verb == "status") return Status();
    if (verb == "stop" && thread.empty()) {
      ended_ = true;
      return "OK stopping\n";
    }
    if (threads_.count(thread) == 0) return "ERR no thread " + thread + "\n";
    if (verb == "start") return StartThread(thread);
    if (verb == "stop") return StopThread(thread, "asked");
    if (verb == "die") return StopThread(thread, "fault");
    return "ERR unknown command\n";
  }

  std::string Status() {
    std::string text = "OK " + name_ + " pid " + std::to_string(getpid()) + "\n";
    for (auto& [thread, running] : threads_) {
      text += "thread " + thread + (running ? " running\n" : " stopped\n");
    }
    return text;
  }

  std::string StartThread(const std::string& thread) {
    auto& running = threads_[thread];
    if (running) return "OK already running\n";
    running.emplace([this, thread](const std::stop_token& stop) {
      prctl(PR_SET_NAME, thread.c_str());
      if (thread == "student") {
        Student(directory_up_).Run(stop);
      } else {
        while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(100));
      }
    });
    Event(name_, "thread_start").Add("thread", thread).Send();
    return "OK started\n";
  }

  std::string StopThread(const std::string& thread, const char* reason) {
    auto& running = threads_[thread];
    if (!running) return "OK not running\n";
    running.reset();
    Event(name_, "thread_stop").Add("thread", thread).Add("reason", reason).Send();
    return "OK stopped\n";
  }

  // Holds a connection to the directory; when it ends, qubRA may crash.
  void TendDirectory(bool heard) {
    if (directory_ && heard && !directory_->ReadLine(milliseconds(100))) {
      directory_.reset();
      directory_up_ = false;
      Event(name_, "directory_lost").Send();
      CrashPerhaps();
    } else if (!directory_) {
      directory_ = lab::ConnectTcp(lab::kDirectoryAddress, lab::kDirectoryPort, milliseconds(500));
      if (directory_) directory_->Send("BIND qubRA x500\n");
      directory_up_ = directory_.has_value();
    }
  }

  void CrashPerhaps() {
    const double chance = Knob("qubra_crash", 0.5);
    std::random_device dice;
    if (std::uniform_real_distribution<double>(0, 1)(dice) >= chance) return;
    Event(name_, "crash").Send();
    std::raise(SIGKILL);
  }

  const std::string name_;
  std::map<std::string, std::optional<std::jthread>> threads_;
  std::optional<lab::Connection> directory_;
  std::atomic<bool> directory_up_{false};
  bool ended_ = false;
};

}  // namespace

int main(int, char** argv) {
  const std::string path = argv[0];
  return Agent(path.substr(path.rfind('/') + 1)).Run();
}
