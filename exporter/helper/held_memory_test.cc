// A process whose memory is locked for ever: reading its arguments blocks. Every account can create such processes.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include <thread>

#include "exporter/helper/helper_testing.h"
#include "exporter/helper/testing_faulty_mount.h"

namespace mailhub::exporter {
namespace {

using testing::HasSubstr;

// A process with locked memory makes each helper on the machine unsure about other processes. So this test is to be run in a
// process namespace of its own (APART), and each such process has its own root: for others it is in a container.

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

class HeldMemoryTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    runs_ = Run(Copy("runs"), {"-D", "here"});
    host_.processes["absent"] = {File("absent"), "", ""};
    host_.processes["runs"] = {File("runs"), "-D here", ""};
    host_.processes["other"] = {File("runs"), "-D there", ""};
  }
  void TearDown() override {
    LetGo();
    helper_.reset();
    runs_.reset();
    HelperTest::TearDown();
  }

  // Starts a process of this executable that locks its memory, on its own file system, as this account.
  pid_t Hold(const std::string& exe, std::vector<std::string> arguments = {}, int user = 0) {
    const std::string root = File("held" + std::to_string(holders_.size()));
    mounts_.push_back(std::make_unique<FaultyMount>(root + "/mount"));
    arguments.insert(arguments.end(),
                     {"--root", root, "--user", std::to_string(user), "--hold", "/mount/file"});
    holders_.push_back(Run(exe, arguments));
    const pid_t pid = holders_.back()->pid();
    int waits = 0;  // times in a row, because it also waits for its first page
    for (int i = 0; i < 1000 && waits < 10; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      waits = State(pid) == 'D' ? waits + 1 : 0;
    }
    EXPECT_EQ(waits, 10);
    return pid;
  }
  static void AwaitNoReader(pid_t of) {
    for (int i = 0; i < 500 && Readers(of) > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  void LetGo() {
    for (const auto& mount : mounts_) mount->Leave();
    for (const auto& holder : holders_) AwaitNoReader(holder->pid());
    holders_.clear();
    mounts_.clear();
  }
  static char State(pid_t pid) {
    const std::string stat = FirstLine("/proc/" + std::to_string(pid) + "/stat");
    return stat.substr(stat.rfind(')') + 1, 2).back();
  }
  // The number of readers that wait for this process's arguments.
  static int Readers(pid_t of) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::error_code is_over;
      const bool lives = !fs::read_symlink(entry.path() / "exe", is_over).empty();
      if (lives && FirstLine(entry.path() / "comm") == "mailhub:" + std::to_string(of)) ++count;
    }
    return count;
  }
  Seen LookSoon() {
    const double begin = Now();
    Seen seen = TryToLook(host_, 3000, seconds(5));
    EXPECT_TRUE(seen.complete);
    EXPECT_LT(Now() - begin, 3);
    return seen;
  }
  static std::string Why(const Seen& seen) {
    const auto found = seen.outcomes.find("processes");
    if (found == seen.outcomes.end()) return "no section";
    return found->second ? "" : found->second.error().message;
  }

  static constexpr int kSomebodyElse = 65533;
  config::Host host_;
  std::unique_ptr<TestingProcess> runs_;
  std::vector<std::unique_ptr<FaultyMount>> mounts_;
  std::vector<std::unique_ptr<TestingProcess>> holders_;
};

TEST_P(HeldMemoryTest, MakesUnknownOnlyTheProcessesThatItMayBe) {
  EXPECT_EQ(Running(Look(host_), "absent"), 0);
  // It may have been started as any of them.
  const pid_t pid = Hold(Copy("stranger"), {"--name", "nobody"});
  for (int helper = 0; helper < 2; ++helper) {
    for (int look = 0; look < 3; ++look) {
      const Seen seen = LookSoon();
      EXPECT_EQ(Running(seen, "runs"), 1) << helper << look;
      EXPECT_EQ(Running(seen, "absent"), -1);
      EXPECT_THAT(Why(seen), HasSubstr("process " + std::to_string(pid) + " "));
    }
    EXPECT_LE(Readers(pid), 1) << helper;
    helper_.reset();
  }
  LetGo();
  for (int look = 0; look < 2; ++look) {
    const Seen seen = LookSoon();
    EXPECT_EQ(Running(seen, "runs"), 1);
    EXPECT_EQ(Running(seen, "absent"), 0) << Why(seen);
    EXPECT_EQ(Running(seen, "other"), 0) << Why(seen);
  }
  EXPECT_EQ(Readers(pid), 0);
}

