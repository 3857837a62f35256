// The runner's rules about keys and receipts, under every shell on this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;
using testing::HasSubstr;

class Runner : public RunnerTest {
 protected:
  // A command that runs until Finish() is called.
  std::string UntilFinish() const {
    return "until [ -e " + host.evidence() + ".finish ]; do sleep 0.05; done";
  }
  void Finish() const { std::ofstream(host.evidence() + ".finish"); }
  // Starts a request for key r/1/1 that is delayed before the lock: it has looked at the claim, and
  // has written but not published its own claim.
  RunnerCall StartDelayed(RemoteVerb verb) {
    const std::string shims = host.directory() + "/shims";
    const std::string gate = shims + "/open";
    std::filesystem::create_directory(shims);
    std::filesystem::remove(gate);
    for (const char* name : {"flock", "ln"}) {
      host.WriteFile(std::string("shims/") + name, "#!/bin/sh\nuntil [ -e " + gate +
                                                       " ]; do sleep 0.01; done\nexec /usr/bin/" +
                                                       name + " \"$@\"\n");
      chmod((shims + "/" + name).c_str(), 0755);
    }
    engine::RemoteRequest request;
    request.verb = verb;
    request.key = "r/1/1";
    request.command = Trace("x");
    const int claims = Claims();
    host.setup.environment["PATH"] = shims;
    RunnerCall delayed = host.Start(request);
    host.setup.environment.clear();
    EXPECT_TRUE(Eventually([&] { return Claims() == claims + 1; }));
    return delayed;
  }
  void LetGo() { host.WriteFile("shims/open", ""); }
  int Claims() const {
    int found = 0;
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(host.directory() + "/receipts/r", none)) {
      if (entry.path().filename().string().find(".claim~new.") != std::string::npos) ++found;
    }
    return found;
  }
};

INSTANTIATE_TEST_SUITE_P(, Runner, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

TEST_P(Runner, RunsACommandOnceAndReturnsItsReceiptEverAfter) {
  const std::string command = Trace("x") + "; echo out; echo err >&2; exit 3";
  for (int i = 0; i < 2; ++i) {
    const RemoteReply reply = host.Run("r/1/1", command);
    ExpectState(reply, ReceiptState::kFinished);
    EXPECT_EQ(reply.receipt->exit_status, 3);
    EXPECT_EQ(reply.receipt->output, "out\nerr\n");
    EXPECT_EQ(reply.directory_id, host.directory_id);
    EXPECT_FALSE(reply.mark.boot_id.empty());
    EXPECT_GT(reply.mark.uptime_s, 0);
  }
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Runner, GivesCommandsAPlainEnvironmentAndNoInput) {
  const RemoteReply reply =
      host.Run("r/1/1", "cat; echo \"${SSH_CONNECTION-none} $MAILHUB_KEY\"; trap");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->output, "none r/1/1\n");
}

TEST_P(Runner, KeepsCommandsByteForByte) {
  // Bytes that shells use internally as marks, final newlines, quotes, backslashes.
  const RemoteReply reply = host.Run(
      "r/1/1", "printf '%s' '\xc3\x89t\xc3\xa9 \\n \"$HOME\"' ; echo '\xc2\x81\xc2\x88'\n\n");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->output, "\xc3\x89t\xc3\xa9 \\n \"$HOME\"\xc2\x81\xc2\x88\n");
}

TEST_P(Runner, RefusesAKeyThatWasClaimedForAnotherCommand) {
  ExpectState(host.Run("r/1/1", Trace("first")), ReceiptState::kFinished);
  ExpectFailure(host.Run("r/1/1", Trace("second")), ErrorKind::kRefused, "another command");
  ExpectFailure(host.Launch("r/1/1", Trace("second")), ErrorKind::kRefused, "another command");
  EXPECT_EQ(host.Evidence(), "first\n");
}

