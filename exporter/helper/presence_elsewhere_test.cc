// A process is not reported as absent because it is in other namespaces, has another root, or no
// longer shows its executable.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

class PresenceElsewhereTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    host_.processes["eddy"] = {File("eddy"), "", ""};
  }

  double Count() {
    const Seen seen = Look(host_);
    const double running = Running(seen, "eddy");
    const auto& outcome = seen.outcomes.at("processes");
    EXPECT_EQ(running >= 0, outcome.has_value()) << (outcome ? "" : outcome.error().message);
    return running;
  }

  // With a new helper, and again with the same one.
  void ExpectCount(double count, const std::string& why) {
    helper_.reset();
    EXPECT_EQ(Count(), count) << why;
    EXPECT_EQ(Count(), count) << why << ", the second time";
  }

  // Starts eddy in this way; then its file is replaced, and then deleted.
  void ExpectOnceReplaced(double before, double after, const std::string& program,
                          const std::vector<std::string>& words) {
    std::string why = program;
    for (const auto& word : words) why += " " + word;
    Copy("eddy");
    const auto process = Run(program, words);
    ExpectCount(before, why);
    fs::remove(File("eddy"));
    Copy("eddy");
    ExpectCount(after, why + ", replaced");
    fs::remove(File("eddy"));
    ExpectCount(after, why + ", deleted");
  }

  // Three cases in which a main thread does not show its executable.
  const std::vector<std::vector<std::string>> disguises_ = {
      {}, {"--name", "main"}, {"--end-main"}, {"--end-main", "--name", "main", "--thread", "w"}};

  config::Host host_;
};

TEST_P(PresenceElsewhereTest, IsNotZeroForOneInAUserNamespaceOfItsOwn) {
  const std::string eddy = File("eddy");
  ExpectOnceReplaced(1, -1, "unshare", {"--user", "--map-root-user", "--mount", eddy});
  ExpectOnceReplaced(1, 1, "unshare", {"--user", "--map-root-user", eddy});
}

TEST_P(PresenceElsewhereTest, IsNotZeroForOneThatHasMountsAndARootOfItsOwn) {
  const std::string eddy = File("eddy");
  ExpectOnceReplaced(1, -1, "unshare", {"--mount", eddy, "--root", File("other")});
  // A root that has such a folder, too.
  fs::create_directories(File("other") + folder_.string());
  ExpectOnceReplaced(1, -1, "unshare", {"--mount", eddy, "--root", File("other")});
  ExpectOnceReplaced(1, -1, "unshare",
                     {"--user", "--map-root-user", "--mount", eddy, "--root", File("other")});
}

// As systemd's RootDirectory= and BindReadOnlyPaths= of the file do it: the kernel's name for the file
// is none of ours.
TEST_P(PresenceElsewhereTest, IsNotZeroForOneWhoseRootOrFileIsMountedElsewhere) {
  fs::create_directories(folder_ / "root/opt");
  fs::create_directories(folder_ / "root/old");
  const std::string root = File("root");
  const auto expect = [&](const std::string& exe, double after, const std::string& script) {
    host_.processes["eddy"] = {File(exe), "", ""};
    Copy("root/opt/eddy");
    const auto process = Run("unshare", {"--mount", "sh", "-c", "set -e; exec 2>&1; " + script});
    fs::remove(File("root/opt/eddy"));
    Copy("root/opt/eddy");
    ExpectCount(after, script + ", replaced");
    fs::remove(File("root/opt/eddy"));
    ExpectCount(after, script + ", deleted");
  };
  const std::string pivot =
      "mount --bind '" + root + "' '" + root + "'; cd '" + root +
      "'; for d in usr lib lib64 bin proc; do mkdir -p $d; mount --rbind /$d $d; done; "
      "pivot_root . old; umount -l old; exec /opt/eddy";
  expect("root/opt/eddy", -1, pivot);
  const std::string bind = "mount -t tmpfs none '" + File("other") + "'; touch '" + File("other") +
                           "/eddy'; mount --bind '" + root + "/opt/eddy' '" + File("other") +
                           "/eddy'; exec '" + File("other") + "/eddy'";
  expect("root/opt/eddy", -1, bind);
  // As systemd's TemporaryFileSystem= over the folder does it, with BindReadOnlyPaths= of the file.
  const std::string over = "mount --bind '" + root + "/opt' '" + File("other") +
                           "'; mount -t tmpfs none '" + root + "/opt'; touch '" + root +
                           "/opt/eddy'; mount --bind '" + File("other") + "/eddy' '" + root +
                           "/opt/eddy'; exec '" + root + "/opt/eddy'";
  expect("root/opt/eddy", -1, over);
  // Of another folder, with mounts of its own.
  Copy("eddy");
  expect("eddy", 0, "exec '" + root + "/opt/eddy'");
}

