// A process is not said to be absent because the name of its file leads nowhere now, is too long, or is one of several.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "exporter/helper/helper_testing.h"
#include "exporter/helper/testing_faulty_mount.h"

namespace mailhub::exporter {
namespace {

class PresenceByNameTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    // Mounts of this thread's own, and of what it starts.
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    host_.processes["absent"] = {File("absent"), "", ""};
  }

  void TearDown() override {
    helper_.reset();
    umount2(File("opt").c_str(), MNT_DETACH);
    HelperTest::TearDown();
  }

  double Count() {
    const Seen seen = Look(host_);
    const auto& outcome = seen.outcomes.at("processes");
    EXPECT_EQ(Running(seen, "absent"), 0) << (outcome ? "" : outcome.error().message);
    return Running(seen, "eddy");
  }

  // By a helper that has seen nothing before, and again by the same one.
  void ExpectCount(double count, const std::string& why) {
    helper_.reset();
    EXPECT_EQ(Count(), count) << why;
    EXPECT_EQ(Count(), count) << why << ", the second time";
  }

  // Mounts one folder at two places.
  void MountTwice(const std::string& folder, const std::string& other) {
    fs::create_directories(folder_ / folder);
    fs::create_directories(folder_ / other);
    ASSERT_EQ(mount(File(folder).c_str(), File(other).c_str(), nullptr, MS_BIND, nullptr), 0);
  }
  void Replace(const std::string& name) {
    fs::remove(folder_ / name);
    Copy(name);
  }

  config::Host host_;
};

TEST_P(PresenceByNameTest, IsNotZeroWhereTheStorageOfTheLinkDoesNotAnswer) {
  std::ifstream file(MAILHUB_TESTING_TARGET, std::ios::binary);
  FaultyMount storage(File("storage"), std::string(std::istreambuf_iterator<char>(file), {}));
  host_.processes["eddy"] = {File("storage/here/file"), "", ""};
  // By its arguments it does not show by which path it was started.
  const auto process = Run(File("storage/here/file"), {}, "eddy: worker");
  ExpectCount(1, "it answers");
  storage.Become(Fault::kAllFails);
  EXPECT_NE(Count(), 0) << "a helper that knew the link";
  ExpectCount(-1, "it does not answer");
  storage.Become(Fault::kNone);
  EXPECT_EQ(Count(), 1) << "it answers again";
  storage.Become(Fault::kAllFails);
  EXPECT_NE(Count(), 0);
  ASSERT_EQ(umount2(File("storage").c_str(), MNT_DETACH), 0);
}

TEST_P(PresenceByNameTest, IsUnknownForOneThatHasOverwrittenItsArguments) {
  Copy("eddy");
  const auto process = Run(File("eddy"), {"--hide", "a password"});
  host_.processes["eddy"] = {File("eddy"), "password", ""};
  ExpectCount(-1, "with certain arguments");
  host_.processes["eddy"] = {File("eddy"), "", "password"};
  ExpectCount(-1, "without them");
  host_.processes["eddy"] = {File("eddy"), "", ""};
  ExpectCount(1, "with any");
}

// As "#!/usr/bin/env python3" and update-alternatives do it, or "cd current && ./bin/server".
TEST_P(PresenceByNameTest, IsNotZeroOnceTheLinkMovedOnForOneThatPathLedTo) {
  for (const char* version : {"v1", "v2"}) fs::create_directories(folder_ / version);
  Copy("v1/java");
  Copy("v2/java");
  for (const char* started : {"java", "./bin/java"}) {
    fs::remove(File("java"));
    fs::create_symlink(File("v1/java"), File("java"));
    host_.processes["eddy"] = {File("java"), "/opt/app.jar", ""};
    const auto process = Run(File("java"), {"-jar", "/opt/app.jar"}, started);
    ExpectCount(1, "as installed");
    fs::remove(File("java"));
    fs::create_symlink(File("v2/java"), File("java"));
    ExpectCount(-1, "a new helper");
    host_.processes["eddy"].args_contain = "/opt/other.jar";
    ExpectCount(0, "another program");
  }
}

