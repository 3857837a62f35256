// What is there is never said to be absent, and what is not there never to be there: files and
// directories.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class FilePresenceTest : public HelperTest {
 protected:
  // Root, but without the right to read and enter other accounts' files.
  void ObeyModes() { prefix_ = {"setpriv", "--bounding-set=-dac_override,-dac_read_search"}; }
  // Another account's folder.
  void Close(const std::string& name, fs::perms mode) {
    ASSERT_EQ(chown(File(name).c_str(), 65534, 65534), 0);
    fs::permissions(File(name), mode);
  }
  std::optional<double> Exists(const Seen& seen, const std::string& file) {
    return Value(seen.families, "mailhub_file_exists", {{"file", file}});
  }
};

TEST_P(FilePresenceTest, SaysNothingOfAFileBelowAFolderThatItMayNotEnter) {
  fs::create_directories(folder_ / "closed");
  std::ofstream(File("closed/f")) << "x";
  Close("closed", fs::perms::owner_all);
  ObeyModes();
  config::Host host;
  host.files["below"] = File("closed/f");
  host.files["deeper"] = File("closed/no/such");
  host.files["there"] = "/etc/passwd";
  host.files["gone"] = File("gone");
  host.files["below_a_file"] = "/etc/passwd/x";
  const Seen seen = Look(host);
  EXPECT_FALSE(seen.outcomes.at("files"));
  EXPECT_THAT(seen.outcomes.at("files").error().message, testing::HasSubstr("closed/"));
  EXPECT_FALSE(Exists(seen, "below"));
  EXPECT_FALSE(Exists(seen, "deeper"));
  EXPECT_EQ(Exists(seen, "there"), 1) << "one that is not known hides no other";
  EXPECT_EQ(Exists(seen, "gone"), 0);
  EXPECT_EQ(Exists(seen, "below_a_file"), 0);
}

TEST_P(FilePresenceTest, SaysThatADanglingLinkIsNoFile) {
  fs::create_symlink("nowhere", folder_ / "dangling");
  fs::create_symlink("/etc/passwd", folder_ / "good");
  config::Host host;
  host.files["dangling"] = File("dangling");
  host.files["good"] = File("good");
  host.directories["empty"] = File("other");
  const Seen seen = Look(host);
  ASSERT_TRUE(seen.outcomes.at("files"));
  EXPECT_EQ(Exists(seen, "dangling"), 0);
  EXPECT_EQ(Exists(seen, "good"), 1);
}

TEST_P(FilePresenceTest, SaysNothingOfALinkIntoAFolderThatItMayNotEnter) {
  fs::create_directories(folder_ / "closed");
  std::ofstream(File("closed/f")) << "x";
  fs::create_symlink("closed/f", folder_ / "link");
  fs::create_symlink("circle", folder_ / "circle");
  Close("closed", fs::perms::owner_all);
  ObeyModes();
  config::Host host;
  host.files["link"] = File("link");
  host.files["circle"] = File("circle");
  const Seen seen = Look(host);
  EXPECT_FALSE(seen.outcomes.at("files"));
  EXPECT_FALSE(Exists(seen, "link"));
  EXPECT_FALSE(Exists(seen, "circle"));
}

TEST_P(FilePresenceTest, SaysNothingOfAStatusScriptThatItMayNotSee) {
  Change("/etc/init.d/", File("init.d/"));
  fs::create_directories(folder_ / "init.d");
  std::ofstream(File("init.d/thing")) << "#!/bin/sh\n";
  fs::permissions(File("init.d/thing"), fs::perms::all);
  config::Host host;
  host.services["thing"] = {config::ServiceKind::kSysv};
  const auto absent = [&] {
    helper_.reset();
    const Seen seen = Look(host);
    return Value(seen.families, "mailhub_service_state", {{"name", "thing"}, {"state", "absent"}});
  };
  EXPECT_EQ(absent(), 0);
  Close("init.d", fs::perms::owner_all);
  ObeyModes();
  EXPECT_EQ(absent(), std::nullopt);
  fs::remove_all(folder_ / "init.d");
  EXPECT_EQ(absent(), 1);
}

TEST_P(FilePresenceTest, AnUnknownDirectoryHidesNoOther) {
  config::Host host;
  host.directories["a"] = File("nowhere");
  host.directories["b"] = File("other");
  const Seen seen = Look(host);
  EXPECT_FALSE(seen.outcomes.at("directories"));
  EXPECT_EQ(Value(seen.families, "mailhub_directory_files", {{"directory", "b"}}), 0);
  EXPECT_FALSE(Value(seen.families, "mailhub_directory_files", {{"directory", "a"}}));
}

TEST_P(FilePresenceTest, IsNotZeroBecauseTheSumsDidNotCome) {
  fs::create_directories(folder_ / "standins");
  std::ofstream(File("other/f")) << "x";
  // An awk that is ended before it has summed up.
  std::ofstream(File("standins/awk")) << "#!/bin/sh\ngrep '^[dfo] 0 '; kill -9 $$\n";
  fs::permissions(File("standins/awk"), fs::perms::owner_all);
  Change("PATH=/usr/xpg4", "PATH=" + File("standins") + ":/usr/xpg4");
  config::Host host;
  host.directories["d"] = File("other");
  for (const bool can_print : {true, false}) {
    if (!can_print) Change("has_printf=1", "has_printf=");
    helper_.reset();
    const Seen seen = Look(host);
    EXPECT_EQ(Value(seen.families, "mailhub_directory_files", {{"directory", "d"}}).value_or(1), 1);
  }
}