// As systemd's RootDirectory= and BindReadOnlyPaths= of the folder do it; the folder was removed here.
TEST_P(PresenceElsewhereTest, IsNotZeroForOneOfAnotherRootThatHasOurFolderMounted) {
  const std::string app = File("app");
  fs::create_directories(app);
  host_.processes["eddy"] = {app + "/eddy", "", ""};
  Copy("app/eddy");
  const std::string script =
      "mount -t tmpfs none '" + File("other") + "'; cd '" + File("other") +
      "'; for d in usr lib lib64 bin proc '" + app.substr(1) +
      "'; do mkdir -p $d; mount --rbind \"/$d\" $d; done; mkdir old; pivot_root . old; "
      "umount -l old; exec '" +
      app + "/eddy'";
  const auto process = Run("unshare", {"--mount", "sh", "-c", "set -e; exec 2>&1; " + script});
  fs::remove_all(app);
  ExpectCount(-1, "folder removed");
}

TEST_P(PresenceElsewhereTest, IsZeroForAContainer) {
  const std::string there = File("other") + folder_.string();
  const std::string make =
      "mount -t tmpfs none '" + File("other") + "'; mkdir -p '" + there + "'; cp '" +
      MAILHUB_TESTING_TARGET + "' '" + there + "/eddy'; cd '" + File("other") +
      "'; for d in usr lib lib64 bin proc dev; do mkdir -p $d old; mount --rbind /$d $d; done; "
      "pivot_root . old; umount -l old; ";
  const std::string run = "'" + File("eddy") + "' ";
  const std::string remove =
      "exec 3<&0; { " + run + "<&3 & }; sleep 0.5; rm '" + File("eddy") + "'; wait";
  const std::vector<std::vector<std::string>> kinds = {
      {"--mount"},
      {"--mount", "--pid", "--fork", "--kill-child"},
      {"--mount", "--pid", "--fork", "--kill-child", "--user", "--map-root-user"}};
  for (const auto& kind : kinds) {
    for (const std::string& what : {"exec " + run, remove}) {
      auto words = kind;
      words.insert(words.end(), {"sh", "-c", "set -e; exec 2>&1; " + make + what});
      const auto process = Run("unshare", words);
      usleep(700'000);
      ExpectCount(0, what);
      Copy("eddy");
      ExpectCount(0, what + ", and here is one, too");
      fs::remove(File("eddy"));
    }
  }
  // One that changes its root inside.
  auto words = kinds[1];
  words.insert(words.end(), {"sh", "-c", "set -e; " + make + "exec " + run + "--root /usr"});
  const auto process = Run("unshare", words);
  ExpectCount(0, "with another root");
}

TEST_P(PresenceElsewhereTest, IsNotZeroOnceTheLinkMovedOnInAllCasesOfTheMainThread) {
  Copy("eddy-1.0");
  Copy("eddy-2.0");
  for (const auto& disguise : disguises_) {
    fs::remove(File("eddy"));
    fs::create_symlink("eddy-1.0", File("eddy"));
    const auto process = Run(File("eddy"), disguise);
    fs::remove(File("eddy"));
    fs::create_symlink("eddy-2.0", File("eddy"));
    ExpectCount(-1, testing::PrintToString(disguise));
  }
  ExpectCount(0, "none");
}

TEST_P(PresenceElsewhereTest, IsNotZeroOnceTheLinkMovedOnForOneThatHasAnotherRoot) {
  Copy("eddy-1.0");
  Copy("eddy-2.0");
  fs::create_symlink("eddy-1.0", File("eddy"));
  const auto process = Run(File("eddy"), {"--root", File("other")});
  fs::remove(File("eddy"));
  fs::create_symlink("eddy-2.0", File("eddy"));
  ExpectCount(-1, "its root");
}

TEST_P(PresenceElsewhereTest, IsNotZeroOnceTheLinkMovedOnBelowAnotherRoot) {
  for (const char* version : {"v1", "v2"}) fs::create_directories(folder_ / version);
  Copy("v1/eddy");
  Copy("v2/eddy");
  fs::create_symlink("v1", File("current"));
  host_.processes["eddy"] = {File("current/eddy"), "", ""};
  const auto process = Run(File("current/eddy"), {"--root", folder_.string()}, "/current/eddy");
  ExpectCount(1, "as installed");
  fs::remove(File("current"));
  fs::create_symlink("v2", File("current"));
  ExpectCount(-1, "its root");
}

TEST_P(PresenceElsewhereTest, IsNotZeroOnceTheVolumeIsGoneInAllCasesOfTheMainThread) {
  fs::create_directories(folder_ / "volume");
  fs::create_symlink("volume/eddy-1.0", File("linked"));
  for (const auto& disguise : disguises_) {
    for (const std::string name : {"volume/eddy", "linked"}) {
      host_.processes["eddy"] = {File(name), "", ""};
      ASSERT_EQ(mount("none", File("volume").c_str(), "tmpfs", 0, "size=20m"), 0);
      Copy("volume/eddy");
      Copy("volume/eddy-1.0");
      // Its arguments do not show its executable either.
      const auto process = Run(File(name), disguise, "x");
      ASSERT_EQ(umount2(File("volume").c_str(), MNT_DETACH), 0);
      ExpectCount(-1, testing::PrintToString(disguise) + name);
    }
  }
  ExpectCount(0, "none");
}

// Then the kernel has no name for the file but "/".
TEST_P(PresenceElsewhereTest, IsNotZeroOnceTheMountOfTheFileItselfIsGone) {
  Copy("eddy");
  Copy("other/eddy-2.0");
  ASSERT_EQ(mount(File("other/eddy-2.0").c_str(), File("eddy").c_str(), nullptr, MS_BIND, nullptr),
            0);
  const auto process = Run(File("eddy"), {}, "eddy: worker");
  ExpectCount(1, "it is mounted");
  ASSERT_EQ(umount2(File("eddy").c_str(), MNT_DETACH), 0);
  EXPECT_EQ(Count(), 1) << "a helper that has seen it";
  ExpectCount(-1, "it is in no folder");
  fs::remove(File("other/eddy-2.0"));
  ExpectCount(-1, "it is deleted, too");
}

// Each command that the helper starts is recorded.
TEST_P(PresenceElsewhereTest, AsksNoCommandAgainAboutNamesakes) {
  fs::create_directories(folder_ / "standins");
  for (const char* name : {"find", "stat", "ls", "tr", "head", "grep", "readlink"}) {
    const fs::path path = folder_ / "standins" / name;
    std::ofstream(path) << "#!/bin/sh\necho " << name << " >>'" << File("asked")
                        << "'\nPATH=/usr/bin:/bin\nexec " << name << " \"$@\"\n";
    fs::permissions(path, fs::perms::owner_all);
  }
  Change("PATH=/usr/xpg4", "PATH=" + File("standins") + ":/usr/xpg4");
  // A namespace in which no other process starts or ends.
  fs::copy_file("/usr/bin/sleep", File("other/eddy"));
  fs::copy_file("/usr/bin/sleep", File("eddy-1.0"));
  fs::create_symlink("eddy-1.0", File("eddy"));
  const std::string start =
      "exec 3>&1 >/dev/null; cd '" + folder_.string() +
      "'; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do other/eddy 1000 & '" +
      File("eddy") + "' 1001 & until [ /proc/$!/exe -ef eddy-1.0 ]; do :; done; done; rm eddy; " +
      "exec \"$@\" >&3 3>&-";
  prefix_ = {"unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", start, "sh"};
  const auto asked = [&] {
    std::ifstream file(File("asked"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  // Twenty other processes of the name; twenty that may be it by their executable, but not by their
  // arguments.
  host_.processes["eddy"] = {File("eddy"), "--none", ""};
  EXPECT_EQ(Count(), 0);
  const std::string first = asked();
  EXPECT_LT(std::count(first.begin(), first.end(), '\n'), 120);
  Count();
  const std::string before = asked();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Count(), 0);
  EXPECT_EQ(asked(), before);
}

MAILHUB_FOR_EVERY_ENGINE(PresenceElsewhereTest);

}  // namespace
}  // namespace mailhub::exporter