TEST_P(HeldMemoryTest, OfOneThatIsFoundHidesNoOtherOne) {
  EXPECT_EQ(Running(Look(host_), "runs"), 1);
  const pid_t pid = Hold(File("runs"), {"-D", "there"});
  const auto late = Run(Copy("late"), {"x"});
  host_.processes["late"] = {File("late"), "x", ""};
  helper_.reset();
  for (int look = 0; look < 2; ++look) {
    const Seen seen = LookSoon();
    EXPECT_EQ(Running(seen, "runs"), 1);
    EXPECT_EQ(Running(seen, "late"), 1);
    EXPECT_EQ(Running(seen, "other"), -1);
    EXPECT_THAT(Why(seen), HasSubstr("process " + std::to_string(pid) + " "));
  }
  mounts_.front()->Leave();
  AwaitNoReader(pid);
  EXPECT_EQ(Running(LookSoon(), "other"), 1);
}

TEST_P(HeldMemoryTest, OfManyHidesNothingForLong) {
  std::vector<pid_t> held;
  Copy("stranger");
  for (int i = 0; i < 8; ++i) held.push_back(Hold(File("stranger"), {"--name", "nobody"}));
  for (int look = 0; look < 3; ++look) {
    const Seen seen = LookSoon();
    EXPECT_EQ(Running(seen, "runs"), 1) << look;
    EXPECT_EQ(Running(seen, "absent"), -1);
  }
  for (const pid_t pid : held) EXPECT_LE(Readers(pid), 1);
  LetGo();
  EXPECT_EQ(Running(LookSoon(), "absent"), 0);
}

TEST_P(HeldMemoryTest, IsNotSaidOfOneThatWasNotAsked) {
  host_.processes = {{"runs", {File("runs"), "-D here", ""}}};
  Change("MOST_HELD => 100", "MOST_HELD => 1");
  Change("MOST_HELD=100", "MOST_HELD=1");
  Hold(File("runs"), {"-D", "there"});
  LookSoon();
  const Seen seen = LookSoon();
  EXPECT_EQ(Running(seen, "runs"), -1);
  EXPECT_THAT(Why(seen),
              testing::Not(HasSubstr("process " + std::to_string(runs_->pid()) + " does not let")));
}

// As many as there may be children. They look as if they were root's: they are not dumpable.
TEST_P(HeldMemoryTest, OfOneAccountHidesNoProcessOfAnother) {
  host_.processes["late"] = {File("runs"), "-D late", ""};
  Change("MOST_HELD => 100", "MOST_HELD => 4");
  Change("MOST_HELD=100", "MOST_HELD=4");
  const pid_t pid = Hold(File("runs"), {"-D", "there"}, kSomebodyElse);
  for (int i = 0; i < 5; ++i) Hold(File("runs"), {"-D", "there"}, kSomebodyElse);
  const auto late = Run(File("runs"), {"-D", "late"});
  for (int helper = 0; helper < 2; ++helper) {
    for (int look = 0; look < 3; ++look) {
      const Seen seen = LookSoon();
      EXPECT_EQ(Running(seen, "runs"), 1) << helper << look;
      EXPECT_EQ(Running(seen, "late"), 1) << helper << look;
      EXPECT_EQ(Running(seen, "other"), -1);
    }
    helper_.reset();
  }
  EXPECT_LE(Readers(pid), 1);
}

// With all ids that an account may give itself in a user namespace.
TEST_P(HeldMemoryTest, OfOneAccountTakesNotTheTimeOfAnother) {
  host_.processes = {{"late", {File("runs"), "-D late", ""}}};
  Change("/etc/subuid", File("subuid"));
  std::ofstream(File("subuid")) << "somebody:1:2\nelse:100000:65536\n";
  for (int i = 0; i < 8; ++i) Hold(File("runs"), {"-D", "there"}, 100'000 + i);
  const auto late = Run(File("runs"), {"-D", "late"});
  EXPECT_EQ(Running(LookSoon(), "late"), 1);
}

MAILHUB_FOR_EVERY_ENGINE(HeldMemoryTest);

}  // namespace
}  // namespace mailhub::exporter
