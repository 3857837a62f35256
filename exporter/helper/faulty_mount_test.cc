// A directory on a file system that fails during reading, like network storage and broken disks:
// the report about it is true, or there is none.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include "exporter/helper/helper_testing.h"
#include "exporter/helper/testing_faulty_mount.h"

namespace mailhub::exporter {
namespace {

class FaultyMountTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    // Mounts of this thread and its children only.
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    mount_ = std::make_unique<FaultyMount>(File("mount"));
    host_.directories["faulty"] = File("mount");
    host_.directories["other"] = File("other");
  }
  void TearDown() override {
    helper_.reset();
    mount_.reset();
    HelperTest::TearDown();
  }
  // How many files the directory is said to have.
  std::optional<double> Files(Fault fault, int times = std::numeric_limits<int>::max()) {
    mount_->Become(fault, times);
    const Seen seen = Look(host_);
    const auto files = Value(seen.families, "mailhub_directory_files", {{"directory", "faulty"}});
    EXPECT_EQ(Value(seen.families, "mailhub_directory_files", {{"directory", "other"}}), 0)
        << "one that fails hides no other";
    EXPECT_EQ(seen.outcomes.at("directories").has_value(), files.has_value());
    return files;
  }
  void LookAtEachFault() {
    EXPECT_EQ(Files(Fault::kNone), 1);
    EXPECT_EQ(Files(Fault::kNamesFail), std::nullopt);
    EXPECT_EQ(Files(Fault::kNamesEnd), std::nullopt);
    EXPECT_EQ(Files(Fault::kEntryFails), std::nullopt);
    EXPECT_EQ(Files(Fault::kEntryVanishes).value_or(0), 0) << "not each find can tell";
    EXPECT_EQ(Files(Fault::kNone), 1);
    for (const Fault fault : {Fault::kNamesFail, Fault::kNamesEnd, Fault::kEntryFails}) {
      EXPECT_EQ(Files(fault, 1).value_or(1), 1) << "it passes while it is looked at";
    }
  }

 private:
  std::unique_ptr<FaultyMount> mount_;
  config::Host host_;
};

TEST_P(FaultyMountTest, SaysHowManyFilesThereAreOrNothing) {
  LookAtEachFault();
}

TEST_P(FaultyMountTest, SaysSoWhereFindCannotPrint) {
  Change("has_printf=1", "has_printf=");
  LookAtEachFault();
}

// An account's own mount, like sshfs or an AppImage: root may not look at its files, and need not.
class OthersMountTest : public HelperTest {
 protected:
  static constexpr int kSomebodyElse = 65534;

  void SetUp() override {
    HelperTest::SetUp();
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    fs::permissions(folder_, fs::perms::others_read | fs::perms::others_exec,
                    fs::perm_options::add);
    std::ifstream file(MAILHUB_TESTING_TARGET, std::ios::binary);
    mount_ = std::make_unique<FaultyMount>(
        File("mount"), std::string(std::istreambuf_iterator<char>(file), {}), kSomebodyElse);
    const std::string user = std::to_string(kSomebodyElse);
    process_ = Run("setpriv",
                   {"--reuid=" + user, "--regid=" + user, "--clear-groups", File("mount/file")});
    host_.processes["absent"] = {File("absent"), "", ""};
    host_.processes["namesake"] = {File("file"), "", ""};
    host_.processes["runs"] = {Copy("runs"), "", ""};
  }
  void TearDown() override {
    helper_.reset();
    process_.reset();
    mount_.reset();
    HelperTest::TearDown();
  }

  // With a new helper, and again with the same one.
  void ExpectKnown(double namesake) {
    const auto runs = Run(File("runs"), {});
    helper_.reset();
    for (int look = 0; look < 2; ++look) {
      const Seen seen = Look(host_);
      EXPECT_EQ(Running(seen, "absent"), 0);
      EXPECT_EQ(Running(seen, "namesake"), namesake);
      EXPECT_EQ(Running(seen, "runs"), 1);
    }
  }

  std::unique_ptr<FaultyMount> mount_;
  std::unique_ptr<TestingProcess> process_;
  config::Host host_;
};

TEST_P(OthersMountTest, IsNoReasonNotToKnowAnotherProcess) {
  ExpectKnown(0);
}

TEST_P(OthersMountTest, MakesTheFilesOfThatNameUnknownOnceItIsGone) {
  mount_->Leave();
  ExpectKnown(-1);
}

TEST_P(OthersMountTest, MakesItsContentsUnknown) {
  host_.processes = {{"it", {File("mount/file"), "", ""}}};
  EXPECT_NE(Running(Look(host_), "it"), 0);
}

// It has no exe any more, but still its ports and the locks on its files.
class EndingTest : public OthersMountTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    mount_ = std::make_unique<FaultyMount>(File("mount"));
    host_.processes["it"] = {Copy("it_works"), "", ""};
    host_.processes["other"] = {File("other"), "", ""};
    Start({});
  }
  void Start(const std::vector<std::string>& arguments) {
    std::string words;
    for (const auto& argument : arguments) words += " " + argument;
    process_ = Run("sh", {"-c", "exec " + File("it_works") + words + " 3<" + File("mount/file")});
  }
  void TearDown() override {
    mount_->Leave();
    OthersMountTest::TearDown();
  }
  void HangInItsEnd() {
    mount_->Become(Fault::kClosingHangs);
    kill(process_->pid(), SIGKILL);
    const std::string exe = "/proc/" + std::to_string(process_->pid()) + "/exe";
    std::error_code none;
    while (!fs::read_symlink(exe, none).empty()) std::this_thread::yield();
  }
  void ExpectUntilItIsGone(double it, double other, const std::string& why) {
    for (int look = 0; look < 2; ++look) {
      const Seen seen = Look(host_);
      EXPECT_EQ(Running(seen, "it"), it) << why;
      EXPECT_EQ(Running(seen, "other"), other) << why;
    }
    mount_->Leave();
    process_.reset();
    EXPECT_EQ(Running(Look(host_), "it"), 0);
    EXPECT_EQ(Running(Look(host_), "other"), 0);
  }
};

TEST_P(EndingTest, IsUnknownForAProcessThatHangsInItsEnd) {
  EXPECT_EQ(Running(Look(host_), "it"), 1);
  HangInItsEnd();
  ExpectUntilItIsGone(-1, 0, "it was seen before, so no other program is meant");
}

TEST_P(EndingTest, IsUnknownForOneThatIsFirstSeenThen) {
  HangInItsEnd();
  ExpectUntilItIsGone(-1, -1, "it may be any program");
}

// As that of a script, which bears the name of its file, not the interpreter's.
TEST_P(EndingTest, IsUnknownWhateverNameItHas) {
  Start({"--name", "thing.py"});
  HangInItsEnd();
  ExpectUntilItIsGone(-1, -1, "it may be any program");
}

TEST_P(EndingTest, IsNoReasonNotToKnowAnotherProgramIfItWasSeenBefore) {
  host_.processes["it"] = {File("it_does_not_run"), "", ""};
  EXPECT_EQ(Running(Look(host_), "it"), 0);
  HangInItsEnd();
  ExpectUntilItIsGone(0, 0, "it ran another file");
}

MAILHUB_FOR_EVERY_ENGINE(EndingTest);
MAILHUB_FOR_EVERY_ENGINE(FaultyMountTest);
MAILHUB_FOR_EVERY_ENGINE(OthersMountTest);

}  // namespace
}  // namespace mailhub::exporter
