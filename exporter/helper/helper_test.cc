// The helper's output on a healthy host, for each engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "exporter/helper/helper_command.h"
#include "exporter/helper/helper_testing.h"

namespace mailhub::exporter {
namespace {

// For a look of any length: its clock is between the request's time and now. A second on either
// side, because some clocks have whole seconds.
void ExpectTimeOfLook(const Seen& seen, double asked) {
  const double time = *Value(seen.families, "mailhub_host_time_seconds");
  EXPECT_GE(time, asked - 1);
  EXPECT_LE(time, Now() + 1);
}

TEST_P(HelperTest, TellsUptimeProcessorsMemoryAndTime) {
  const double asked = Now();
  const Seen seen = Look(config::Host{});
  ASSERT_TRUE(seen.outcomes.at("host")) << seen.outcomes.at("host").error().message;
  EXPECT_GT(*Value(seen.families, "mailhub_host_uptime_seconds"), 1);
  EXPECT_EQ(*Value(seen.families, "mailhub_host_cpus"), sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_GT(*Value(seen.families, "mailhub_host_cpu_seconds_total", {{"mode", "idle"}}), 0);
  EXPECT_GT(*Value(seen.families, "mailhub_host_memory_available_bytes"), 1 << 20);
  ExpectTimeOfLook(seen, asked);
  EXPECT_EQ(seen.reply.page_bytes, sysconf(_SC_PAGESIZE));
  EXPECT_EQ(seen.reply.ticks_per_second, sysconf(_SC_CLK_TCK));
  EXPECT_NEAR(seen.reply.boot_time_seconds,
              *Value(seen.families, "mailhub_host_time_seconds") - seen.reply.uptime_seconds, 5);
}

TEST_P(HelperTest, TellsAProcessFromItsRootProcessAndFromAllThatOnlyBearItsName) {
  const std::string eddy = Copy("isode.eddy");
  const std::string other = Copy("other/isode.eddy");
  const std::string editor = Copy("vim");
  config::Host host;
  host.processes["eddy"] = {eddy, "", "-D /dirtables/root"};
  host.processes["eddy_root"] = {eddy, "-D /dirtables/root", ""};
  const auto spoof_by_argument = Run(editor, {eddy});
  const auto spoof_by_root_argument = Run(editor, {eddy, "-D", "/dirtables/root"});
  const auto spoof_by_argv0 = Run(editor, {}, eddy);
  const auto spoof_by_thread_name = Run(editor, {"--name", "isode.eddy"});
  const auto spoof_by_file_name = Run(other, {"-D", "/dirtables/root"});
  Seen seen = Look(host);
  EXPECT_EQ(Running(seen, "eddy"), 0);
  EXPECT_EQ(Running(seen, "eddy_root"), 0);
  EXPECT_FALSE(
      Value(seen.families, "mailhub_process_resident_memory_bytes", {{"process", "eddy"}}));

  const auto root = Run(eddy, {"-D", "/dirtables/root"});
  seen = Look(host);
  EXPECT_EQ(Running(seen, "eddy"), 0);
  EXPECT_EQ(Running(seen, "eddy_root"), 1);

  const auto main = Run(eddy, {"-x", "-D/dirtables/root"});  // other arguments, same letters
  const auto second = Run(eddy, {});
  seen = Look(host);
  EXPECT_EQ(Running(seen, "eddy"), 2);
  EXPECT_EQ(Running(seen, "eddy_root"), 1);
  EXPECT_GT(*Value(seen.families, "mailhub_process_resident_memory_bytes", {{"process", "eddy"}}),
            100'000);
  EXPECT_NEAR(*Value(seen.families, "mailhub_process_start_time_seconds", {{"process", "eddy"}}),
              Now(), 30);
}

TEST_P(HelperTest, FindsAProcessUnderAnyNameOfItsOwn) {
  const std::string eddy = Copy("isode.eddy");
  config::Host host;
  host.processes["eddy"] = {eddy, "", ""};
  host.threads["eddy"] = {"x"};
  const auto nasty = Run(eddy, {"--name", "a) R 1 (b\nc) d", "--thread", "x"});
  const Seen seen = Look(host);
  ASSERT_TRUE(seen.outcomes.at("processes")) << seen.outcomes.at("processes").error().message;
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(*Value(seen.families, "mailhub_process_threads", {{"process", "eddy"}}), 2);
}

TEST_P(HelperTest, StillFindsAProcessWhoseExecutableWasReplaced) {
  const std::string eddy = Copy("isode.eddy");
  config::Host host;
  host.processes["eddy"] = {eddy, "", "-D /dirtables/root"};
  host.processes["eddy_root"] = {eddy, "-D /dirtables/root", ""};
  const auto main = Run(eddy, {});
  fs::remove(eddy);
  Copy("isode.eddy");
  Seen seen = Look(host);
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Running(seen, "eddy_root"), 0);
  const auto root = Run(eddy, {"-D", "/dirtables/root"});
  seen = Look(host);
  EXPECT_EQ(Running(seen, "eddy"), 1);
  EXPECT_EQ(Running(seen, "eddy_root"), 1);
}

TEST_P(HelperTest, FindsNamedThreadsAndSaysZeroForAbsentOnes) {
  const std::string agent = Copy("openRA");
  config::Host host;
  host.processes["openRA"] = {agent, "", ""};
  host.processes["absent"] = {File("absent"), "", ""};
  host.threads["openRA"] = {"UNS", "alias", "two words", "gone"};
  host.threads["absent"] = {"UNS"};
  auto process = Run(
      agent, {"--thread", "UNS", "--thread", "alias", "--thread", "two words", "--thread", "UNSx"});
  const auto thread = [](const Seen& seen, const std::string& owner, const std::string& name) {
    return Value(seen.families, "mailhub_thread_running", {{"process", owner}, {"thread", name}})
        .value_or(-1);
  };
  Seen seen = Look(host);
  EXPECT_EQ(thread(seen, "openRA", "UNS"), 1);
  EXPECT_EQ(thread(seen, "openRA", "alias"), 1);
  EXPECT_EQ(thread(seen, "openRA", "two words"), 1);
  EXPECT_EQ(thread(seen, "openRA", "gone"), 0);
  EXPECT_EQ(thread(seen, "absent", "UNS"), 0);
  EXPECT_EQ(*Value(seen.families, "mailhub_thread_state",
                   {{"process", "openRA"}, {"thread", "UNS"}, {"state", "sleeping"}}),
            1);
  EXPECT_TRUE(Value(seen.families, "mailhub_thread_cpu_seconds_total",
                    {{"process", "openRA"}, {"thread", "UNS"}}));
  process.reset();
  seen = Look(host);
  EXPECT_EQ(Running(seen, "openRA"), 0);
  EXPECT_EQ(thread(seen, "openRA", "UNS"), 0);
}

TEST_P(HelperTest, CountsFilesInSmallAndLargeDirectoriesAlike) {
  config::Host host;
  host.directories["deltas"] = File("with blank");
  host.directories["empty"] = File("other");
  host.files["aliases"] = File("with blank/1");
  host.files["gone"] = File("gone");
  const auto write = [&](int first, int last) {
    for (int i = first; i <= last; ++i) {
      std::ofstream(File("with blank/" + std::to_string(i))) << "ten bytes.";
    }
  };
  const auto expect = [&](const Seen& seen, int files) {
    ASSERT_TRUE(seen.outcomes.at("directories"));
    const metrics::Labels deltas = {{"directory", "deltas"}};
    EXPECT_EQ(*Value(seen.families, "mailhub_directory_files", deltas), files);
    EXPECT_EQ(*Value(seen.families, "mailhub_directory_bytes", deltas), files * 10);
    EXPECT_NEAR(*Value(seen.families, "mailhub_directory_oldest_file_timestamp_seconds", deltas),
                1'700'000'000, 1);
    EXPECT_EQ(*Value(seen.families, "mailhub_directory_files", {{"directory", "empty"}}), 0);
    EXPECT_EQ(*Value(seen.families, "mailhub_file_exists", {{"file", "aliases"}}), 1);
    EXPECT_EQ(*Value(seen.families, "mailhub_file_size_bytes", {{"file", "aliases"}}), 10);
    EXPECT_NEAR(
        *Value(seen.families, "mailhub_file_mtime_timestamp_seconds", {{"file", "aliases"}}),
        1'700'000'000, 1);
    EXPECT_EQ(*Value(seen.families, "mailhub_file_exists", {{"file", "gone"}}), 0);
    EXPECT_FALSE(Value(seen.families, "mailhub_file_size_bytes", {{"file", "gone"}}));
  };
  write(1, 3);
  const timespec old[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, File("with blank/1").c_str(), old, 0), 0);
  expect(Look(host), 3);
  expect(Look(host), 3);
  write(4, 500);
  expect(Look(host), 500);
  expect(Look(host), 500);
}

TEST_P(HelperTest, ShowsTimesBefore1970AsTheyAre) {
  config::Host host;
  host.directories["deltas"] = File("old");
  host.files["old"] = File("old/file");
  std::filesystem::create_directory(File("old"));
  std::ofstream(File("old/file")) << "text";
  // Half a second later than a day before 1970.
  const timespec times[2] = {{-86'400, 500'000'000}, {-86'400, 500'000'000}};
  ASSERT_EQ(utimensat(AT_FDCWD, File("old/file").c_str(), times, 0), 0);
  const Seen seen = Look(host);
  EXPECT_EQ(Value(seen.families, "mailhub_file_mtime_timestamp_seconds", {{"file", "old"}}),
            -86'400);
  EXPECT_EQ(Value(seen.families, "mailhub_directory_oldest_file_timestamp_seconds",
                  {{"directory", "deltas"}}),
            -86'400);
}

TEST_P(HelperTest, NoticesTheFirstFileInADirectoryThatWasEmpty) {
  config::Host host;
  host.directories["d"] = File("with blank");
  const auto files = [&] {
    return *Value(Look(host).families, "mailhub_directory_files", {{"directory", "d"}});
  };
  EXPECT_EQ(files(), 0);
  EXPECT_EQ(files(), 0);
  EXPECT_EQ(files(), 0);
  std::ofstream(File("with blank/.hidden")) << "x";
  EXPECT_EQ(files(), 1);
  fs::remove(File("with blank/.hidden"));
  EXPECT_EQ(files(), 0);
  EXPECT_EQ(files(), 0);
  fs::remove(File("with blank"));
  EXPECT_FALSE(Look(host).outcomes.at("directories"));
}

TEST_P(HelperTest, FailsTheDirectoriesAloneWhenOneIsNotThere) {
  config::Host host;
  host.directories["deltas"] = File("nowhere");
  host.files["gone"] = File("gone");
  const Seen seen = Look(host);
  EXPECT_FALSE(seen.outcomes.at("directories"));
  EXPECT_TRUE(seen.outcomes.at("files"));
  EXPECT_TRUE(seen.outcomes.at("host"));
}

TEST_P(HelperTest, NeverTakesADirectoryThatItMayNotReadForAnEmptyOne) {
  constexpr uid_t kSomebodyElse = 65534;
  config::Host host;
  host.directories["deltas"] = File("other");
  std::ofstream(File("other/delta")) << "x";
  ASSERT_EQ(chown(File("other").c_str(), kSomebodyElse, kSomebodyElse), 0);
  fs::permissions(File("other"), fs::perms::owner_all);
  // Root, but without the right to read other accounts' files.
  prefix_ = {"setpriv", "--bounding-set=-dac_override,-dac_read_search"};
  EXPECT_FALSE(Look(host).outcomes.at("directories"));
  fs::permissions(File("other"), fs::perms::owner_all | fs::perms::others_read);
  EXPECT_FALSE(Look(host).outcomes.at("directories")) << "names alone say nothing";
  fs::permissions(File("other"),
                  fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  const Seen seen = Look(host);
  ASSERT_TRUE(seen.outcomes.at("directories"));
  EXPECT_EQ(Value(seen.families, "mailhub_directory_files", {{"directory", "deltas"}}), 1);
}

TEST_P(HelperTest, AsksPsAndVmstatWhereThereIsNoProc) {
  ASSERT_TRUE(Installed("vmstat")) << "scripts/deps.sh installs it with procps";
  const std::string eddy = Copy("isode.eddy");
  config::Host host;
  host.platform = config::Platform::kPosix;
  host.processes["eddy"] = {eddy, "", "-D /dirtables/root"};
  host.processes["eddy_root"] = {eddy, "-D /dirtables/root", ""};
  host.processes["absent"] = {File("isode"), "", ""};
  host.files["passwd"] = "/etc/passwd";
  const auto editor = Run(Copy("vim"), {eddy});
  const auto root = Run(eddy, {"-D", "/dirtables/root"});
  const double asked = Now();
  const Seen seen = Look(host);
  for (const auto& [name, status] : seen.outcomes) {
    EXPECT_TRUE(status) << name << ": " << status.error().message;
  }
  EXPECT_EQ(seen.outcomes.size(), 3u);
  EXPECT_EQ(Running(seen, "eddy"), 0);
  EXPECT_EQ(Running(seen, "eddy_root"), 1);
  EXPECT_EQ(Running(seen, "absent"), 0);
  EXPECT_GT(
      *Value(seen.families, "mailhub_process_resident_memory_bytes", {{"process", "eddy_root"}}),
      100'000);
  EXPECT_NEAR(
      *Value(seen.families, "mailhub_process_start_time_seconds", {{"process", "eddy_root"}}),
      Now(), 30);
  ExpectTimeOfLook(seen, asked);
  EXPECT_GT(*Value(seen.families, "mailhub_host_uptime_seconds"), 1);
  EXPECT_GT(*Value(seen.families, "mailhub_host_cpu_seconds_total", {{"mode", "idle"}}), 0);
  EXPECT_FALSE(seen.reply.boot_id.empty());
}

// Gates compare the boot ids of the helper and of the actuator's runner.
TEST_P(HelperTest, CallsABootAsTheRunnerDoesWhereAContainerShowsNoBootId) {
  Change("/proc/sys/kernel/random/boot_id", "/proc/mailhub-shows-none");
  config::Host host;
  host.files["passwd"] = "/etc/passwd";
  const std::string copy = File("runner.sh");
  const std::string command = "cat " MAILHUB_RUNNER_PARTS
                              "/*.sh | sed '/^case ${1:-} in/,$d; "
                              "s|/proc/sys/kernel/random/boot_id|/proc/mailhub-shows-none|' >" +
                              copy + " && echo 'choose_mode; read_boot; echo \"$boot\"' >>" + copy +
                              " && sh " + copy;
  FILE* runner = popen(command.c_str(), "r");
  char line[256] = "";
  ASSERT_NE(fgets(line, sizeof line, runner), nullptr);
  pclose(runner);
  EXPECT_THAT(line, testing::StartsWith("boot-"));
  EXPECT_EQ(Look(host).reply.boot_id + "\n", line);
}

TEST_P(HelperTest, RunsChecksSideBySideWithinTheirTime) {
  config::Host host;
  host.checks["number"] = {"echo 4711 lines; echo more", Milliseconds(2000)};
  host.checks["text"] = {"echo good", Milliseconds(2000)};
  host.checks["fails"] = {"echo 3; exit 3", Milliseconds(2000)};
  host.checks["eats_input"] = {"cat; echo 1", Milliseconds(2000)};
  host.checks["hangs"] = {"sleep 60", Milliseconds(300)};
  host.checks["floods"] = {"yes | tr -d '\\n'", Milliseconds(300)};
  host.checks["leaves_child"] = {"sleep 60 & echo 5", Milliseconds(500)};
  host.checks["leaves_daemon"] = {"setsid sleep 15 & echo 6", Milliseconds(500)};
  const auto begun = std::chrono::steady_clock::now();
  const Seen seen = Look(host);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(8));
  ASSERT_TRUE(seen.outcomes.at("checks")) << seen.outcomes.at("checks").error().message;
  const auto success = [&](const std::string& name) {
    return Value(seen.families, "mailhub_check_success", {{"check", name}}).value_or(-1);
  };
  EXPECT_EQ(success("number"), 1);
  EXPECT_EQ(success("text"), 1);
  EXPECT_EQ(success("fails"), 0);
  EXPECT_EQ(success("eats_input"), 1);
  EXPECT_EQ(success("leaves_child"), 1);
  EXPECT_EQ(success("leaves_daemon"), 1);
  EXPECT_EQ(success("hangs"), 0);
  EXPECT_EQ(success("floods"), 0);
  EXPECT_EQ(*Value(seen.families, "mailhub_check_value", {{"check", "number"}}), 4711);
  EXPECT_FALSE(Value(seen.families, "mailhub_check_value", {{"check", "text"}}));
  EXPECT_FALSE(Value(seen.families, "mailhub_check_value", {{"check", "fails"}}));
  EXPECT_EQ(Look(host, 400).outcomes.size(), 2u) << "the helper still answers";
}

TEST_P(HelperTest, ShowsServicesOfStatusScripts) {
  config::Host host;
  host.services["nosuch"] = {config::ServiceKind::kSysv};
  const Seen seen = Look(host);
  ASSERT_TRUE(seen.outcomes.at("services"));
  EXPECT_EQ(
      *Value(seen.families, "mailhub_service_state", {{"name", "nosuch"}, {"state", "absent"}}), 1);
}

TEST_P(HelperTest, TellsAHelperThatHangsFromThoseThatAreConnectedOrPretendToBeOne) {
  config::Host host;
  host.files["a"] = "/etc/passwd";
  const std::string hang = "printf mailhub:paths >/proc/self/comm; echo ready; read -r x";
  auto connected = Run("sh", {"-c", hang});
  EXPECT_TRUE(Look(host).outcomes.at("files")) << "it has the same parent";
  connected.reset();
  // This process adopts orphans, like a supervisor above sshd.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  prefix_ = {"sh", "-c", "\"$@\"; :", "sh"};
  // Any account may start a setuid program under any name, and leave it running.
  const std::string posing = Copy("mailhub:paths");
  fs::permissions(folder_, fs::perms::others_exec | fs::perms::others_read, fs::perm_options::add);
  fs::permissions(posing, fs::perms::set_uid | fs::perms::others_exec, fs::perm_options::add);
  const auto stranger = Run("setpriv", {"--reuid=65534", "--clear-groups", "sh", "-c",
                                        "exec 3<&0; \"$0\" <&3 &", posing});
  helper_.reset();
  EXPECT_TRUE(Look(host).outcomes.at("files"));
  const auto inherited = Run("sh", {"-c", "exec 3<&0; sh -c '" + hang + "' <&3 &"});
  helper_.reset();
  EXPECT_THAT(Look(host).outcomes.at("files").error().message,
              testing::HasSubstr("an earlier look has not come back"));
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_P(HelperTest, TakesNoFigureThatAsksForTooMuch) {
  std::vector<std::string> words{Script()};
  if (GetParam() == "busybox") words.insert(words.begin(), "sh");
  helper_ = std::make_unique<TestingProcess>(Shell(), words);
  // With a check, the shells answer.
  const std::string check = GetParam() == "perl" ? "path /" : "check a 0 sleep 8";
  helper_->Write("spec\nexe /x\nprocess 900000000\n" + check + "\nend\n");
  const double asked = Now();
  helper_->Write("go nonce 9000\n");
  std::string said;
  EXPECT_TRUE(helper_->WaitFor("nonce end", &said));
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("section processes")));
  EXPECT_LT(Now(), asked + 7) << "0 ms are no time without end";
}

TEST_P(HelperTest, GoesByTheBootTimeThatTheKernelHasSinceTheClockWasSet) {
  Change("/proc/stat", File("stat"));
  Change("-lt 60 ]", "-lt 0 ]");  // the shells look once a minute
  std::ifstream file("/proc/stat");
  const std::string stat(std::istreambuf_iterator<char>(file), {});
  const size_t at = stat.find("btime ") + 6;
  const long booted = std::stol(stat.substr(at));
  const auto set = [&](long time) {
    std::ofstream(File("stat")) << stat.substr(0, at) << time << stat.substr(stat.find('\n', at));
  };
  config::Host host;
  host.processes["eddy"] = {Copy("eddy"), "", ""};
  const auto process = Run(File("eddy"), {});
  const auto started = [&] {
    return Value(Look(host).families, "mailhub_process_start_time_seconds", {{"process", "eddy"}})
        .value_or(-1);
  };
  set(booted);
  const double before = started();
  set(booted + 3600);
  EXPECT_NEAR(started(), before + 3600, 1);
}

TEST_P(HelperTest, LeavesNothingBehindAfterManyRequests) {
  config::Host host;
  host.files["a"] = "/etc/passwd";
  host.checks["c"] = {"echo 1", Milliseconds(2000)};
  const auto children = [&] {
    int count = 0;
    for (const auto& entry :
         fs::directory_iterator("/proc/" + std::to_string(helper_->pid()) + "/task")) {
      std::ifstream file(entry.path() / "children");
      for (std::string pid; file >> pid;) ++count;
    }
    return count;
  };
  const auto open_files = [&] {
    const fs::path fds = "/proc/" + std::to_string(helper_->pid()) + "/fd";
    return std::distance(fs::directory_iterator(fds), fs::directory_iterator{});
  };
  Look(host);
  const auto before = open_files();
  for (int i = 0; i < 30; ++i) Look(host);
  EXPECT_EQ(open_files(), before);
  EXPECT_LE(children(), 1) << "mksh reaps its last child when it starts the next";
}

TEST_P(HelperTest, StartsFromItsTextAndSkipsUnknownLines) {
  for (const char* more : {"", "check a 1000 echo 1\n", "unit $x\n", "platform posix\n"}) {
    const std::string spec =
        "spec\nnonsense\n" + std::string(more) + "exe /bin/none\nprocess 0\npath /etc\nend\n";
    const HelperText& text = HelperFor(spec);
    std::vector<std::string> arguments = {"-c", text.command};
    if (GetParam() == "busybox") arguments.insert(arguments.begin(), "sh");
    TestingProcess helper(Shell(), arguments);
    helper.Write("hello 123\n");
    EXPECT_TRUE(helper.WaitFor("\n123 send\n"));
    helper.Write(text.script);
    EXPECT_TRUE(helper.WaitFor("\n123 ready\n"));
    helper.Write("garbage\n\n" + spec + "hello abc\n");
    EXPECT_TRUE(helper.WaitFor("\nabc hello 1\n"));
    helper.Write("go def 2000\n");
    std::string said;
    EXPECT_TRUE(helper.WaitFor("\ndef end\n", &said));
    for (const char* part : {"\ndone host ", "\ndone processes ", "\ndone paths "}) {
      EXPECT_THAT(said, testing::HasSubstr(part)) << spec;
    }
    EXPECT_EQ(said.find("\noutput 0 1\n") != std::string::npos, *more == 'c');
  }
}

MAILHUB_FOR_EVERY_ENGINE(HelperTest);

TEST_P(HelperTest, DoesNotStartFromAPartOfItsText) {
  const HelperText& text = HelperFor("spec\nend\n");
  std::vector<std::string> arguments = {"-c", text.command};
  if (GetParam() == "busybox") arguments.insert(arguments.begin(), "sh");
  TestingProcess helper(Shell(), arguments);
  helper.Write("hello 123\n");
  EXPECT_TRUE(helper.WaitFor("\n123 send\n"));
  helper.Write(text.script.substr(0, text.script.size() / 2));
  helper.CloseInput();
  std::string said;
  EXPECT_FALSE(helper.WaitFor("\n123 ready\n", &said));
}

TEST(HelperText, TheCommandIsOneLineThatNoLoginShellReadsDifferently) {
  for (const char* spec :
       {"spec\nend\n", "spec\nunit cron.service\nend\n", "spec\nplatform posix\nend\n"}) {
    const std::string& command = HelperFor(spec).command;
    EXPECT_EQ(command.find_first_of("\n\r!\t`"), std::string::npos);
    EXPECT_EQ(command.find("\\\\"), std::string::npos);
    EXPECT_EQ(std::count(command.begin(), command.end(), '\''), 2);
    EXPECT_LT(command.size(), 1u << 10);
  }
}

}  // namespace
}  // namespace mailhub::exporter