TEST_P(Runner, RunsAKeyOnceHoweverManyAskAtOnce) {
  engine::RemoteRequest request;
  request.verb = RemoteVerb::kRun;
  request.key = "r/1/1";
  request.command = Trace("x");
  Exchange exchange;
  exchange.wait = Milliseconds(10'000);
  std::vector<RunnerCall> calls;
  calls.reserve(20);
  for (int i = 0; i < 20; ++i) calls.push_back(host.Start(request, exchange));
  for (RunnerCall& call : calls) ExpectState(call.Wait(), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Runner, AnswersThatACommandStillRunsAndLaterHowItEnded) {
  const RemoteReply early =
      host.Run("r/1/1", "echo begun; " + UntilFinish() + "; echo done", Milliseconds(200));
  ExpectState(early, ReceiptState::kRunning);
  EXPECT_EQ(early.receipt->output, "begun\n");
  Finish();
  const RemoteReply late = host.Settled("r/1/1");
  ExpectState(late, ReceiptState::kFinished);
  EXPECT_EQ(late.receipt->output, "begun\ndone\n");
  // Without /proc/uptime, times are whole seconds.
  const Milliseconds least(host.setup.name == "bare" ? 0 : 200);
  EXPECT_GE(late.receipt->duration, least);
}

TEST_P(Runner, DoesNotWaitForADaemonThatKeepsTheOutputOpen) {
  const RealClock clock;
  const SteadyTime before = clock.Steady();
  const RemoteReply reply = host.Run("r/1/1", "sleep 8 & echo started");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->output, "started\n");
  EXPECT_LT(clock.Steady() - before, Milliseconds(6'000));
}

TEST_P(Runner, LaunchesAJobThatLivesOnItsOwn) {
  const std::string command = Trace("begun") + "; " + UntilFinish() + "; exit 4";
  ExpectState(host.Launch("r/job/1", command), ReceiptState::kRunning);
  ExpectState(host.Launch("r/job/1", command), ReceiptState::kRunning);
  Finish();
  const RemoteReply settled = host.Settled("r/job/1");
  ExpectState(settled, ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 4);
  EXPECT_EQ(host.Evidence(), "begun\n");
}

TEST_P(Runner, NeverRunsAVoidKey) {
  ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kNone);
  ExpectState(host.Do(RemoteVerb::kVoid, "r/1/1"), ReceiptState::kVoid);
  ExpectState(host.Run("r/1/1", Trace("x")), ReceiptState::kVoid);
  ExpectState(host.Launch("r/1/1", Trace("x")), ReceiptState::kVoid);
  EXPECT_EQ(host.Evidence(), "");
  // A command that has run cannot be made void.
  ExpectState(host.Run("r/2/1", Trace("y")), ReceiptState::kFinished);
  ExpectState(host.Do(RemoteVerb::kVoid, "r/2/1"), ReceiptState::kFinished);
}

TEST_P(Runner, RunsNothingWhenItIsLateForAVoidKey) {
  RunnerCall delayed = StartDelayed(RemoteVerb::kRun);
  ExpectState(host.Do(RemoteVerb::kVoid, "r/1/1"), ReceiptState::kVoid);
  LetGo();
  ExpectState(delayed.Wait(), ReceiptState::kVoid);
  EXPECT_EQ(host.Evidence(), "");
}

TEST_P(Runner, RunsNothingWhenANewerActuatorCameMeanwhile) {
  for (const RemoteVerb verb : {RemoteVerb::kRun, RemoteVerb::kLaunch}) {
    RunnerCall delayed = StartDelayed(verb);
    host.identity.epoch += 1;
    ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kNone);
    LetGo();
    ExpectFailure(delayed.Wait(), ErrorKind::kRefused, "is over");
    EXPECT_EQ(host.Evidence(), "");
  }
}

TEST_P(Runner, RunsNothingWhenItsRunWasSweptMeanwhile) {
  RunnerCall delayed = StartDelayed(RemoteVerb::kRun);
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "r").receipt);
  LetGo();
  const RemoteReply reply = delayed.Wait();
  EXPECT_FALSE(reply.receipt);
  EXPECT_EQ(host.Evidence(), "");
}

