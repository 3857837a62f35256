// The whole path: queue, SSH, a real sshd, the real runner.
#include "actuator/remote/remote_hosts.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <vector>

#include "actuator/remote/runner_script.h"
#include "actuator/remote/testing_runner.h"
#include "lib/ssh/testing_sshd.h"

namespace mailhub::remote {
namespace {

using engine::ReceiptState;
using engine::RemoteReply;
using engine::RemoteRequest;
using engine::RemoteVerb;
using testing::HasSubstr;

class Hosts : public testing::Test {
 protected:
  void SetUp() override { Start(); }
  void Start(const std::string& more_sshd_config = "") {
    sshd = std::make_unique<ssh::TestingSshd>(more_sshd_config);
    directory = sshd->directory() + "/runner";
    options.directory = directory;
    options.arguments = "--dir " + directory + " --allow-tmpfs --no-systemd";
    options.first_pause = Milliseconds(1);
    options.longest_pause = Milliseconds(1);
    const ssh::SshTarget target = sshd->Target();
    site.known_hosts = target.known_hosts_file;
    site.actuator_key = target.identity_file;
    for (const char* name : {"x500", "mailhub1"}) {
      config::Host& host = site.hosts[name];
      host.name = name;
      host.address = target.address;
      host.port = target.port;
      host.user = target.user;
    }
    site.hosts["ex2k10"] = site.hosts["x500"];
    site.hosts["ex2k10"].platform = config::Platform::kWindows;
    Open();
  }
  void Open() {
    hosts = std::make_unique<RemoteHosts>(std::make_shared<config::Site>(site), options);
    hosts->Begin("journal-a", 1);
  }
  std::future<RemoteReply> Submit(const RemoteRequest& request) {
    auto promise = std::make_shared<std::promise<RemoteReply>>();
    auto future = promise->get_future();
    hosts->Submit(request, [promise](RemoteReply reply) { promise->set_value(std::move(reply)); });
    return future;
  }
  RemoteReply Ask(RemoteVerb verb, const std::string& key = "", const std::string& command = "",
                  const std::string& host = "x500") {
    RemoteRequest request = Request(verb, key, command);
    request.host = host;
    auto future = Submit(request);
    if (future.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    RemoteReply reply = future.get();
    if (verb == RemoteVerb::kHello && reply.receipt) directory_id = reply.directory_id;
    return reply;
  }
  RemoteRequest Request(RemoteVerb verb, const std::string& key, const std::string& command) const {
    RemoteRequest request;
    request.verb = verb;
    request.host = "x500";
    request.key = key;
    request.command = command;
    if (verb != RemoteVerb::kHello) request.directory_id = directory_id;
    return request;
  }
  std::string Runner() const { return directory + "/bin/runner-" + RunnerDigest().substr(0, 16); }
  std::string Evidence() const {
    std::ifstream in(sshd->directory() + "/evidence");
    std::ostringstream all;
    all << in.rdbuf();
    return all.str();
  }
  std::string Trace(const std::string& word) const {
    return "echo " + word + " >>" + sshd->directory() + "/evidence";
  }
  static ErrorKind KindOf(const RemoteReply& reply) {
    return reply.receipt ? ErrorKind::kNotFound : reply.receipt.error().kind;
  }

  std::unique_ptr<ssh::TestingSshd> sshd;
  std::string directory;
  std::string directory_id;
  LinkOptions options;
  config::Site site;
  std::unique_ptr<RemoteHosts> hosts;
};

TEST_F(Hosts, PutsTheRunnerInPlaceWhateverTheLoginShell) {
  for (const char* shell : {"tcsh", "fish", "mksh"}) {
    Start(std::string("ForceCommand exec ") + shell + " -c \"$SSH_ORIGINAL_COMMAND\"");
    const RemoteReply hello = Ask(RemoteVerb::kHello);
    ASSERT_TRUE(hello.receipt) << shell << ": " << hello.receipt.error().message;
    EXPECT_EQ(Ask(RemoteVerb::kRun, "r/1/1", "echo said").receipt->output, "said\n") << shell;
  }
}

TEST_F(Hosts, PutsTheRunnerInPlaceAndRunsAStepOnce) {
  const RemoteReply hello = Ask(RemoteVerb::kHello);
  ASSERT_TRUE(hello.receipt) << hello.receipt.error().message;
  EXPECT_GT(hello.mark.uptime_s, 0);
  for (int i = 0; i < 2; ++i) {
    const RemoteReply reply = Ask(RemoteVerb::kRun, "r/1/1", Trace("x") + "; echo said; exit 3");
    ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
    EXPECT_EQ(reply.receipt->state, ReceiptState::kFinished);
    EXPECT_EQ(reply.receipt->exit_status, 3);
    EXPECT_EQ(reply.receipt->output, "said\n");
  }
  EXPECT_EQ(Evidence(), "x\n");
}

TEST_F(Hosts, LeavesARunnerThatIsThereAndReplacesADamagedOne) {
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  const auto written = std::filesystem::last_write_time(Runner());
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  EXPECT_EQ(std::filesystem::last_write_time(Runner()), written);
  std::filesystem::resize_file(Runner(), 100);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  EXPECT_EQ(std::filesystem::file_size(Runner()), RunnerScript().size());
}

TEST_F(Hosts, AnswersThatALongCommandStillRuns) {
  options.run_wait = Milliseconds(100);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  const RemoteReply early = Ask(RemoteVerb::kRun, "r/1/1", "sleep 0.5; echo done");
  ASSERT_TRUE(early.receipt);
  EXPECT_EQ(early.receipt->state, ReceiptState::kRunning);
  RemoteReply late;
  do {
    late = Ask(RemoteVerb::kStatus, "r/1/1");
    ASSERT_TRUE(late.receipt);
  } while (late.receipt->state == ReceiptState::kRunning);
  EXPECT_EQ(late.receipt->output, "done\n");
}

TEST_F(Hosts, SurvivesMoreLongCommandsThanAConnectionHasChannels) {
  options.run_wait = Milliseconds(20);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  for (int i = 0; i < 12; ++i) {
    const RemoteReply reply = Ask(RemoteVerb::kRun, "r/" + std::to_string(i) + "/1", "sleep 4");
    ASSERT_TRUE(reply.receipt) << i << ": " << reply.receipt.error().message;
  }
}

TEST_F(Hosts, DoesNotKnowTheOutcomeWhenTheConnectionIsCutAndLearnsItByAskingAgain) {
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  // Ends the sshd process of this very connection, the runner's parent.
  const std::string cut = "r=$(ps -o ppid= -p $PPID); kill -9 $(ps -o ppid= -p $r); sleep 0.1; " +
                          Trace("x") + "; exit 9";
  EXPECT_EQ(KindOf(Ask(RemoteVerb::kRun, "r/1/1", cut)), ErrorKind::kOutcomeUnknown);
  RemoteReply again;
  do {
    again = Ask(RemoteVerb::kRun, "r/1/1", cut);
    ASSERT_TRUE(again.receipt) << again.receipt.error().message;
  } while (again.receipt->state == ReceiptState::kRunning);
  EXPECT_EQ(again.receipt->state, ReceiptState::kFinished);
  EXPECT_EQ(again.receipt->exit_status, 9);
  EXPECT_EQ(Evidence(), "x\n");
}

TEST_F(Hosts, SaysThatTheReceiptsAreGoneEvenWhenTheRunnerWentWithThem) {
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  ASSERT_TRUE(Ask(RemoteVerb::kRun, "r/1/1", Trace("x")).receipt);
  // In one step: the command's watcher may still clean up in there.
  std::filesystem::rename(directory, directory + ".gone");
  EXPECT_EQ(KindOf(Ask(RemoteVerb::kRun, "r/1/1", Trace("x"))), ErrorKind::kCorrupt);
  EXPECT_EQ(Evidence(), "x\n");
}

TEST_F(Hosts, TellsUnreachableFromRefused) {
  config::Site strange = site;
  strange.hosts["x500"].port = 1;
  hosts->UseSite(std::make_shared<config::Site>(strange));
  EXPECT_EQ(KindOf(Ask(RemoteVerb::kHello)), ErrorKind::kUnreachable);
  strange = site;
  strange.actuator_key = sshd->NewKey("stranger");
  hosts->UseSite(std::make_shared<config::Site>(strange));
  EXPECT_EQ(KindOf(Ask(RemoteVerb::kHello)), ErrorKind::kRefused);
  strange = site;
  strange.known_hosts = "/dev/null";
  hosts->UseSite(std::make_shared<config::Site>(strange));
  EXPECT_EQ(KindOf(Ask(RemoteVerb::kHello)), ErrorKind::kRefused);
  hosts->UseSite(std::make_shared<config::Site>(site));
  EXPECT_TRUE(Ask(RemoteVerb::kHello).receipt);
}

TEST_F(Hosts, RefusesHostsThatCannotRunSteps) {
  const RemoteReply windows = Ask(RemoteVerb::kRun, "r/1/1", "true", "ex2k10");
  EXPECT_EQ(KindOf(windows), ErrorKind::kInvalid);
  EXPECT_THAT(windows.receipt.error().message, HasSubstr("cannot run steps on windows"));
  EXPECT_EQ(KindOf(Ask(RemoteVerb::kRun, "r/1/1", "true", "nobody")), ErrorKind::kInvalid);
}

TEST_F(Hosts, UnderstandsAHostWhoseStartUpFilesPrintWithoutALineEnd) {
  // A wrapper replaces the login: it prints, then starts the requested command.
  const std::string shell = sshd->directory() + "/chatty";
  std::ofstream(shell) << "#!/bin/sh\nprintf '\\033]0;host\\007mailhub-runner 1'\nexec sh \"$@\"\n";
  ASSERT_EQ(chmod(shell.c_str(), 0755), 0);
  options.shell = shell;
  Open();
  const RemoteReply hello = Ask(RemoteVerb::kHello);
  ASSERT_TRUE(hello.receipt) << hello.receipt.error().message;
  const RemoteReply reply = Ask(RemoteVerb::kRun, "r/1/1", Trace("x") + "; echo said");
  ASSERT_TRUE(reply.receipt) << reply.receipt.error().message;
  EXPECT_EQ(reply.receipt->output, "said\n");
}

// A file system of its own at the runner's directory, removed with the object.
class OwnDisk {
 public:
  OwnDisk(std::string at, const char* data, unsigned long flags = 0) : at_(std::move(at)) {
    std::filesystem::create_directory(at_);
    EXPECT_EQ(mount("tmpfs", at_.c_str(), "tmpfs", flags, data), 0);
  }
  ~OwnDisk() { umount2(at_.c_str(), MNT_DETACH); }
  OwnDisk(const OwnDisk&) = delete;
  OwnDisk& operator=(const OwnDisk&) = delete;

