// A command that signals its own process group, or is cancelled, meets what it would meet under
// `ssh host command`: the runner's own processes in that group go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteVerb;
using testing::HasSubstr;

struct Signal {
  const char* name;
  int number;
};

// TERM is what cancel sends.
constexpr Signal kSignals[] = {{"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ABRT", 6}, {"USR1", 10},
                               {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15}};

class Signals : public RunnerTest {
 protected:
  uintmax_t BytesKept() const {
    uintmax_t bytes = 0;
    std::error_code gone;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(host.directory() + "/receipts", gone)) {
      if (entry.is_regular_file(gone)) bytes += entry.file_size(gone);
    }
    return bytes;
  }
  // The output without what shells say of processes that a signal has ended.
  static std::string Said(const RemoteReply& reply) {
    std::istringstream lines(reply.receipt ? reply.receipt->output : "");
    std::string said;
    for (std::string line; std::getline(lines, line);) {
      if (line.find("Terminated") == std::string::npos) said += line + "\n";
    }
    return said;
  }
  // Of a key whose command writes a few words: a runner that writes on by itself is seen soon.
  void ExpectFewBytes() {
    const Milliseconds soon(1'000);
    EXPECT_FALSE(Eventually([&] { return BytesKept() > 10'000; }, soon)) << BytesKept();
  }
};

TEST_P(Signals, ThatItIgnoresDoNotEndACommandInTheMiddle) {
  for (const auto& [name, number] : kSignals) {
    SCOPED_TRACE(name);
    const std::string key = std::string("r/") + name + "/1";
    const std::string command = std::string("trap '' ") + name + "; echo begun; kill -" + name +
                                " 0; sleep 0.3; echo went on; " + Trace(name) + "; exit 5";
    // USR2 to the runner says that it has waited long enough: it may answer early.
    EXPECT_TRUE(host.Run(key, command).receipt);
    const RemoteReply settled = host.Settled(key);
    ExpectState(settled, ReceiptState::kFinished);
    if (!settled.receipt) continue;
    EXPECT_EQ(settled.receipt->exit_status, 5);
    EXPECT_EQ(settled.receipt->output, "begun\nwent on\n");
    EXPECT_THAT(host.Evidence(), HasSubstr(std::string(name) + "\n"));
  }
  ExpectFewBytes();
}

TEST_P(Signals, ThatEndACommandAreItsExitStatus) {
  for (const auto& [name, number] : kSignals) {
    SCOPED_TRACE(name);
    const std::string key = std::string("r/") + name + "/1";
    EXPECT_TRUE(host.Launch(key, std::string("kill -") + name + " 0; sleep 9; echo x").receipt);
    const RemoteReply settled = host.Settled(key);
    ExpectState(settled, ReceiptState::kFinished);
    if (!settled.receipt) continue;
    EXPECT_EQ(settled.receipt->exit_status, 128 + number);
  }
  ExpectFewBytes();
}

// As where env has no --default-signal: then the runner's shell alone gives them back.
TEST_P(Signals, EndACommandWhereEnvDoesNotGiveThemTheirDefaults) {
  host.WriteFile("tools", "\n\n");
  for (const auto& [name, number] : {Signal{"HUP", 1}, Signal{"USR1", 10}, Signal{"TERM", 15}}) {
    const std::string key = std::string("r/") + name + "/1";
    const RemoteReply reply = host.Run(key, std::string("kill -") + name + " $$; exit 3");
    ExpectState(reply, ReceiptState::kFinished);
    EXPECT_EQ(reply.receipt->exit_status, 128 + number);
  }
}

TEST_P(Signals, DoNotDelayTheAnswerThatACommandStillRuns) {
  const RemoteReply reply =
      host.Run("r/1/1", "trap '' TERM; kill 0; sleep 6; exit 5", Milliseconds(500));
  ExpectState(reply, ReceiptState::kRunning);
}

TEST_P(Signals, DoNotMakeADaemonDelayTheReceipt) {
  const RemoteReply reply = host.Run("r/1/1", "trap '' TERM; kill 0; sleep 100 & exit 5");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 5);
}

TEST_P(Signals, LeaveARestoringCommandToItsEnd) {
  for (const char* name : {"HUP", "USR1", "TERM"}) {
    SCOPED_TRACE(name);
    const std::string key = std::string("r") + name + "/stop";
    const RemoteReply armed =
        host.Arm(key,
                 Trace("begun") + "; trap '' " + name + "; kill -" + name +
                     " 0; sleep 0.3; echo starting; " + Trace(name) + "; exit 0",
                 Milliseconds(1'000));
    EXPECT_EQ(armed.lease, LeaseState::kArmed);
    EXPECT_TRUE(Eventually([&] {
      return host.ReadFile("leases/r" + std::string(name) + "@stop.lease").find("state=restored") !=
             std::string::npos;
    }));
    EXPECT_THAT(host.ReadFile("leases/r" + std::string(name) + "@stop.lease"),
                HasSubstr("\nexit_status=0\n"));
  }
  EXPECT_EQ(host.Evidence(), "begun\nHUP\nbegun\nUSR1\nbegun\nTERM\n");
}

TEST_P(Signals, OfACancelLeaveTheOutputThatTheCommandWrote) {
  const std::string cleans = "trap 'echo cleaning; sleep 0.5; echo cleaned; exit 7' TERM; echo a; ";
  ExpectState(host.Launch("r/1/1", cleans + "while :; do sleep 0.1; done"), ReceiptState::kRunning);
  ASSERT_TRUE(Eventually([&] { return host.ReadFile("receipts/r/1@1.out") == "a\n"; }));
  engine::RemoteRequest cancel;
  cancel.verb = RemoteVerb::kCancel;
  cancel.key = "r/1/1";
  Exchange patient;
  patient.grace = Milliseconds(5'000);
  const RemoteReply reply = host.Ask(cancel, patient);
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 7);
  EXPECT_EQ(Said(reply), "a\ncleaning\ncleaned\n");
  // A script that ends all that it has started.
  host.Run("r/2/1", "trap 'trap - EXIT; kill 0' EXIT; echo begin; sleep 0.2; exit 5");
  const RemoteReply settled = host.Settled("r/2/1");
  ExpectState(settled, ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 143);
  EXPECT_EQ(Said(settled), "begin\n");
  ExpectFewBytes();
}

// Whatever makes the drain write without end: here its dd does.
TEST_P(Signals, AFaultOfTheDrainDoesNotFillTheDisk) {
  const std::string tools = host.directory() + "-tools";
  std::filesystem::create_directory(tools);
  std::ofstream(tools + "/dd") << "#!/bin/sh\nexec cat /dev/zero\n";
  chmod((tools + "/dd").c_str(), 0755);
  host.setup.environment["PATH"] = tools;
  const RemoteReply reply = host.Run("r/1/1", "echo a; sleep 0.2; echo b; exit 5");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 5);
  EXPECT_TRUE(host.Do(RemoteVerb::kStatus, "r/1/1").receipt->truncated);
  EXPECT_LE(BytesKept(), 1024U * 1024U);
}

INSTANTIATE_TEST_SUITE_P(, Signals, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

}  // namespace
}  // namespace mailhub::remote
