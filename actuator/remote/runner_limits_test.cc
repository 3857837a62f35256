// An account with small limits: few processes, descriptors, bytes of memory or of a file. And
// requests damaged on their way. The runner's answers must still be true. MAILHUB_RUNNER_ROUNDS=N
// tries more, MAILHUB_RUNNER_SEED=S others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <random>

#include "actuator/remote/testing_runner.h"
#include "lib/base/digest.h"

namespace mailhub::remote {
namespace {

using engine::LeaseState;
using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;

// "games": an unused account of every Debian. Root has no limit of processes.
constexpr uid_t kUser = 5;
constexpr gid_t kGroup = 60;
constexpr Milliseconds kPatience{5'000};
constexpr int kExit = 7;  // the commands' status, different from any shell's own

int Setting(const char* name, int usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::atoi(text);
}

class Limits : public testing::TestWithParam<RunnerSetup> {
 public:
  Limits() : host(GetParam()), chance_(Setting("MAILHUB_RUNNER_SEED", 1)) {
    const auto root = std::filesystem::path(host.directory()).parent_path();
    EXPECT_EQ(chown(root.c_str(), kUser, kGroup), 0);
    const RemoteReply hello = Ask({}, {});
    EXPECT_TRUE(hello.receipt) << hello.receipt.error().message;
    host.directory_id = hello.directory_id;
  }
  ~Limits() override { host.EndAll(); }

 protected:
  int Draw(int most) { return static_cast<int>(chance_() % (static_cast<unsigned>(most) + 1)); }

  // Arguments of prlimit: enough for all, a part, or nothing of the runner's work.
  std::vector<std::string> Scarce() {
    std::vector<std::string> limits{"--nproc=" + std::to_string(2 + Draw(24)),
                                    "--nofile=" + std::to_string(10 + Draw(12)),
                                    "--fsize=" + std::to_string(Draw(3) == 0 ? 0 : Draw(3000)),
                                    "--as=" + std::to_string((4 << 20) + Draw(40 << 20))};
    std::shuffle(limits.begin(), limits.end(), chance_);
    limits.resize(1 + static_cast<size_t>(Draw(1)));
    return limits;
  }

  RemoteReply Ask(RemoteRequest request, const std::vector<std::string>& limits,
                  bool mangled = false) {
    if (request.verb != RemoteVerb::kHello) request.directory_id = host.directory_id;
    Exchange exchange;
    exchange.nonce = RandomHex(32);
    exchange.wait = Milliseconds(3'000);
    exchange.grace = Milliseconds(200);
    std::string text = EncodeRequest(request, host.identity, exchange).value();
    if (mangled) Mangle(&text);
    std::vector<std::string> argv{"setpriv", "--reuid=" + std::to_string(kUser),
                                  "--regid=" + std::to_string(kGroup), "--clear-groups"};
    if (!limits.empty()) argv.emplace_back("prlimit");
    argv.insert(argv.end(), limits.begin(), limits.end());
    for (const std::string& word : host.Argv()) argv.push_back(word);
    RunnerCall call(argv, environment_, text, exchange.nonce, ToBeTold(request.verb, false));
    RemoteReply reply = call.Wait(kPatience);
    // A shell that cannot fork retries for a while; the test does not wait for that.
    if (!reply.receipt && reply.receipt.error().kind == ErrorKind::kOutcomeUnknown) {
      kill(-call.pid(), SIGKILL);
    }
    return reply;
  }

  // Damages only the header: a changed command is another command.
  void Mangle(std::string* text) {
    const size_t end = text->find("\n\n");
    for (int count = 1 + Draw(3); count > 0; --count) {
      const auto at = static_cast<size_t>(Draw(static_cast<int>(end) - 1));
      switch (Draw(3)) {
        case 0:
          (*text)[at] = static_cast<char>(Draw(255));
          break;
        case 1:
          text->erase(at, 1 + static_cast<size_t>(Draw(8)));
          break;
        case 2:
          text->insert(at, 1 + static_cast<size_t>(Draw(3)), static_cast<char>(Draw(255)));
          break;
        default:
          text->resize(text->size() - static_cast<size_t>(Draw(60)));
      }
    }
  }

  RemoteReply Send(RemoteVerb verb, const std::string& key, const std::string& command,
                   const std::vector<std::string>& limits, bool mangled = false) {
    RemoteRequest request;
    request.verb = verb;
    request.key = key;
    request.command = command;
    request.after = Milliseconds(600'000);
    request.generation = 1;
    return Ask(std::move(request), limits, mangled);
  }

  RemoteReply Settled(const std::string& key) {
    RemoteReply reply;
    EXPECT_TRUE(Eventually([&] {
      reply = Send(RemoteVerb::kStatus, key, "", {});
      return !reply.receipt || reply.receipt->state != ReceiptState::kRunning;
    }));
    return reply;
  }

  std::string Trace(const std::string& word) const {
    return "echo " + word + " >>" + host.evidence() + " && exit " + std::to_string(kExit);
  }
  int Times(const std::string& word) const {
    const std::string text = host.Evidence();
    int times = 0;
    for (size_t at = 0; (at = text.find(word + "\n", at)) != std::string::npos; ++at) ++times;
    return times;
  }
  int ClaimsOf(const std::string& command) const {
    int claims = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(host.directory())) {
      if (entry.path().extension() != ".claim") continue;
      const auto name = std::filesystem::relative(entry.path(), host.directory());
      if (host.ReadFile(name).find(command + "\n") != std::string::npos) ++claims;
    }
    return claims;
  }
  static bool Finished(const RemoteReply& reply) {
    return reply.receipt && reply.receipt->state == ReceiptState::kFinished;
  }

  std::map<std::string, std::string> environment_;
  const int rounds_ = Setting("MAILHUB_RUNNER_ROUNDS", 40);
  RunnerHost host;

 private:
  std::mt19937 chance_;
};

INSTANTIATE_TEST_SUITE_P(, Limits, testing::ValuesIn(MAILHUB_SETUPS()), SetupName);

TEST_P(Limits, RunsACommandOnceOrSaysThatItHasNotWhateverIsScarce) {
  int done = 0;
  for (int round = 0; round < rounds_; ++round) {
    const std::string word = "w" + std::to_string(round);
    const std::string key = "r/" + word + "/1";
    const std::vector<std::string> limits = Scarce();
    const auto verb = Draw(1) == 0 ? RemoteVerb::kRun : RemoteVerb::kLaunch;
    SCOPED_TRACE(word + (verb == RemoteVerb::kRun ? " run " : " launch ") +
                 testing::PrintToString(limits));
    const RemoteReply reply = Send(verb, key, Trace(word), limits);
    if (Finished(reply) && reply.receipt->exit_status == kExit) {
      EXPECT_EQ(Times(word), 1);
      ++done;
    }
    if (!reply.receipt && reply.receipt.error().kind == ErrorKind::kUnreachable) {
      EXPECT_EQ(Times(word), 0) << reply.receipt.error().message;
    }
    host.EndAll();
    const RemoteReply settled = Settled(key);
    ASSERT_TRUE(settled.receipt) << settled.receipt.error().message;
    if (Finished(settled) && settled.receipt->exit_status == kExit) {
      EXPECT_EQ(Times(word), 1);
    }
    if (settled.receipt->state == ReceiptState::kNone) {
      EXPECT_EQ(Times(word), 0);
    }
    if (Finished(reply)) {
      EXPECT_EQ(settled.receipt->state, ReceiptState::kFinished);
    }
    if (!reply.receipt && reply.receipt.error().kind == ErrorKind::kUnreachable) {
      EXPECT_EQ(settled.receipt->state, ReceiptState::kNone) << reply.receipt.error().message;
    }
    // Asked again by an account with enough, it runs unless it has run.
    const RemoteReply again = Send(RemoteVerb::kRun, key, Trace(word), {});
    ASSERT_TRUE(again.receipt) << again.receipt.error().message;
    EXPECT_LE(Times(word), 1);
    if (settled.receipt->state == ReceiptState::kNone) {
      EXPECT_TRUE(Finished(again));
      EXPECT_EQ(Times(word), 1);
    } else {
      EXPECT_EQ(again.receipt->state, settled.receipt->state);
    }
  }
  EXPECT_GT(done, 0) << "the limits leave too little";
  EXPECT_LT(done, rounds_) << "the limits leave too much";
}

TEST_P(Limits, ArmsADeadManOrSaysThatItHasNot) {
  int armed = 0;
  for (int round = 0; round < rounds_; ++round) {
    const std::string word = "l" + std::to_string(round);
    const std::vector<std::string> limits = Scarce();
    SCOPED_TRACE(word + testing::PrintToString(limits));
    const RemoteReply reply = Send(RemoteVerb::kArm, "r/" + word, Trace(word), limits);
    if (reply.receipt && reply.lease == LeaseState::kArmed) {
      ++armed;
      EXPECT_THAT(host.ReadFile("leases/r@" + word + ".lease"), testing::HasSubstr(Trace(word)));
      const pid_t loop = atoi(host.ReadFile("leases/loop").c_str());
      EXPECT_TRUE(loop > 1 && kill(loop, 0) == 0) << "nobody looks at leases";
    }
    if (Draw(1) == 0) host.EndAll();
  }
  EXPECT_GT(armed, 0) << "the limits leave too little";
  EXPECT_EQ(host.Evidence(), "") << "it was early";
}

// Every look needs new processes, and there are none for longer than the time between two looks.
TEST_P(Limits, KeepsADeadManThatHadNoProcessForAWhile) {
  RemoteRequest request;
  request.verb = RemoteVerb::kArm;
  request.key = "r/stop";
  request.command = Trace("restored");
  request.after = Milliseconds(6'000);
  ASSERT_EQ(Ask(request, {}).lease, LeaseState::kArmed);
  const pid_t loop = atoi(host.ReadFile("leases/loop").c_str());
  ASSERT_GT(loop, 1);
  rlimit own{};
  ASSERT_EQ(getrlimit(RLIMIT_NPROC, &own), 0);
  // The loop's own account may do that; root may not everywhere.
  const auto allow = [&](rlim_t processes) {
    const std::string command = "setpriv --reuid=" + std::to_string(kUser) +
                                " --regid=" + std::to_string(kGroup) +
                                " --clear-groups prlimit --pid=" + std::to_string(loop) +
                                " --nproc=" + std::to_string(processes) + ":";
    return system(command.c_str()) == 0;  // NOLINT
  };
  ASSERT_TRUE(allow(0));
  std::this_thread::sleep_for(Seconds(9));  // two looks, not a wait for something
  EXPECT_EQ(host.Evidence(), "");
  EXPECT_EQ(kill(loop, 0), 0) << "nobody looks at leases";
  EXPECT_TRUE(allow(own.rlim_max));
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "restored\n"; }, Seconds(40)));
  EXPECT_TRUE(Eventually([&] { return kill(loop, 0) != 0; }, Seconds(40)))
      << "it has nothing left to do";
}

// Few or no descriptors left just before the command.
TEST_P(Limits, CallsNoCommandFinishedThatHasNotBegun) {
  ASSERT_TRUE(Finished(Send(RemoteVerb::kRun, "r/0/1", "true", {})));  // makes the run's folder
  for (int most = 3; most <= 16; ++most) {
    const std::string word = "b" + std::to_string(most);
    SCOPED_TRACE(word);
    // In a single folder: what the command's own subshell waits for.
    host.WriteFile("sync",
                   "#!/bin/sh\n[ $# -gt 1 ] || [ ! -d \"$1\" ] || prlimit --pid=$PPID --nofile=" +
                       std::to_string(most) + ":\n");
    ASSERT_EQ(chmod((host.directory() + "/sync").c_str(), 0755), 0);
    environment_ = {{"PATH", host.directory()}};
    Send(RemoteVerb::kRun, "r/" + word + "/1", "exit " + std::to_string(kExit), {});
    environment_.clear();
    const RemoteReply settled = Settled("r/" + word + "/1");
    ASSERT_TRUE(settled.receipt) << settled.receipt.error().message;
    if (settled.receipt->state != ReceiptState::kInterrupted) {
      EXPECT_TRUE(Finished(settled));
      // 127 comes from the loader's search for env's own libraries.
      EXPECT_THAT(settled.receipt->exit_status, testing::AnyOf(kExit, 127));
    }
  }
}

// With few descriptors a shell loses open files, leaves functions, or ends.
TEST_P(Limits, SaysNothingWrongWhateverDescriptorsThereAre) {
  const auto step = [&](const std::string& name) { return "r/" + name + "/1"; };
  const std::string sleep = "sleep 600";
  ASSERT_TRUE(Finished(Send(RemoteVerb::kRun, step("ended"), Trace("ended"), {})));
  ASSERT_TRUE(Finished(Settled(step("ended"))));
  ASSERT_TRUE(Send(RemoteVerb::kLaunch, step("runs"), sleep, {}).receipt);
  ASSERT_TRUE(Send(RemoteVerb::kVoid, step("never"), "", {}).receipt);
  ASSERT_EQ(Send(RemoteVerb::kArm, "r/stop", Trace("restored"), {}).lease, LeaseState::kArmed);
  int answers = 0;
  int done = 0;
  // Any answer must be true; a shell may be unable to answer.
  const auto ask = [&](RemoteVerb verb, const std::string& key, const std::string& command,
                       int most, const std::function<bool(const RemoteReply&)>& is_so) {
    SCOPED_TRACE(std::to_string(static_cast<int>(verb)) + " " + key);
    const RemoteReply reply = Send(verb, key, command, {"--nofile=" + std::to_string(most)});
    if (reply.receipt) {
      ++done;
      EXPECT_TRUE(is_so(reply)) << static_cast<int>(reply.receipt->state);
      return;
    }
    const Error& error = reply.receipt.error();
    EXPECT_THAT(error.message, testing::Not(testing::HasSubstr("it answers another request")));
    if (error.kind == ErrorKind::kOutcomeUnknown) return;
    ++answers;
    EXPECT_EQ(error.kind, ErrorKind::kUnreachable) << error.message;
    EXPECT_GT(error.message.size(), std::string("here: ; nothing was done").size());
  };
  const auto state_is = [](ReceiptState state) {
    return [state](const RemoteReply& reply) { return reply.receipt->state == state; };
  };
  const auto is_armed = [](const RemoteReply& reply) { return reply.lease == LeaseState::kArmed; };
  for (int most = 3; most <= 24; ++most) {
    SCOPED_TRACE("ulimit -n " + std::to_string(most));
    const std::string word = "d" + std::to_string(most);
    const auto ended_well = [&](const RemoteReply& reply) {
      return Finished(reply) && reply.receipt->exit_status == kExit;
    };
    for (const RemoteVerb verb : {RemoteVerb::kStatus, RemoteVerb::kVoid, RemoteVerb::kRun}) {
      const bool run = verb == RemoteVerb::kRun;
      ask(verb, step("ended"), run ? Trace("ended") : "", most, ended_well);
      if (!run) ask(verb, step("runs"), "", most, state_is(ReceiptState::kRunning));
      ask(verb, step("never"), run ? Trace("never") : "", most, state_is(ReceiptState::kVoid));
    }
    ask(RemoteVerb::kStatus, step("free"), "", most, state_is(ReceiptState::kNone));
    ask(RemoteVerb::kHello, "", "", most, is_armed);
    ask(RemoteVerb::kRenew, "r/stop", "", most, is_armed);
    ask(RemoteVerb::kArm, "r/stop", Trace("restored"), most, is_armed);
    const RemoteReply swept =
        Send(RemoteVerb::kSweep, "r", "", {"--nofile=" + std::to_string(most)});
    EXPECT_FALSE(swept.receipt);
    ask(RemoteVerb::kRun, step(word), Trace(word), most, ended_well);
    const RemoteReply settled = Settled(step(word));
    ASSERT_TRUE(settled.receipt) << settled.receipt.error().message;
    if (settled.receipt->state == ReceiptState::kNone) {
      EXPECT_EQ(Times(word), 0);
    }
    if (Finished(settled)) {
      EXPECT_EQ(Times(word), settled.receipt->exit_status == kExit ? 1 : 0);
    }
  }
  EXPECT_GT(answers, 0) << "the limits leave too much";
  EXPECT_GT(done, 0) << "the limits leave too little";
  EXPECT_EQ(Times("ended"), 1);
  EXPECT_EQ(Times("never") + Times("restored"), 0);
}

TEST_P(Limits, RunsNothingTwiceForMangledRequests) {
  int done = 0;
  for (int round = 0; round < rounds_; ++round) {
    const std::string word = "m" + std::to_string(round);
    const std::string key = "r/" + word + "/1";
    SCOPED_TRACE(word);
    for (const bool mangled : {true, true, false, true}) {
      const auto verb = Draw(1) == 0 ? RemoteVerb::kRun : RemoteVerb::kLaunch;
      Send(verb, key, Trace(word), {}, mangled);
    }
    const RemoteReply settled = Settled(key);
    ASSERT_TRUE(settled.receipt) << settled.receipt.error().message;
    if (Finished(settled)) ++done;
    // A damaged request may have named another key, and have run under that: each run has its
    // claim.
    EXPECT_GE(Times(word), Finished(settled) ? 1 : 0);
    EXPECT_LE(Times(word), ClaimsOf(Trace(word)));
  }
  EXPECT_GT(done, 0);
  const auto root = std::filesystem::path(host.directory()).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    EXPECT_THAT(entry.path().filename(), testing::AnyOf("d", "evidence"));
  }
}

}  // namespace
}  // namespace mailhub::remote
