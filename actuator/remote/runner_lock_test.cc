// The lock on a host: its holder, and how long others wait.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "actuator/remote/testing_runner.h"

namespace mailhub::remote {
namespace {

using engine::RemoteRequest;
using engine::RemoteVerb;
using testing::HasSubstr;

constexpr const char* kNewest = "lock.1000";  // newer than any that a few requests make

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Field 22 of /proc/PID/stat, by which the runner knows a process again.
std::string StartOf(pid_t pid) {
  std::istringstream fields(FirstLine("/proc/" + std::to_string(pid) + "/stat"));
  std::string field;
  for (int n = 0; n < 22; ++n) fields >> field;
  return field;
}

// `words` is a pattern that does not match itself, because it is on a command line, too.
bool AnyProcessHas(const std::string& words) {
  return system(("pgrep -f -- '" + words + "' >/dev/null").c_str()) == 0;  // NOLINT
}

class Lock : public testing::TestWithParam<const char*> {
 protected:
  Lock() : host(UsualSetup()[0]) {
    host.setup.options = GetParam();
    EXPECT_TRUE(host.Hello().receipt);
  }
  bool numbered() const { return *GetParam() != '\0'; }
  // From now on process `pid` holds the numbered lock, alive or not.
  void HoldNumbered(pid_t pid) const {
    const std::string boot = FirstLine("/proc/sys/kernel/random/boot_id");
    host.WriteFile(kNewest, std::to_string(pid) + " " + StartOf(pid) + " " + boot + "\n");
  }
  // From now on this very process holds the lock.
  void Hold() {
    if (numbered()) return HoldNumbered(getpid());
    held = open((host.directory() + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(flock(held, LOCK_EX), 0);
  }
  void LetGo() {
    if (numbered()) return host.WriteFile(kNewest, "0 0 nobody\nfree\n");
    close(held);
  }

  // Fills the pipe in which `call` answers. Who asked never reads it, so the answer waits for ever.
  static void Fill(const RunnerCall& call) {
    const std::string pipe = "/proc/" + std::to_string(call.pid()) + "/fd/1";
    const int end = open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    ASSERT_GE(end, 0);
    const std::string more(65'536, 'x');
    while (write(end, more.data(), more.size()) > 0) {
    }
    close(end);
  }
  static bool Answers(const RunnerCall& call) {
    const std::string waits_in = FirstLine("/proc/" + std::to_string(call.pid()) + "/wchan");
    return waits_in.find("pipe_write") != std::string::npos;
  }

  RunnerHost host;
  int held = -1;
};

TEST_P(Lock, IsNotHeldByWhatItsDeadHolderHasLeftRunning) {
  if (!numbered()) return;  // the kernel's own goes with its holder
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  const pid_t leader = fork();
  if (leader == 0) {
    setsid();
    if (fork() == 0) {
      execl("/bin/sleep", "sleep", "60", nullptr);
      _exit(127);
    }
    (void)!write(ready[1], "x", 1);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  HoldNumbered(leader);
  kill(leader, SIGKILL);
  waitpid(leader, nullptr, 0);
  EXPECT_EQ(kill(-leader, 0), 0) << "the sleep goes on in the holder's group";
  EXPECT_TRUE(host.Run("r/1/1", "true").receipt);
  kill(-leader, SIGKILL);
}

TEST_P(Lock, IsGivenUpWhenTheDirectoryGoesAway) {
  if (!numbered()) return;  // a loop has nothing to wait for
  Hold();
  RemoteRequest request;
  request.verb = RemoteVerb::kRun;
  request.key = "r/1/1";
  request.command = "true";
  RunnerCall waiting = host.Start(request);
  const std::string file = host.directory() + "/tmp/lock." + std::to_string(waiting.pid());
  ASSERT_TRUE(Eventually([&] { return std::filesystem::exists(file); }));
  std::filesystem::rename(host.directory(), host.directory() + ".gone");
  const auto reply = waiting.Wait();
  ASSERT_FALSE(reply.receipt);
  EXPECT_THAT(reply.receipt.error().message, HasSubstr("is gone; nothing was done"));
}

TEST_P(Lock, LetsNothingBeginThatHasWaitedForItTooLong) {
  Exchange exchange;
  exchange.wait = Milliseconds(10'000);
  exchange.within = Milliseconds(1'000);
  RemoteRequest run;
  run.verb = RemoteVerb::kRun;
  run.key = "r/1/1";
  run.command = "echo run >>" + host.evidence();
  RemoteRequest launch = run;
  launch.verb = RemoteVerb::kLaunch;
  launch.key = "r/2/1";
  launch.command = "echo job >>" + host.evidence();
  Hold();
  RunnerCall late_run = host.Start(run, exchange);
  RunnerCall late_job = host.Start(launch, exchange);
  std::this_thread::sleep_for(Milliseconds(1'100));  // its minimum duration, not a wait
  LetGo();
  for (RunnerCall* call : {&late_run, &late_job}) {
    const auto reply = call->Wait();
    ASSERT_FALSE(reply.receipt);
    EXPECT_EQ(reply.receipt.error().kind, ErrorKind::kUnreachable);
    EXPECT_THAT(reply.receipt.error().message, HasSubstr("was to begin within 1000 ms"));
  }
  for (const char* key : {"r/1/1", "r/2/1"}) {
    EXPECT_EQ(host.Do(RemoteVerb::kStatus, key).receipt->state, engine::ReceiptState::kNone);
  }
  EXPECT_EQ(host.Evidence(), "");
  exchange.within = Milliseconds(60'000);
  EXPECT_TRUE(host.Ask(run, exchange).receipt);
  EXPECT_TRUE(host.Ask(launch, exchange).receipt);
  EXPECT_EQ(host.Settled("r/2/1").receipt->exit_status, 0);
  EXPECT_EQ(host.Evidence(), "run\njob\n");
}

TEST_P(Lock, IsLeftToTheNextLookByADeadManThatCannotHaveItWithinASecond) {
  ASSERT_TRUE(
      host.Arm("r/stop", "echo restored >>" + host.evidence(), Milliseconds(1'000)).receipt);
  const std::string restores = host.directory() + " .*restore r@sto[p]";
  Hold();
  ASSERT_TRUE(Eventually([&] {
    host.LookAtLeases();
    return AnyProcessHas(restores);
  }));
  // Unless the loop begins another meanwhile, which ends in the same way.
  EXPECT_TRUE(Eventually([&] { return !AnyProcessHas(restores); }));
  EXPECT_EQ(host.Evidence(), "");
  LetGo();
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "restored\n"; }));
}

TEST_P(Lock, IsNotHeldByAnAnswerThatNobodyReads) {
  ASSERT_TRUE(host.Do(RemoteVerb::kSweep, "gone").receipt);
  RemoteRequest arm;  // what is swept is noticed under the lock
  arm.verb = RemoteVerb::kArm;
  arm.key = "gone/1";
  arm.command = "true";
  arm.after = Seconds(600);
  RunnerCall unread = host.Start(arm);
  Fill(unread);
  ASSERT_TRUE(Eventually([&] { return Answers(unread); }));
  EXPECT_TRUE(host.Run("r/1/1", "true").receipt);
  kill(unread.pid(), SIGKILL);
}

// Neither its end, nor that this is known, nor its dead man waits for the one who asked.
TEST_P(Lock, LetsAStepEndWhoseAnswerNobodyReads) {
  RemoteRequest run;
  run.verb = RemoteVerb::kRun;
  run.key = "r/1/1";
  run.command = "sleep 1; echo ran >>" + host.evidence();
  Exchange exchange;
  exchange.wait = Milliseconds(100);
  ASSERT_TRUE(host.Arm("r/1", "echo back >>" + host.evidence(), Seconds(3)).receipt);
  RunnerCall unread = host.Start(run, exchange);
  Fill(unread);
  ASSERT_TRUE(Eventually([&] { return Answers(unread); }));
  const auto settled = host.Settled("r/1/1");
  ASSERT_TRUE(settled.receipt);
  EXPECT_EQ(settled.receipt->state, engine::ReceiptState::kFinished);
  EXPECT_EQ(settled.receipt->exit_status, 0);
  EXPECT_TRUE(Eventually([&] { return host.Evidence() == "ran\nback\n"; }, Seconds(40)));
  EXPECT_TRUE(Answers(unread)) << "it still waits";
  kill(unread.pid(), SIGKILL);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutFlock, Lock, testing::Values("", "--no-flock"),
                         [](const auto& options) {
                           return *options.param == '\0' ? "flock" : "numbered";
                         });

}  // namespace
}  // namespace mailhub::remote