// What lacks a descriptor may break off, some shells without a word.
TEST_P(FilePresenceTest, NeverSaysThatAFileIsAbsentForWantOfADescriptor) {
  std::ofstream(File("other/f")) << "x";
  fs::create_symlink("other/f", folder_ / "link");
  const auto process = Run(Copy("eddy"), {});
  config::Host host;
  host.files["there"] = File("other/f");
  host.files["link"] = File("link");
  host.directories["d"] = File("other");
  host.processes["eddy"] = {File("eddy"), "", ""};
  // With a check the shells answer.
  if (GetParam() != "perl") host.checks["good"] = {"echo 1", Milliseconds(2000)};
  const auto limit = [&](rlim_t files) {
    const rlimit both = {files, 64};
    ASSERT_EQ(prlimit(helper_->pid(), RLIMIT_NOFILE, &both, nullptr), 0);
  };
  for (const bool seen_before : {false, true}) {
    for (rlim_t files = 3; files < 17; ++files) {
      helper_.reset();
      StartHelper(host);
      helper_->Write("hello x\n");
      ASSERT_TRUE(helper_->WaitFor("hello 1"));
      if (seen_before) Look(host);
      for (const rlim_t now : {files, rlim_t{64}}) {
        limit(now);
        const Seen seen = TryToLook(host, 1000, seconds(2));
        for (const char* name : {"there", "link"}) EXPECT_NE(Exists(seen, name), 0) << files;
        EXPECT_NE(Value(seen.families, "mailhub_directory_files", {{"directory", "d"}}), 0)
            << files;
        EXPECT_NE(Running(seen, "eddy"), 0) << files;
        if (!seen.complete) break;
      }
    }
  }
}

class ComingAndGoingTest : public FilePresenceTest {
 protected:
  // A directory with one file, in which folders appear and disappear during the look.
  void LookWhileFoldersComeAndGo() {
    std::ofstream(File("other/f")) << "x";
    config::Host host;
    host.directories["lively"] = File("other");
    const std::jthread churn([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        for (int i = 0; i < 20; ++i) fs::create_directory(File("other/x" + std::to_string(i)));
        for (int i = 0; i < 20; ++i) fs::remove(File("other/x" + std::to_string(i)));
      }
    });
    for (int i = 0; i < 80; ++i) {
      const Seen seen = Look(host);
      const auto& outcome = seen.outcomes.at("directories");
      ASSERT_TRUE(outcome) << outcome.error().message;
      ASSERT_EQ(Value(seen.families, "mailhub_directory_files", {{"directory", "lively"}}), 1);
    }
  }
};

TEST_P(ComingAndGoingTest, IsNoReasonNotToKnowADirectory) {
  LookWhileFoldersComeAndGo();
}

TEST_P(ComingAndGoingTest, IsNoReasonNotToKnowADirectoryWhereFindCannotPrint) {
  Change("has_printf=1", "has_printf=");
  LookWhileFoldersComeAndGo();
}

// Each account may put what it likes in the place of a folder below one of its own, and take it away again.
class SwappedTest : public FilePresenceTest {
 protected:
  void Swap(const std::string& one, const std::string& other) {
    ASSERT_EQ(
        renameat2(AT_FDCWD, File(one).c_str(), AT_FDCWD, File(other).c_str(), RENAME_EXCHANGE), 0);
  }
  void LookWhileTheyAreSwapped() {
    for (const char* name : {"fifo1", "fifo2"}) ASSERT_EQ(mkfifo(File(name).c_str(), 0666), 0);
    for (const char* name : {"other/f", "file"}) std::ofstream(File(name)) << "x";
    config::Host host;
    host.directories["swapped"] = File("other");
    host.directories["still"] = File("with blank");
    host.files["swapped"] = File("file");
    const std::jthread swaps([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        Swap("other", "fifo1");
        Swap("file", "fifo2");
      }
    });
    for (int i = 0; i < 40; ++i) {
      const Seen seen = TryToLook(host, 3000, seconds(5));
      ASSERT_TRUE(seen.complete) << "it waits";
      const auto files = [&](const std::string& name) {
        return Value(seen.families, "mailhub_directory_files", {{"directory", name}});
      };
      EXPECT_EQ(files("swapped").value_or(1), 1);
      EXPECT_EQ(files("still"), 0);
      EXPECT_EQ(Exists(seen, "swapped"), 1) << "a fifo, if not a file";
    }
  }
};

TEST_P(SwappedTest, IsNothingToWaitForNorIsItEmpty) {
  LookWhileTheyAreSwapped();
}

TEST_P(SwappedTest, IsNothingToWaitForNorIsItEmptyWhereFindCannotPrint) {
  Change("has_printf=1", "has_printf=");
  LookWhileTheyAreSwapped();
}

MAILHUB_FOR_EVERY_ENGINE(FilePresenceTest);
MAILHUB_FOR_EVERY_ENGINE(SwappedTest);
MAILHUB_FOR_EVERY_ENGINE(ComingAndGoingTest);

}  // namespace
}  // namespace mailhub::exporter