// As in a rolling upgrade: old and new ones run side by side, and the old ones still work.
TEST_P(PresenceByNameTest, SaysThatThereMayBeMoreThanTheOneThatIsFound) {
  fs::create_directories(folder_ / "v1");
  fs::create_directories(folder_ / "v2");
  Copy("v1/eddy");
  Copy("v2/eddy");
  fs::create_symlink(File("v1"), File("current"));
  host_.processes["eddy"] = {File("current/eddy"), "", ""};
  host_.threads["eddy"] = {"worker"};
  auto before = Run(File("current/eddy"), {"--thread", "worker"});
  fs::remove(File("current"));
  fs::create_symlink(File("v2"), File("current"));
  const auto after = Run(File("current/eddy"), {});
  for (int look = 0; look < 2; ++look) {
    const Seen seen = Look(host_);
    EXPECT_FALSE(seen.outcomes.at("processes"));
    EXPECT_EQ(Running(seen, "eddy"), 1);
    EXPECT_EQ(Running(seen, "absent"), 0);
    EXPECT_FALSE(Value(seen.families, "mailhub_thread_running",
                       {{"process", "eddy"}, {"thread", "worker"}}));
  }
  before.reset();
  const Seen seen = Look(host_);
  EXPECT_TRUE(seen.outcomes.at("processes"));
  EXPECT_EQ(
      Value(seen.families, "mailhub_thread_running", {{"process", "eddy"}, {"thread", "worker"}}),
      0);
}

