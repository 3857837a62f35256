// A present process is never reported as absent, and an absent one never as present, whatever the
// host's history.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <array>

#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

constexpr char kSomebodyElse[] = "65534";

class PresenceTest : public HelperTest {
 protected:
  void SetUp() override {
    HelperTest::SetUp();
    host_.processes["eddy"] = {File("eddy"), "", ""};
  }

  // A link that leads to `target` from now on.
  void Link(const std::string& target, const std::string& name) {
    fs::remove(folder_ / name);
    fs::create_symlink(target, folder_ / name);
  }

  // The number of processes; -1 when it is reported as unknown.
  double Count() {
    const Seen seen = Look(host_);
    const double running = Running(seen, "eddy");
    const auto& outcome = seen.outcomes.at("processes");
    EXPECT_EQ(running >= 0, outcome.has_value()) << (outcome ? "" : outcome.error().message);
    return running;
  }

  // The helper runs with this account's rights.
  void BeSomebodyElse() {
    // The build's folder may be closed to others.
    fs::permissions(folder_, fs::perms::others_read | fs::perms::others_exec,
                    fs::perm_options::add);
    prefix_ = {"setpriv", std::string("--reuid=") + kSomebodyElse, "--clear-groups", "--"};
  }

  config::Host host_;
};

TEST_P(PresenceTest, FindsAProcessStartedThroughALinkWhoseTargetWasReplaced) {
  Copy("eddy-1.0");
  Link("eddy-1.0", "eddy");
  const auto process = Run(File("eddy"), {});
  EXPECT_EQ(Count(), 1);
  helper_.reset();  // its earlier observations must not matter
  fs::remove(File("eddy-1.0"));
  Copy("eddy-1.0");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, FindsAProcessBelowALinkedFolderThatWasReplaced) {
  fs::create_directories(folder_ / "isode-5");
  Copy("isode-5/eddy");
  Link("isode-5", "isode");
  host_.processes["eddy"] = {File("isode/eddy"), "", ""};
  const auto process = Run(File("isode/eddy"), {});
  fs::remove(File("isode-5/eddy"));
  Copy("isode-5/eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, FindsTheOldOneAmongManyNamesakes) {
  std::array<std::unique_ptr<TestingProcess>, 12> older, newer;
  const std::string other = Copy("other/eddy");
  for (auto& namesake : older) namesake = Run(other, {});
  const auto process = Run(Copy("eddy"), {});
  for (auto& namesake : newer) namesake = Run(other, {});
  fs::remove(File("eddy"));
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, FindsAReplacedProcessThatCallsItselfSomethingElse) {
  const auto process = Run(Copy("eddy"), {"--name", "worker"});
  fs::remove(File("eddy"));
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, CountsOldAndNewSideBySide) {
  const auto old_one = Run(Copy("eddy"), {});
  fs::remove(File("eddy"));
  const auto new_one = Run(Copy("eddy"), {});
  EXPECT_EQ(Count(), 2);
}

TEST_P(PresenceTest, FindsAReplacedProcessWhoseFolderIsGone) {
  fs::create_directories(folder_ / "gone");
  host_.processes["eddy"] = {File("gone/eddy"), "", ""};
  const auto process = Run(Copy("gone/eddy"), {});
  fs::remove_all(folder_ / "gone");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, KnowsAProcessAgainWhoseFileWasRenamed) {
  const auto process = Run(Copy("eddy"), {});
  EXPECT_EQ(Count(), 1);
  fs::rename(folder_ / "eddy", folder_ / "eddy.old");
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, KnowsAProcessAgainWhenTheLinkMovedOn) {
  Copy("eddy-1.0");
  Copy("eddy-2.0");
  Link("eddy-1.0", "eddy");
  const auto process = Run(File("eddy"), {});
  EXPECT_EQ(Count(), 1);
  Link("eddy-2.0", "eddy");
  EXPECT_EQ(Count(), 1);
  fs::remove(File("eddy-1.0"));
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, DoesNotSayZeroOfOneThatWasStartedByThisNameAndRunsAnotherFile) {
  Copy("eddy-1.0");
  Copy("eddy-2.0");
  Link("eddy-1.0", "eddy");
  const auto process = Run(File("eddy"), {});
  Link("eddy-2.0", "eddy");
  EXPECT_EQ(Count(), -1) << "an older eddy, or something else";
}

TEST_P(PresenceTest, FindsAProcessThatNetworkStorageKeptUnderAnotherName) {
  const auto process = Run(Copy("eddy"), {});
  fs::rename(folder_ / "eddy", folder_ / ".nfs000000000012f2340000007a");
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, LooksAtAllArguments) {
  host_.processes["eddy"] = {File("eddy"), "-D /dirtables/root", ""};
  const auto process = Run(Copy("eddy"), {std::string(100'000, 'x'), "-D", "/dirtables/root"});
  EXPECT_EQ(Count(), 1);
  host_.processes["eddy"] = {File("eddy"), "", "-D /dirtables/root"};
  helper_.reset();
  EXPECT_EQ(Count(), 0);
}

TEST_P(PresenceTest, FindsAProcessWhoseMainThreadHasEnded) {
  host_.processes["eddy"] = {File("eddy"), "--thread w", ""};
  host_.threads["eddy"] = {"w"};
  const auto process = Run(Copy("eddy"), {"--end-main", "--thread", "w"});
  const Seen seen = Look(host_);
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_GT(Value(seen.families, "mailhub_process_resident_memory_bytes", {{"process", "eddy"}})
                .value_or(0),
            100'000);
  EXPECT_EQ(Value(seen.families, "mailhub_thread_running", {{"process", "eddy"}, {"thread", "w"}}),
            1);
}

TEST_P(PresenceTest, DoesNotCountACopyThatOnlyAnotherMountNamespaceSees) {
  const std::string target = MAILHUB_TESTING_TARGET;
  // The same path in the other root; then replaced there.
  const auto process =
      Run("unshare", {"--mount", "sh", "-c",
                      "mount -t tmpfs none '" + File("other") + "' && cp '" + target + "' '" +
                          File("other/eddy") + "' && exec '" + File("other/eddy") + "'"});
  Copy("other/eddy");
  host_.processes["eddy"] = {File("other/eddy"), "", ""};
  EXPECT_EQ(Count(), 0);
  const std::string there = File("other/eddy");
  const auto removed =
      Run("unshare", {"--mount", "sh", "-c",
                      "exec 3<&0; mount -t tmpfs none '" + File("other") + "' && cp '" + target +
                          "' '" + there + "' && { '" + there +
                          "' <&3 & } && until [ \"$(readlink /proc/$!/exe)\" = '" + there +
                          "' ]; do :; done; rm '" + there + "'; wait"});
  EXPECT_EQ(Count(), 0);
}

TEST_P(PresenceTest, CountsAProcessThatHasAMountNamespaceOfItsOwn) {
  const std::string eddy = Copy("eddy");
  const auto process = Run("unshare", {"--mount", eddy});
  EXPECT_EQ(Count(), 1);
  fs::remove(eddy);
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, AnAccountThatMayNotSeeOthersExecutablesNeverReportsZero) {
  const std::string eddy = Copy("eddy");
  BeSomebodyElse();
  EXPECT_EQ(Count(), -1) << "nobody may look at process 1";
  const auto renamed = Run(eddy, {"--name", "worker"});
  EXPECT_EQ(Count(), -1);
  const auto own =
      Run("setpriv", {std::string("--reuid=") + kSomebodyElse, "--clear-groups", eddy});
  EXPECT_EQ(Count(), 1) << "at least";
}

TEST_P(PresenceTest, NeverSaysZeroWhereProcessesAreHidden) {
  Copy("eddy");
  for (const char* hidepid : {"1", "2"}) {
    helper_.reset();
    BeSomebodyElse();
    prefix_.insert(
        prefix_.begin(),
        {"unshare", "--mount", "sh", "-c",
         std::string("mount -t proc -o hidepid=") + hidepid + " none /proc && exec \"$@\"", "sh"});
    EXPECT_EQ(Count(), -1) << hidepid;
  }
}

TEST_P(PresenceTest, NeverSaysZeroWhereProcessesAreHiddenAndTheFirstIsItsOwn) {
  fs::copy_file("/usr/bin/sleep", File("eddy"));
  fs::permissions(folder_, fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  const std::string to_other = std::string("setpriv --reuid=") + kSomebodyElse +
                               " --regid=" + kSomebodyElse + " --clear-groups ";
  // An account without rights, and root without the right to see others' executables; the helper is
  // process 1.
  const std::array<std::pair<std::string, std::string>, 2> cases = {
      {{"", to_other}, {to_other, "setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace "}}};
  for (const auto& [eddys, helpers] : cases) {
    for (const char* hidepid : {"2", "4", "0"}) {
      helper_.reset();
      std::string start = "exec 3>&1 >/dev/null; mount -t proc -o hidepid=";
      start.append(hidepid).append(" none /proc; eddy=$1; shift; ").append(eddys);
      start.append("$eddy 1000 & until [ /proc/$!/exe -ef $eddy ]; do :; done; exec ");
      start.append(helpers).append("\"$@\" >&3 3>&-");
      prefix_ = {"unshare", "--pid", "--fork", "--mount", "--kill-child",
                 "sh",      "-c",    start,    "sh",      File("eddy")};
      EXPECT_EQ(Count(), -1) << hidepid << helpers;
    }
  }
}

TEST_P(PresenceTest, RootThatMayNotSeeOthersExecutablesNeverReportsZero) {
  const auto others =
      Run("setpriv", {std::string("--reuid=") + kSomebodyElse, "--clear-groups", Copy("other/x")});
  prefix_ = {"setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"};
  EXPECT_EQ(Count(), -1);
  const auto own = Run("setpriv", {prefix_[1], prefix_[2], Copy("eddy")});
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, DoesNotSayZeroOfOneWhoseVolumeWasTakenAwayFromUnderIt) {
  fs::create_directories(folder_ / "volume");
  ASSERT_EQ(mount("none", File("volume").c_str(), "tmpfs", 0, "size=10m"), 0);
  host_.processes["eddy"] = {File("volume/eddy"), "", ""};
  const auto process = Run(Copy("volume/eddy"), {}, "eddy");
  const double before = Count();
  ASSERT_EQ(umount2(File("volume").c_str(), MNT_DETACH), 0);
  EXPECT_EQ(before, 1);
  helper_.reset();
  EXPECT_EQ(Count(), -1);
  Copy("volume/eddy");
  EXPECT_EQ(Count(), -1) << "it may be an older one";
}

TEST_P(PresenceTest, TrustsNoNameMountedInAUserNamespace) {
  const std::string eddy = Copy("eddy");
  fs::permissions(eddy, fs::perms::owner_all);
  Copy("other/fake");
  fs::permissions(folder_, fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  const auto process =
      Run("setpriv",
          {std::string("--reuid=") + kSomebodyElse, "--clear-groups", "unshare", "--user",
           "--map-root-user", "--mount", "sh", "-c",
           "mount --bind '" + File("other/fake") + "' '" + eddy + "' && exec '" + eddy + "'"});
  EXPECT_EQ(Count(), -1) << "a service in a user namespace of its own looks the same";
}

TEST_P(PresenceTest, BelievesNoNameOnAMountOfAnotherMountNamespace) {
  host_.processes["eddy"] = {File("other/eddy"), "", ""};
  const std::string eddy = File("other/eddy"), fake = Copy("fake");
  fs::permissions(folder_, fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  const std::vector<std::string> somebody = {std::string("--reuid=") + kSomebodyElse,
                                             "--clear-groups"};
  auto words = somebody;
  words.insert(words.end(), {"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                             "mount -t tmpfs none '" + File("other") + "' && cp '" + fake + "' '" +
                                 eddy + "' && exec '" + fake + "'"});
  const auto holder = Run("setpriv", words);
  // The host's own namespaces, and a file in the other one.
  const std::string there = "/proc/" + std::to_string(holder->pid()) + "/root" + eddy;
  words = somebody;
  words.push_back(there);
  const auto process = Run("setpriv", words);
  ASSERT_EQ(fs::read_symlink("/proc/" + std::to_string(process->pid()) + "/exe"), eddy);
  EXPECT_EQ(Count(), 0);
  Copy("other/eddy");
  EXPECT_EQ(Count(), 0) << "though another file is there";
  helper_.reset();
  EXPECT_EQ(Count(), 0);
  fs::remove(there);
  EXPECT_EQ(Count(), 0) << "deleted";
  helper_.reset();
  EXPECT_EQ(Count(), 0);
  const auto real = Run(eddy, {});
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, FindsAReplacedProcessThatHasChangedItsRoot) {
  const auto process = Run(Copy("eddy"), {"--root", File("other")});
  EXPECT_EQ(Count(), 1);
  helper_.reset();
  fs::remove(File("eddy"));
  EXPECT_EQ(Count(), 1);
  Copy("eddy");
  EXPECT_EQ(Count(), 1);
}

TEST_P(PresenceTest, ReadsNoMoreArgumentsThanThereMayBe) {
  host_.processes["eddy"] = {File("eddy"), "", "-D"};
  std::vector<std::string> many(4, std::string(100'000, 'x'));
  const auto process = Run(Copy("eddy"), many);
  EXPECT_EQ(Count(), -1);
}

TEST_P(PresenceTest, LosesNoTimeWithLongArgumentsOfMany) {
  host_.processes["eddy"] = {File("eddy"), "--none", ""};
  std::vector<std::unique_ptr<TestingProcess>> others;
  const std::string other = Copy("other/eddy");
  for (int i = 0; i < 100; ++i) {
    others.push_back(
        Run(other, {std::string(90'000, 'x'), std::string(90'000, 'y')}, File("eddy")));
  }
  const double begin = Now();
  const Seen seen = TryToLook(host_, 3000, seconds(30));
  EXPECT_TRUE(seen.complete);
  EXPECT_LT(Now() - begin, 5);
}

TEST_P(PresenceTest, TakesNoThreadForAnotherWhoseNameItBeginsWith) {
  host_.threads["eddy"] = {"w"};
  const auto process = Run(Copy("eddy"), {"--thread", "w\nx"});
  const Seen seen = Look(host_);
  EXPECT_EQ(Value(seen.families, "mailhub_thread_running", {{"process", "eddy"}, {"thread", "w"}}),
            0);
}

TEST_P(PresenceTest, AsksNoCommandAboutProcessesThatAreAsBefore) {
  fs::create_directories(folder_ / "standins");
  for (const char* name : {"find", "stat", "ls", "tr", "head", "id", "readlink"}) {
    const fs::path path = folder_ / "standins" / name;
    std::ofstream(path) << "#!/bin/sh\necho " << name << " >>'" << File("asked")
                        << "'\nPATH=/usr/bin:/bin\nexec " << name << " \"$@\"\n";
    fs::permissions(path, fs::perms::owner_all);
  }
  Change("PATH=/usr/xpg4", "PATH=" + File("standins") + ":/usr/xpg4");
  // A namespace in which no other process starts or ends: one runs the file, another one a deleted
  // file.
  for (const char* name : {"eddy", "gone"}) fs::copy_file("/usr/bin/sleep", File(name));
  host_.processes["gone"] = {File("gone"), "1000", ""};
  host_.processes["absent"] = {File("absent"), "", ""};
  prefix_ = {"unshare",
             "--pid",
             "--fork",
             "--mount-proc",
             "--kill-child",
             "sh",
             "-c",
             "exec 3>&1 >/dev/null; '" + File("eddy") + "' 1000 & '" + File("gone") +
                 "' 1000 & until [ /proc/$!/exe -ef '" + File("gone") + "' ]; do :; done; rm '" +
                 File("gone") + "'; exec \"$@\" >&3 3>&-",
             "sh"};
  Look(host_);
  Look(host_);
  const auto asked = [&] {
    std::ifstream file(File("asked"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string before = asked();
  for (int i = 0; i < 3; ++i) {
    const Seen seen = Look(host_);
    EXPECT_EQ(Running(seen, "eddy"), 1);
    EXPECT_EQ(Running(seen, "gone"), 1);
    EXPECT_EQ(Running(seen, "absent"), 0);
  }
  EXPECT_EQ(asked(), before);
}

TEST_P(PresenceTest, NeverSaysZeroForWantOfADescriptor) {
  host_.processes["absent"] = {File("absent"), "--none", ""};
  host_.processes["root"] = {File("eddy"), "-D", ""};
  host_.threads["eddy"] = {"w"};
  const auto process = Run(Copy("eddy"), {"--thread", "w", "-D"});
  const auto look_with = [&](rlim_t files, bool seen_before) {
    helper_.reset();
    StartHelper(host_);
    helper_->Write("hello x\n");
    EXPECT_TRUE(helper_->WaitFor("hello 1"));
    if (seen_before) Count();
    const rlimit limit = {files, files};
    EXPECT_EQ(prlimit(helper_->pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
    return TryToLook(host_, 1000, seconds(1));
  };
  for (const bool seen_before : {false, true}) {
    for (rlim_t files = 3; files < 7; ++files) {
      const Seen seen = look_with(files, seen_before);
      EXPECT_NE(Running(seen, "eddy"), 0) << files;
      EXPECT_NE(Running(seen, "root"), 0) << files;
      EXPECT_NE(
          Value(seen.families, "mailhub_thread_running", {{"process", "eddy"}, {"thread", "w"}}), 0)
          << files;
    }
  }
}

TEST_P(PresenceTest, SeesAgainAfterALookWithoutDescriptors) {
  host_.processes["absent"] = {File("absent"), "", ""};
  const auto process = Run(Copy("eddy"), {});
  for (rlim_t files = 3; files < 8; ++files) {
    helper_.reset();
    StartHelper(host_);
    helper_->Write("hello x\n");
    ASSERT_TRUE(helper_->WaitFor("hello 1"));
    rlimit many{};
    ASSERT_EQ(prlimit(helper_->pid(), RLIMIT_NOFILE, nullptr, &many), 0);
    const rlimit few = {files, many.rlim_max};
    ASSERT_EQ(prlimit(helper_->pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    const Seen blind = TryToLook(host_, 1000, seconds(3));
    EXPECT_NE(Running(blind, "eddy"), 0) << files;
    ASSERT_EQ(prlimit(helper_->pid(), RLIMIT_NOFILE, &many, nullptr), 0);
    // A helper that has ended, or is out of step: the exporter starts another one.
    if (!blind.complete) continue;
    const Seen seen = TryToLook(host_);
    if (!seen.complete) continue;
    EXPECT_EQ(Running(seen, "eddy"), 1) << files;
    EXPECT_EQ(Running(seen, "absent"), 0) << files;
  }
}

// As when a descriptor is missing at that moment. perl notes each error.
TEST_P(PresenceTest, SaysNothingOfThreadsThatItCannotList) {
  host_.threads["eddy"] = {"w"};
  const auto process = Run(Copy("eddy"), {"--thread", "w"});
  if (GetParam() != "perl")
    Change("in \"$dir\"/task/[0-9]*; do\n    comm=", "in \"$dir\"/task/[x]*; do\n    comm=");
  EXPECT_NE(
      Value(Look(host_).families, "mailhub_thread_running", {{"process", "eddy"}, {"thread", "w"}}),
      0);
}

// A perl program or a script is named by its interpreter and its arguments. The helper may run by the
// same interpreter, and it knows those arguments.
TEST_P(PresenceTest, IsNotItselfAProcessThatItLooksFor) {
  const std::string interpreter = fs::canonical("/usr/bin/" + GetParam());
  host_.processes["script"] = {interpreter, "/a-script-that-nobody-runs", ""};
  host_.processes["interpreter"] = {interpreter, "", ""};
  for (int i = 0; i < 3; ++i) {
    const Seen seen = Look(host_);
    EXPECT_EQ(Running(seen, "script"), 0);
    const Section* section = seen.reply.Find("processes");
    ASSERT_NE(section, nullptr);
    EXPECT_THAT(section->lines, testing::Not(testing::Contains(testing::ContainsRegex(
                                    "^process . [0-9]+ " + std::to_string(helper_->pid()) + " "))));
  }
}

TEST_P(PresenceTest, ReportsZeroForAnExeWithoutProcesses) {
  EXPECT_EQ(Count(), 0);
  Copy("eddy");
  EXPECT_EQ(Count(), 0);
}

MAILHUB_FOR_EVERY_ENGINE(PresenceTest);

}  // namespace
}  // namespace mailhub::exporter
