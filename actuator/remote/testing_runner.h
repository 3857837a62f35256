// For tests: a host with the real runner under a chosen shell, and its own receipts directory.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <map>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "actuator/engine/remote.h"
#include "actuator/remote/protocol.h"
#include "lib/base/clock.h"

namespace mailhub::remote {

// The runner's shell and options.
struct RunnerSetup {
  std::string name;            // for the test's name
  std::string shell = "dash";  // words
  std::string options;         // words, besides --dir, --allow-tmpfs and --no-systemd
  std::map<std::string, std::string> environment;  // added; PATH here goes before the usual one
};

inline void PrintTo(const RunnerSetup& setup, std::ostream* out) {
  *out << setup.name;
}

// The usual test shells: dash, and sh.
std::vector<RunnerSetup> UsualSetup();
// bash, busybox, ksh93 and mksh, and sh without /proc and flock.
std::vector<RunnerSetup> OtherSetups();

// One running invocation. Confined to one thread. Destroying it closes its pipes and reaps it if it
// has ended.
class RunnerCall {
 public:
  RunnerCall(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
             std::string input, std::string nonce, Told told = Told::kMark);
  ~RunnerCall();
  RunnerCall(RunnerCall&& other) noexcept;
  RunnerCall& operator=(RunnerCall&&) = delete;

  // The reply; kOutcomeUnknown if it ends, or `patience` passes, without one.
  engine::RemoteReply Wait(Milliseconds patience = Milliseconds(30'000));
  const Checked& checked() const { return checked_; }  // after Wait(), of a check
  pid_t pid() const { return pid_; }
  std::string error_output();

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string nonce_;
  Told told_;
  Checked checked_;
};

// Owns the directory. Confined to one thread.
class RunnerHost {
 public:
  explicit RunnerHost(RunnerSetup setup);
  ~RunnerHost();  // ends processes that the runner left, and removes the directory
  RunnerHost(const RunnerHost&) = delete;
  RunnerHost& operator=(const RunnerHost&) = delete;

  RunnerCall Start(engine::RemoteRequest request, Exchange exchange = {});
  engine::RemoteReply Ask(engine::RemoteRequest request, Exchange exchange = {});

  // Shorthands; they fill in the recorded directory identity.
  engine::RemoteReply Hello();  // and records the identity
  engine::RemoteReply Run(const std::string& key, const std::string& command,
                          Milliseconds wait = Milliseconds(10'000));
  engine::RemoteReply Launch(const std::string& key, const std::string& command);
  engine::RemoteReply Do(engine::RemoteVerb verb, const std::string& key);
  engine::RemoteReply Arm(const std::string& key, const std::string& restore, Milliseconds after);
  // Asks for the status until it is no longer running; at most 15 s.
  engine::RemoteReply Settled(const std::string& key);
  // Ends processes that the runner has left.
  void EndAll() const;
  // Does the timer's work.
  void LookAtLeases();

  std::vector<std::string> Argv(const std::string& word = "") const;
  std::string directory() const { return root_ + "/d"; }
  // A file for commands to write to, and its contents.
  std::string evidence() const { return root_ + "/evidence"; }
  std::string Evidence() const;
  std::string ReadFile(const std::string& name) const;  // below directory()
  void WriteFile(const std::string& name, const std::string& text) const;

  RunnerSetup setup;
  Identity identity{"journal-a", 1};
  std::string directory_id;

 private:
  std::string root_;
};

// A host of the setup in the test's parameter, after its hello.
class RunnerTest : public testing::TestWithParam<RunnerSetup> {
 protected:
  RunnerTest() : host(GetParam()) {
    const engine::RemoteReply hello = host.Hello();
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
  }
  // A command that leaves a trace, so that runs can be counted.
  std::string Trace(const std::string& word) const {
    return "echo " + word + " >>" + host.evidence();
  }
  static void ExpectFailure(const engine::RemoteReply& reply, ErrorKind kind,
                            const std::string& words) {
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, kind);
    EXPECT_THAT(reply.receipt.error().message, testing::HasSubstr(words));
  }
  static void ExpectState(const engine::RemoteReply& reply, engine::ReceiptState state) {
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.receipt->state, state);
  }

  RunnerHost host;
};

inline std::string SetupName(const testing::TestParamInfo<RunnerSetup>& setup) {
  return setup.param.name;
}

// Polls `happened` until it is true, at most `longest`.
template <typename Condition>
bool Eventually(Condition happened, Milliseconds longest = Milliseconds(15'000)) {
  const RealClock clock;
  const SteadyTime deadline = clock.Steady() + longest;
  while (!happened()) {
    if (clock.Steady() > deadline) return false;
    std::this_thread::sleep_for(Milliseconds(2));
  }
  return true;
}

}  // namespace mailhub::remote