TEST_P(Runner, RefusesOldEpochsAndStrangeJournals) {
  ExpectState(host.Run("r/1/1", "true"), ReceiptState::kFinished);
  host.identity.epoch = 5;
  ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kFinished);
  host.identity.epoch = 4;
  ExpectFailure(host.Run("r/2/1", Trace("x")), ErrorKind::kRefused, "epoch 4 is over");
  ExpectFailure(host.Launch("r/2/1", Trace("x")), ErrorKind::kRefused, "epoch 4 is over");
  ExpectFailure(host.Hello(), ErrorKind::kRefused, "epoch 4 is over");
  host.identity = {"journal-b", 9};
  ExpectFailure(host.Run("r/2/1", Trace("x")), ErrorKind::kRefused, "obeys journal journal-a");
  Exchange takeover;
  takeover.takeover = true;
  // The kernel counts in hundredths of a second, so it is delayed by some of them.
  host.WriteFile("slow", "sleep 0.1; exec \"$@\"");
  const std::string shell =
      std::exchange(host.setup.shell, "sh " + host.directory() + "/slow " + host.setup.shell);
  takeover.within = Milliseconds(1);
  ExpectFailure(host.Ask({}, takeover), ErrorKind::kUnreachable, "to begin within 1 ms");
  host.setup.shell = shell;
  takeover.within = Milliseconds(60'000);
  ASSERT_TRUE(host.Ask({}, takeover).receipt);
  ExpectState(host.Run("r/2/1", Trace("x")), ReceiptState::kFinished);
  host.identity = {"journal-a", 5};
  ExpectFailure(host.Run("r/3/1", Trace("x")), ErrorKind::kRefused, "obeys journal journal-b");
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Runner, KnowsHowAStepEndedWhoseRunnerDiedAndWhoseDaemonLivesOn) {
  // The runner, which leads the group, dies between the command's end and the status.
  host.setup.environment = {{"PATH", host.directory() + "/shims"}};
  std::filesystem::create_directory(host.directory() + "/shims");
  const std::string mv = host.directory() + "/shims/mv";
  std::ofstream(mv)
      << "#!/bin/sh\ncase $* in *.status*) kill -9 $PPID; exit 1 ;; esac\nexec /bin/mv \"$@\"\n";
  std::filesystem::permissions(mv, std::filesystem::perms::owner_all);
  host.Run("r/1/1", "sleep 60 >/dev/null 2>&1 & exit 3");
  host.setup.environment.clear();
  const RemoteReply reply = host.Settled("r/1/1");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 3);
}