 private:
  const std::string at_;
};

TEST_F(Hosts, LeavesItToAPersonWhenItMayNotPutTheRunnerInPlace) {
  const OwnDisk disk(directory, "size=1m,mode=700", MS_RDONLY);
  const RemoteReply reply = Ask(RemoteVerb::kHello);
  EXPECT_EQ(KindOf(reply), ErrorKind::kRefused);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("may not write to " + directory));
}

TEST_F(Hosts, PutsTheRunnerInPlaceOnceThereIsRoomForIt) {
  const OwnDisk disk(directory, "size=300k,mode=700");
  const std::string filler = directory + "/filler";
  std::ofstream(filler) << std::string(400'000, 'x');
  for (int i = 0; i < 2; ++i) {
    const RemoteReply reply = Ask(RemoteVerb::kHello);
    EXPECT_EQ(KindOf(reply), ErrorKind::kUnreachable);
    EXPECT_THAT(reply.receipt.error().message, HasSubstr("cannot be put into " + directory));
    EXPECT_THAT(reply.receipt.error().message, HasSubstr("No space left"));
  }
  std::filesystem::remove(filler);
  ASSERT_TRUE(Eventually([&] { return Ask(RemoteVerb::kHello).receipt.has_value(); }));
}

TEST_F(Hosts, PutsNoRunnerWhereAnotherAccountCouldChangeIt) {
  const std::string made = sshd->directory() + "/made";
  std::filesystem::create_directory(directory);
  ASSERT_EQ(chown(directory.c_str(), 65534, 65534), 0);
  // That account's files there are not even looked at.
  std::filesystem::create_directory(directory + "/bin");
  std::ofstream(Runner()) << "touch " << made << "\n";
  RemoteReply reply = Ask(RemoteVerb::kHello);
  EXPECT_EQ(KindOf(reply), ErrorKind::kRefused);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr(directory + " belongs to another account"));
  ASSERT_EQ(chown(directory.c_str(), 0, 0), 0);
  ASSERT_EQ(chmod(directory.c_str(), 0777), 0);
  reply = Ask(RemoteVerb::kHello);
  EXPECT_EQ(KindOf(reply), ErrorKind::kRefused);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("may write to " + directory));
  EXPECT_FALSE(std::filesystem::exists(made));
}

// Root's restore gave it away while the session was open.
TEST_F(Hosts, StartsNoRunnerOnceItsDirectoryIsAnotherAccounts) {
  const std::string made = sshd->directory() + "/made";
  for (const std::string& given : {directory, directory + "/bin", Runner()}) {
    ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
    const std::filesystem::path runner = Runner();
    const auto kept = runner.string() + ".kept";
    std::filesystem::copy_file(runner, kept, std::filesystem::copy_options::overwrite_existing);
    std::ofstream(runner, std::ios::trunc) << "touch " << made << "\n";
    ASSERT_EQ(chown(given.c_str(), 65534, 65534), 0);
    Ask(RemoteVerb::kHello);
    EXPECT_FALSE(std::filesystem::exists(made)) << given;
    ASSERT_EQ(chown(given.c_str(), 0, 0), 0);
    std::filesystem::remove(runner);
    std::filesystem::rename(kept, runner);
    EXPECT_TRUE(Eventually([&] { return Ask(RemoteVerb::kHello).receipt.has_value(); })) << given;
  }
}

TEST_F(Hosts, ObeysAnotherJournalOnlyAfterATakeover) {
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  hosts->Begin("journal-b", 1);
  const RemoteReply refused = Ask(RemoteVerb::kHello);
  EXPECT_EQ(KindOf(refused), ErrorKind::kRefused);
  EXPECT_THAT(refused.receipt.error().message, HasSubstr("journal-a"));
  std::promise<RemoteReply> taken;
  hosts->TakeOver("x500", RealClock().Steady() + Seconds(20),
                  [&](RemoteReply reply) { taken.set_value(std::move(reply)); });
  ASSERT_TRUE(taken.get_future().get().receipt);
  EXPECT_TRUE(Ask(RemoteVerb::kHello).receipt);
}

TEST_F(Hosts, LetsASlowHostDelayNoOtherAndBoundsItsQueue) {
  options.run_wait = Milliseconds(3'000);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  const RealClock clock;
  const SteadyTime begun = clock.Steady();
  auto slow = Submit(Request(RemoteVerb::kRun, "r/1/1", "sleep 2"));
  int overloaded = 0;
  std::vector<std::future<RemoteReply>> waiting;
  waiting.reserve(70);
  for (int i = 0; i < 70; ++i) waiting.push_back(Submit(Request(RemoteVerb::kStatus, "r/1/1", "")));
  for (auto& one : waiting) {
    if (one.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      overloaded += KindOf(one.get()) == ErrorKind::kOverloaded ? 1 : 0;
    }
  }
  EXPECT_GE(overloaded, 5);
  EXPECT_TRUE(Ask(RemoteVerb::kStatus, "r/2/1", "", "mailhub1").receipt);
  EXPECT_LT(clock.Steady() - begun, Milliseconds(2'000));
}

TEST_F(Hosts, AnswersWhileACancelWaitsForWhatIgnoresIt) {
  options.cancel_grace = Milliseconds(5'000);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  ASSERT_TRUE(Ask(RemoteVerb::kLaunch, "r/1/1",
                  "trap '' TERM; " + Trace("began") + "; while :; do sleep 0.1; done")
                  .receipt);
  while (Evidence().empty()) std::this_thread::sleep_for(Milliseconds(20));
  auto cancelled = Submit(Request(RemoteVerb::kCancel, "r/1/1", ""));
  EXPECT_EQ(Ask(RemoteVerb::kRun, "r/2/1", "echo said").receipt->output, "said\n");
  EXPECT_EQ(cancelled.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(cancelled.get().receipt->exit_status, 137);
}

TEST_F(Hosts, DoesNotSendARequestThatWaitedTooLongBehindASlowOne) {
  options.run_wait = Milliseconds(3'000);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  auto slow = Submit(Request(RemoteVerb::kRun, "r/1/1", "sleep 1"));
  RemoteRequest late = Request(RemoteVerb::kRun, "r/2/1", Trace("late"));
  late.begin_before = RealClock().Steady() + Milliseconds(300);
  auto refused = Submit(late);
  late.verb = RemoteVerb::kLaunch;
  late.key = "r/3/1";
  auto refused_too = Submit(late);
  RemoteRequest timely = Request(RemoteVerb::kRun, "r/4/1", Trace("timely"));
  timely.begin_before = RealClock().Steady() + Milliseconds(60'000);
  auto done = Submit(timely);
  for (auto* future : {&refused, &refused_too}) {
    const RemoteReply reply = future->get();
    ASSERT_EQ(KindOf(reply), ErrorKind::kUnreachable);
    EXPECT_THAT(reply.receipt.error().message,
                HasSubstr("x500: not sent: it was decided too long ago"));
  }
  EXPECT_TRUE(slow.get().receipt);
  EXPECT_TRUE(done.get().receipt);
  EXPECT_EQ(Evidence(), "timely\n");
  EXPECT_EQ(Ask(RemoteVerb::kStatus, "r/2/1").receipt->state, ReceiptState::kNone);
  EXPECT_EQ(Ask(RemoteVerb::kStatus, "r/3/1").receipt->state, ReceiptState::kNone);
}

TEST_F(Hosts, DoesNotSendARequestThatBecameTooOldDuringAReconnect) {
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  Open();  // with no connection yet, and a login takes longer than 5 ms
  RemoteRequest request = Request(RemoteVerb::kRun, "r/1/1", Trace("x"));
  request.begin_before = RealClock().Steady() + Milliseconds(5);
  const RemoteReply reply = Submit(request).get();
  ASSERT_EQ(KindOf(reply), ErrorKind::kUnreachable);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("not sent"));
  request.begin_before = RealClock().Steady() + Milliseconds(60'000);
  EXPECT_TRUE(Submit(request).get().receipt);
  EXPECT_EQ(Evidence(), "x\n");
}

// Sent in time, but delayed on the host.
TEST_F(Hosts, BeginsNothingThatCameToItsTurnTooLate) {
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  const int lock = open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  RemoteRequest request = Request(RemoteVerb::kRun, "r/1/1", Trace("x"));
  const SteadyTime before = RealClock().Steady() + Milliseconds(1'500);
  request.begin_before = before;
  auto late = Submit(request);
  ASSERT_TRUE(Eventually([&] { return RealClock().Steady() > before; }));
  close(lock);
  const RemoteReply reply = late.get();
  ASSERT_EQ(KindOf(reply), ErrorKind::kUnreachable);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("was to begin within 1"));
  EXPECT_EQ(Evidence(), "");
}

TEST_F(Hosts, StopsSoonAndMakesNoCallbackAfterwards) {
  options.run_wait = Milliseconds(60'000);
  Open();
  ASSERT_TRUE(Ask(RemoteVerb::kHello).receipt);
  std::atomic<int> calls = 0;
  for (int i = 0; i < 3; ++i) {
    hosts->Submit(Request(RemoteVerb::kRun, "r/1/1", Trace("x") + "; sleep 5"),
                  [&](const RemoteReply&) { ++calls; });
  }
  while (Evidence().empty()) std::this_thread::sleep_for(Milliseconds(2));
  const RealClock clock;
  const SteadyTime begun = clock.Steady();
  hosts->Stop();
  EXPECT_LT(clock.Steady() - begun, Milliseconds(2'000));
  const int calls_at_stop = calls;
  EXPECT_EQ(calls_at_stop, 0);
  hosts->Submit(Request(RemoteVerb::kHello, "", ""), [&](const RemoteReply&) { ++calls; });
  hosts.reset();
  EXPECT_EQ(calls, calls_at_stop);
}

}  // namespace
}  // namespace mailhub::remote