// Any account can make a folder whose name is too long for the kernel to say.
TEST_P(PresenceByNameTest, IsNoReasonNotToKnowAnotherWhereItIsTooLong) {
  host_.processes["eddy"] = {File("eddy"), "", ""};
  // Each folder holds a link to one that is far below it, so that a short path leads there.
  fs::path folder = folder_;
  for (const char* link : {"0", "1"}) {
    fs::path below;
    for (int i = 0; i < 12; ++i) below /= std::string(200, 'x');
    const int here = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    int at = here;
    for (const auto& part : below) {
      ASSERT_EQ(mkdirat(at, part.c_str(), 0755), 0);
      const int next = openat(at, part.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (at != here) close(at);
      at = next;
    }
    close(at);
    ASSERT_EQ(symlinkat(below.c_str(), here, link), 0);
    close(here);
    folder /= link;
  }
  Copy("0/1/eddy");
  Copy("0/1/stranger");
  const auto stranger = Run(File("0/1/stranger"), {});
  ExpectCount(0, "a stranger");
  host_.processes["eddy"] = {File("0/1/eddy"), "", ""};
  const auto process = Run(File("0/1/eddy"), {});
  ExpectCount(1, "eddy");
}

TEST_P(PresenceByNameTest, FindsAReplacedProcessThatWasStartedByAnotherMountsName) {
  MountTwice("srv", "opt");
  for (const auto& [exe, started] : std::vector<std::pair<std::string, std::string>>{
           {"opt/eddy", "srv/eddy"}, {"srv/eddy", "opt/eddy"}}) {
    host_.processes["eddy"] = {File(exe), "", ""};
    Copy(exe);
    const auto process = Run(File(started), {});
    ExpectCount(1, started);
    Replace(exe);
    ExpectCount(1, started + ", replaced");
    fs::remove(File(exe));
    ExpectCount(1, started + ", deleted");
  }
  ExpectCount(0, "none");
}

// As one that ends just then; and many of those run beside each look on a busy host.
TEST_P(PresenceByNameTest, IsKnownBesideAnotherProgramThatShowsNoArguments) {
  host_.processes["eddy"] = {File("eddy"), "", ""};
  Copy("bystander");
  const auto other =
      Run(File("bystander"), {"--hide", "--name", "other name", std::string(3000, 'x')});
  ExpectCount(0, "not run");
  Copy("eddy");
  const auto process = Run(File("eddy"), {});
  ExpectCount(1, "run");
}

TEST_P(PresenceByNameTest, IsNotZeroForAReplacedProcessWhoseOtherMountIsGone) {
  MountTwice("srv", "opt");
  host_.processes["eddy"] = {File("srv/eddy"), "", ""};
  Copy("srv/eddy");
  const auto process = Run(File("opt/eddy"), {});
  Replace("srv/eddy");
  ASSERT_EQ(umount2(File("opt").c_str(), MNT_DETACH), 0);
  ExpectCount(-1, "it may be that one");
}

// A package may install one program by two names (perl and perl5.36.0) and replace both.
TEST_P(PresenceByNameTest, FindsAReplacedProcessThatWasStartedByAnotherHardLink) {
  host_.processes["eddy"] = {File("eddy"), "", ""};
  Copy("eddy");
  fs::create_hard_link(File("eddy"), File("eddy-2.0"));
  const auto process = Run(File("eddy-2.0"), {}, "eddy: worker");
  ExpectCount(1, "as installed");
  Replace("eddy");
  fs::remove(File("eddy-2.0"));
  fs::create_hard_link(File("eddy"), File("eddy-2.0"));
  EXPECT_EQ(Count(), 1) << "a helper that knew the file";
  ExpectCount(1, "replaced");
}

TEST_P(PresenceByNameTest, IsZeroForADeletedNamesakeOfAnotherFolder) {
  fs::create_directories(folder_ / "gone");
  host_.processes["eddy"] = {File("eddy"), "", "-D there"};
  const auto other = Run(Copy("other/eddy"), {});
  const auto gone = Run(Copy("gone/eddy"), {"-D", "there"});
  fs::remove(File("other/eddy"));
  fs::remove_all(File("gone"));
  ExpectCount(0, "another folder; other arguments");
  host_.processes["eddy"] = {File("eddy"), "", ""};
  ExpectCount(-1, "its folder has gone, too: it may have been that one");
}

// Its file was replaced before the helper came; then the next version came, by a link or with its folder.
TEST_P(PresenceByNameTest, KnowsAProcessAgainThatItFoundByItsName) {
  fs::create_directories(folder_ / "app");
  Copy("app/eddy-2.0");
  for (const std::string name : {"app/eddy-1.0", "app/eddy"}) {
    host_.processes["eddy"] = {File("app/eddy"), "", ""};
    Copy(name);
    if (name != "app/eddy") fs::create_symlink("eddy-1.0", File("app/eddy"));
    const auto process = Run(File("app/eddy"), {}, "eddy: master process");
    Replace(name);
    ExpectCount(1, name);
    if (name != "app/eddy") {
      fs::remove(File("app/eddy"));
      fs::create_symlink("eddy-2.0", File("app/eddy"));
    } else {
      fs::rename(File("app"), File("app.old"));
      fs::create_directories(folder_ / "app");
      Copy("app/eddy");
    }
    for (int look = 0; look < 3; ++look) EXPECT_EQ(Count(), 1) << name << look;
    fs::remove(File("app/eddy"));
  }
}

// What it knew of the file is not lost in looks at which the file, or nothing, can be looked at.
TEST_P(PresenceByNameTest, KnowsAProcessAgainAfterALookWithTrouble) {
  std::ifstream file(MAILHUB_TESTING_TARGET, std::ios::binary);
  FaultyMount storage(File("storage"), std::string(std::istreambuf_iterator<char>(file), {}));
  host_.processes["eddy"] = {File("eddy"), "", ""};
  fs::create_directories(folder_ / "standins");
  std::ofstream(File("standins/find"))
      << "#!/bin/sh\n[ ! -e '" << File("trouble") << "' ] || exit 126\nexec /usr/bin/find \"$@\"\n";
  fs::permissions(File("standins/find"), fs::perms::owner_all);
  Change("PATH=/usr/xpg4", "PATH=" + File("standins") + ":/usr/xpg4");
  fs::create_symlink("storage/file", File("eddy"));
  const auto process = Run(File("eddy"), {}, "eddy: worker");
  EXPECT_EQ(Count(), 1);
  fs::remove(File("eddy"));
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
  storage.Become(Fault::kAllFails);
  for (int look = 0; look < 3; ++look) EXPECT_NE(Running(Look(host_), "eddy"), 0) << look;
  storage.Become(Fault::kNone);
  EXPECT_EQ(Count(), 1) << "the storage answers again";
  for (int look = 0; look < 2; ++look) EXPECT_NE(Running(Look(host_, 1), "eddy"), 0) << look;
  EXPECT_EQ(Count(), 1) << "there is time again";
  std::ofstream(File("trouble")).close();
  const auto other = Run(Copy("other/eddy"), {});
  EXPECT_NE(Running(Look(host_), "eddy"), 0);
  fs::remove(File("trouble"));
  EXPECT_EQ(Count(), 1) << "find works again";
}

class ManyMountsTest : public PresenceByNameTest {
 protected:
  void TearDown() override {
    for (const pid_t pid : pids_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
    for (const int end : input_) close(end);
    PresenceByNameTest::TearDown();
  }
  // Starts so many in a mount namespace that has another eddy, and 16,384 mounts.
  void StartAmongMounts(int processes) {
    int ready[2];
    ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(input_, O_CLOEXEC), 0);
    pids_.push_back(fork());
    if (pids_.back() == 0) {
      dup2(input_[0], STDIN_FILENO);
      const std::string many = File("with blank");
      bool good = unshare(CLONE_NEWNS) == 0 &&
                  mount("none", File("other").c_str(), "tmpfs", 0, nullptr) == 0 &&
                  mount("none", many.c_str(), "tmpfs", 0, nullptr) == 0;
      std::error_code error;
      fs::copy_file(MAILHUB_TESTING_TARGET, File("other/eddy"), error);
      // Each time twice as many.
      for (int i = 0; good && i < 14; ++i) {
        const std::string at = many + "/" + std::to_string(i);
        good = mkdir(at.c_str(), 0755) == 0 &&
               mount(many.c_str(), at.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
      }
      for (int i = 1; good && i < processes && fork() != 0; ++i) {
      }
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (good) execl(File("other/eddy").c_str(), "eddy", nullptr);
      _exit(1);
    }
    close(ready[1]);
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 0) << "until all have started";
    close(ready[0]);
  }
  std::vector<pid_t> pids_;
  int input_[2] = {-1, -1};  // they live until it ends
};

// Any account can make such namespaces.
TEST_P(ManyMountsTest, OfAnotherNamespaceTakeNoTime) {
  host_.processes["eddy"] = {File("other/eddy"), "", ""};
  StartAmongMounts(40);
  for (int look = 0; look < 2; ++look) {
    const double begin = Now();
    EXPECT_EQ(Count(), -1) << "not all of them are read";
    EXPECT_LT(Now() - begin, 2);
  }
}

class SilentStorageTest : public PresenceByNameTest {
 protected:
  template <typename Check>
  void LookSoon(Check check) {
    for (int helper = 0; helper < 2; ++helper) {
      helper_.reset();
      for (int look = 0; look < 3; ++look) {
        const double begin = Now();
        const Seen seen = TryToLook(host_, 3000, seconds(5));
        EXPECT_LT(Now() - begin, 2);
        EXPECT_EQ(Running(seen, "eddy"), 1);
        EXPECT_EQ(Running(seen, "absent"), 0);
        check(seen);
      }
    }
  }
};

// Any account can have such storage: FUSE below an overlay, in a user namespace.
TEST_P(SilentStorageTest, CostsOnlyWhatMayRunFromIt) {
  std::ifstream file(MAILHUB_TESTING_TARGET, std::ios::binary);
  FaultyMount storage(File("storage"), std::string(std::istreambuf_iterator<char>(file), {}));
  const auto stranger = Run(File("storage/file"), {});
  const auto process = Run(Copy("eddy"), {});
  host_.processes["eddy"] = {File("eddy"), "", ""};
  host_.processes["namesake"] = {File("other/file"), "", ""};
  EXPECT_EQ(Count(), 1);
  storage.Become(Fault::kSilent);
  LookSoon([&](const Seen& seen) { EXPECT_EQ(Running(seen, "namesake"), -1); });
  storage.Leave();
}

// As when network storage is gone.
TEST_P(SilentStorageTest, CostsOnlyTheExeOfThatPath) {
  FaultyMount storage(File("storage"));
  const auto process = Run(Copy("eddy"), {});
  host_.processes["eddy"] = {File("eddy"), "", ""};
  host_.processes["remote"] = {File("storage/file"), "", ""};
  storage.Become(Fault::kSilent);
  LookSoon([&](const Seen& seen) { EXPECT_EQ(Running(seen, "remote"), -1); });
  storage.Leave();
}

// The name of its file leads to such storage.
TEST_P(SilentStorageTest, CostsOnlyTheProcessWhoseNameLeadsThere) {
  fs::create_directories(folder_ / "storage");
  const auto stranger = Run(Copy("storage/file"), {});
  FaultyMount storage(File("storage"));
  const auto process = Run(Copy("eddy"), {});
  host_.processes["eddy"] = {File("eddy"), "", ""};
  host_.processes["namesake"] = {File("other/file"), "", ""};
  storage.Become(Fault::kSilent);
  LookSoon([&](const Seen& seen) { EXPECT_EQ(Running(seen, "namesake"), -1); });
  storage.Leave();
}

MAILHUB_FOR_EVERY_ENGINE(PresenceByNameTest);
MAILHUB_FOR_EACH_OF(Engines, SilentStorageTest, "perl");
MAILHUB_FOR_EVERY_ENGINE(ManyMountsTest);

}  // namespace
}  // namespace mailhub::exporter
