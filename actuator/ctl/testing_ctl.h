// Test fixture: runs the mailhubctl program against a real server with a fake backend.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "actuator/api/api.h"
#include "actuator/api/testing_backend.h"
#include "lib/http/server.h"

namespace mailhub::ctl {

struct Outcome {
  int status = -1;
  std::string out;  // standard output and error
};

// `arguments` go through the shell; `with` goes before the program's name.
inline Outcome Execute(const std::string& arguments,
                       const std::string& with = "USER=anna SUDO_USER= ") {
  Outcome outcome;
  FILE* program = popen(("TZ=UTC " + with + MAILHUBCTL + " " + arguments + " 2>&1").c_str(), "r");
  if (program == nullptr) return outcome;
  std::array<char, 4096> part{};
  while (const size_t got = fread(part.data(), 1, part.size(), program))
    outcome.out.append(part.data(), got);
  const int status = pclose(program);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

inline engine::View ViewOf(const engine::RunView& run) {
  engine::View view;
  (run.state == engine::RunState::kFinished ? view.finished : view.unfinished) = {run};
  return view;
}

// The program's output on a terminal of that size. `seen` is called with all output so far each
// time that there is more.
inline Outcome OnTerminal(const std::vector<std::string>& arguments, unsigned short columns,
                          unsigned short rows,
                          const std::function<void(const std::string&)>& seen = {}) {
  Outcome outcome;
  int terminal = -1;
  winsize size{};
  size.ws_col = columns;
  size.ws_row = rows;
  std::vector<char*> argv = {const_cast<char*>(MAILHUBCTL)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child < 0) return outcome;
  if (child == 0) {
    execv(MAILHUBCTL, argv.data());
    _exit(127);
  }
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = read(terminal, part.data(), part.size())) > 0;) {
    outcome.out.append(part.data(), static_cast<size_t>(got));
    if (seen) seen(outcome.out);
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(terminal);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

class MailhubctlTest : public ::testing::Test {
 public:
  MailhubctlTest() : token_file_("/tmp/mailhubctl-token-" + std::to_string(getpid())) {
    std::ofstream(token_file_) << "correct-horse-battery\n";
    chmod(token_file_.c_str(), 0600);
    api::AddRoutes(server_, backend_, metrics_, clock_, {"1", token_file_, 2});
    const Status started = server_.Start();
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    url_ = "http://127.0.0.1:" + std::to_string(server_.Port());
    backend_.Show(ViewOf(api::testing::RunAtItsGate()));
  }
  ~MailhubctlTest() override {
    server_.Stop();
    unlink(token_file_.c_str());
  }

 protected:
  Outcome Ctl(const std::string& arguments) { return Execute("--url " + url_ + " " + arguments); }
  Outcome CtlWithToken(const std::string& arguments) {
    return Ctl("--token-file " + token_file_ + " " + arguments);
  }

  const std::string token_file_;
  std::string url_;
  api::testing::FakeBackend backend_;
  api::ActuatorMetrics metrics_{"1"};
  RealClock clock_;
  http::Server server_{http::ServerOptions{}};
};

}  // namespace mailhub::ctl