TEST_P(Runner, EndsWithItsCommandThoughADaemonKeepsTheOutputAndSomebodyKeepsAsking) {
  // Long enough for the runner to look at the output only every few seconds.
  ExpectState(
      host.Run("r/1/1", "sleep 60 & sleep 2; " + UntilFinish() + "; exit 3", Milliseconds(100)),
      ReceiptState::kRunning);
  Finish();
  const RemoteReply reply = host.Settled("r/1/1");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 3);
  const std::string claim = host.ReadFile("receipts/r/1@1.claim");
  const pid_t runner = atoi(claim.c_str() + claim.find("\npid=") + 5);
  EXPECT_TRUE(Eventually(
      [&] { return waitpid(runner, nullptr, WNOHANG) == runner || kill(runner, 0) != 0; },
      Milliseconds(5'000)));
  kill(-runner, SIGKILL);
}

TEST_P(Runner, WritesTheStatusAfterTheConnectionIsGone) {
  RemoteRequest request;
  request.verb = RemoteVerb::kRun;
  request.key = "r/1/1";
  request.command = Trace("x") + "; sleep 0.3; exit 3";
  Exchange exchange;
  exchange.wait = Milliseconds(10'000);
  {
    const RunnerCall gone = host.Start(request, exchange);
    ASSERT_TRUE(Eventually([&] { return host.Evidence() == "x\n"; }));
  }
  ASSERT_TRUE(Eventually([&] { return !host.ReadFile("receipts/r/1@1.status").empty(); },
                         Milliseconds(5'000)));
  EXPECT_THAT(host.ReadFile("receipts/r/1@1.status"), HasSubstr("exit_status=3\n"));
}

TEST_P(Runner, BoundsAFloodsOutputOnDisk) {
  const RemoteReply reply =
      host.Run("r/1/1", "head -c 6000000 /dev/zero | tr '\\0' x; echo; echo the end");
  ExpectState(reply, ReceiptState::kFinished);
  EXPECT_EQ(reply.receipt->exit_status, 0);
  EXPECT_TRUE(reply.receipt->truncated);
  EXPECT_EQ(reply.receipt->output.size(), 4096U);
  EXPECT_THAT(reply.receipt->output, testing::EndsWith("x\nthe end\n"));
  uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(host.directory() + "/receipts/r")) {
    bytes += entry.file_size();
  }
  EXPECT_LE(bytes, 1024U * 1024U);
}

TEST_P(Runner, CancelsWithGrandchildrenAndSettlesByStatus) {
  // Two generations, one of which ignores TERM.
  const std::string command = "(trap '' TERM; sleep 61 & echo $! >>" + host.evidence() +
                              "; wait) & sleep 62 & echo $! >>" + host.evidence() + "; wait";
  ExpectState(host.Launch("r/1/1", command), ReceiptState::kRunning);
  ASSERT_TRUE(Eventually([&] {
    const std::string pids = host.Evidence();
    return std::count(pids.begin(), pids.end(), '\n') == 2;
  }));
  ASSERT_TRUE(host.Do(RemoteVerb::kCancel, "r/1/1").receipt);
  const RemoteReply settled = host.Settled("r/1/1");
  ExpectState(settled, ReceiptState::kFinished);
  EXPECT_THAT(settled.receipt->exit_status, testing::AnyOf(137, 143));
  std::istringstream pids(host.Evidence());
  for (int pid = 0; pids >> pid;) {
    EXPECT_TRUE(Eventually([&] {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string line;
      return !std::getline(stat, line) || line.find(") Z ") != std::string::npos;
    })) << pid;
  }
  // A finished command cannot be cancelled, and one that never began is not.
  ExpectState(host.Do(RemoteVerb::kCancel, "r/1/1"), ReceiptState::kFinished);
  ExpectState(host.Do(RemoteVerb::kCancel, "r/2/1"), ReceiptState::kNone);
}

TEST_P(Runner, CallsAClaimInterruptedWhenItsRunnerIsGoneOrAnotherBootsOwn) {
  ExpectState(host.Launch("r/1/1", "sleep 63"), ReceiptState::kRunning);
  const std::string claim = host.ReadFile("receipts/r/1@1.claim");
  const int group = atoi(claim.c_str() + claim.find("\npid=") + 5);
  ASSERT_GT(group, 1);
  // The whole group, as after a loss of power.
  kill(-group, SIGKILL);
  const RemoteReply killed = host.Settled("r/1/1");
  ExpectState(killed, ReceiptState::kInterrupted);
  // The same process numbers with another boot id, and a claim damaged by the crash.
  ExpectState(host.Launch("r/2/1", "sleep 64"), ReceiptState::kRunning);
  std::string other = host.ReadFile("receipts/r/2@1.claim");
  const size_t boot = other.find("boot_id=") + 8;
  other[boot] = other[boot] == 'x' ? 'y' : 'x';
  host.WriteFile("receipts/r/3@1.claim", other);
  ExpectState(host.Do(RemoteVerb::kStatus, "r/3/1"), ReceiptState::kInterrupted);
  host.WriteFile("receipts/r/4@1.claim", "");
  ExpectState(host.Do(RemoteVerb::kStatus, "r/4/1"), ReceiptState::kInterrupted);
}

TEST_P(Runner, KnowsThatACommandOutlivesItsRunnerAndHowItEnds) {
  const std::string command = UntilFinish() + "; " + Trace("x") + "; exit 7";
  ExpectState(host.Launch("r/1/1", command), ReceiptState::kRunning);
  const std::string claim = host.ReadFile("receipts/r/1@1.claim");
  const int runner = atoi(claim.c_str() + claim.find("\npid=") + 5);
  ASSERT_GT(runner, 1);
  ASSERT_TRUE(Eventually(
      [&] { return std::filesystem::exists(host.directory() + "/receipts/r/1@1.out"); }));
  kill(runner, SIGKILL);
  ExpectState(host.Do(RemoteVerb::kStatus, "r/1/1"), ReceiptState::kRunning);
  Finish();
  const RemoteReply settled = host.Settled("r/1/1");
  ExpectState(settled, ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 7);
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Runner, ReportsATornClaimAsInterruptedAlsoToRun) {
  ASSERT_TRUE(host.Run("r/1/1", "true").receipt);
  const std::string claim = host.ReadFile("receipts/r/1@1.claim");
  // As after a power cut: cut off anywhere in its head, or only zeros.
  for (size_t size = 0; size < claim.find("\nby="); size += 23) {
    host.WriteFile("receipts/r/2@1.claim", claim.substr(0, size));
    ExpectState(host.Run("r/2/1", Trace("x")), ReceiptState::kInterrupted);
    ExpectState(host.Launch("r/2/1", Trace("x")), ReceiptState::kInterrupted);
  }
  host.WriteFile("receipts/r/2@1.claim", std::string(300, '\0'));
  ExpectState(host.Run("r/2/1", Trace("x")), ReceiptState::kInterrupted);
  EXPECT_EQ(host.Evidence(), "");
}

TEST_P(Runner, KeepsOutputThatASlowDiskTakesLate) {
  // dd, which writes the output, is late; another request asks meanwhile.
  std::filesystem::create_directory(host.directory() + "/shims");
  host.WriteFile("shims/dd", "#!/bin/sh\nsleep 0.1\nexec /usr/bin/dd \"$@\"\n");
  chmod((host.directory() + "/shims/dd").c_str(), 0755);
  host.setup.environment = {{"PATH", host.directory() + "/shims"}};
  for (int i = 1; i <= 3; ++i) {
    const std::string key = "r/" + std::to_string(i) + "/1";
    ASSERT_TRUE(host.Launch(key, "echo said").receipt);
    const RemoteReply reply = host.Settled(key);
    ExpectState(reply, ReceiptState::kFinished);
    EXPECT_EQ(reply.receipt->output, "said\n");
  }
}

TEST_P(Runner, DoesNothingForARequestThatIsCutInItsHeader) {
  for (const char* verb : {"void", "cancel", "sweep", "takeover"}) {
    const std::string head = "mailhub-request 1\nnonce=n\nverb=" + std::string(verb) +
                             "\njournal=journal-b\nepoch=7\ndirectory_id=" + host.directory_id +
                             "\nkey=r/1/1\ngrace_ms=1\n";
    for (size_t cut = head.size(); cut > 60; cut -= 9) {
      const auto reply =
          RunnerCall(host.Argv(), host.setup.environment, head.substr(0, cut), "n").Wait();
      EXPECT_FALSE(reply.receipt) << verb << " cut behind " << cut << " bytes";
    }
  }
  ExpectState(host.Run("r/1/1", Trace("x")), ReceiptState::kFinished);
  EXPECT_EQ(host.Evidence(), "x\n");
}

TEST_P(Runner, RefusesMalformedRequests) {
  for (const char* key : {"r/1", "r/1/x", "../1/1", "r/../1", "r//1", "r/1/1/1", "r/1/"}) {
    ExpectFailure(host.Run(key, Trace("x")), ErrorKind::kInvalid, "");
  }
  const auto say = [&](const std::string& text) {
    return RunnerCall(host.Argv(), host.setup.environment, text, "n").Wait();
  };
  const std::string head =
      "mailhub-request 1\nnonce=n\njournal=journal-a\nepoch=1\nkey=r/1/1\n"
      "verb=run\ndirectory_id=" +
      host.directory_id + "\ndigest=d\n";
  ExpectFailure(say(head + "body_bytes=30\n\n" + Trace("x").substr(0, 10)), ErrorKind::kInvalid,
                "cut short");
  ExpectFailure(say(head + "body_bytes=3\n\necho too long\n"), ErrorKind::kInvalid, "longer than");
  ExpectFailure(say(head + "body_bytes=99999999999999\n\nx\n"), ErrorKind::kInvalid, "no number");
  ExpectFailure(say(head + std::string("body_bytes=16\n\necho a\0b; echo c\n", 32)),
                ErrorKind::kInvalid, "");
  ExpectFailure(say(head + "surprise=1\nbody_bytes=1\n\nx\n"), ErrorKind::kInvalid, "surprise");
  EXPECT_EQ(host.Evidence(), "");
}

}  // namespace
}  // namespace mailhub::remote
