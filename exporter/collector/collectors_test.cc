// What each collector makes of a reply's section: unknown values are left out, and lies are refused.
#include "exporter/collector/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/metrics/testing.h"

namespace mailhub::exporter {
namespace {

using ::testing::HasSubstr;

// One collector's result for a section's lines.
Status ReadWith(const Collector& collector, const config::Host& host,
                std::vector<std::string> lines, metrics::Families* families, Past* past = nullptr) {
  Past own;
  if (past == nullptr) past = &own;
  Reply reply;
  reply.uptime_seconds = 10;
  reply.boot_id = "b";
  reply.boot_time_seconds = 1000;
  Section section;
  section.done = true;
  section.lines = std::move(lines);
  return collector.read(host, reply, section, past, families);
}

TEST(HostCollector, RefusesInvalidCountsOfTicksOrBytes) {
  const std::vector<std::string> good = {"cpu  1 2 3 4 5 6 7 8 9 10", "cpus 2", "MemTotal: 10 kB",
                                         "MemFree: 1 kB", "MemAvailable: 5 kB"};
  metrics::Families families;
  EXPECT_TRUE(ReadWith(kHostCollector, {}, good, &families));
  EXPECT_DOUBLE_EQ(*Value(families, "mailhub_host_cpu_seconds_total", {{"mode", "idle"}}), 0.04);
  for (const auto& [place, lie] :
       std::vector<std::pair<size_t, std::string>>{{0, "cpu -1 2 3 4"},
                                                   {0, "cpu 1 2 3 inf"},
                                                   {0, "cpu0 1 2 3 4"},
                                                   {0, ""},
                                                   {1, "cpus 0"},
                                                   {1, "cpus 99999999"},
                                                   {1, "cpus"},
                                                   {2, "MemTotal: x kB"},
                                                   {2, "MemTotal: 10 MB"},
                                                   {2, "MemTotal: 99999999999999999999999 kB"}}) {
    auto lines = good;
    lines[place] = lie;
    metrics::Families none;
    EXPECT_FALSE(ReadWith(kHostCollector, {}, lines, &none)) << lie;
  }
}

constexpr char kStat[] =
    " 7 (a) b) S 1 1 1 0 -1 4194304 140 0 1 0 50 25 0 0 20 0 3 0 6000 2990080 408 "
    "18446744073709551615";

config::Host HostWithThreads() {
  config::Host host;
  host.processes["a"] = {"/a", "", ""};
  host.processes["b"] = {"/b", "", ""};
  host.threads["b"] = {"x", "y"};
  return host;
}

TEST(ProcessCollector, AddsUpProcessesAndTakesTheOldestStart) {
  metrics::Families families;
  const std::string later =
      " 8 (x) S 1 1 1 0 -1 4194304 140 0 1 0 1 1 0 0 20 0 1 0 7000 2990080 408 1";
  ASSERT_TRUE(ReadWith(kProcessCollector, HostWithThreads(),
                       {"process 1 10" + later, std::string("process 1 20") + kStat,
                        std::string("thread 1") + kStat},
                       &families));
  EXPECT_EQ(*Value(families, "mailhub_process_running", {{"process", "a"}}), 0);
  EXPECT_EQ(*Value(families, "mailhub_process_running", {{"process", "b"}}), 2);
  EXPECT_EQ(*Value(families, "mailhub_process_resident_memory_bytes", {{"process", "b"}}),
            30 * 4096);
  EXPECT_EQ(*Value(families, "mailhub_process_start_time_seconds", {{"process", "b"}}), 1060);
  EXPECT_EQ(*Value(families, "mailhub_thread_running", {{"process", "b"}, {"thread", "x"}}), 0);
  EXPECT_EQ(*Value(families, "mailhub_thread_running", {{"process", "b"}, {"thread", "y"}}), 1);
  EXPECT_FALSE(Value(families, "mailhub_process_start_time_seconds", {{"process", "a"}}));
}

TEST(ProcessCollector, CountsOnWhenOneOfSeveralProcessesOrThreadsEnds) {
  auto look = [past = Past()](const std::vector<std::array<int, 3>>& parts) mutable {
    std::vector<std::string> lines;
    for (const auto& [pid, start, ticks] : parts) {
      const std::string stat = std::to_string(pid) + " (x) S 1 1 1 0 -1 4194304 140 0 1 0 " +
                               std::to_string(ticks) + " 0 0 0 20 0 1 0 " + std::to_string(start) +
                               " 2990080 408 1";
      lines.push_back("process 1 10 " + stat);
      lines.push_back("thread 0 " + stat);
    }
    metrics::Families families;
    EXPECT_TRUE(ReadWith(kProcessCollector, HostWithThreads(), lines, &families, &past));
    const auto thread =
        Value(families, "mailhub_thread_cpu_seconds_total", {{"process", "b"}, {"thread", "x"}});
    const auto process = Value(families, "mailhub_process_cpu_seconds_total", {{"process", "b"}});
    EXPECT_EQ(thread, process);
    return process;
  };
  EXPECT_EQ(look({{7, 100, 50'000}, {8, 100, 1000}}), 0) << "since when, nobody knows";
  EXPECT_EQ(look({{7, 100, 50'100}, {8, 100, 1200}}), 3);
  EXPECT_EQ(look({{8, 100, 1300}}), 4) << "one has ended";
  EXPECT_EQ(look({{8, 100, 1300}, {9, 900'000, 500}}), 9) << "one has begun";
  EXPECT_FALSE(look({}));
  EXPECT_EQ(look({{9, 900'100, 100}}), 10) << "another one of that number";
}

TEST(Past, DoesNotCountWhatAThreadHasUsedUnderAnotherName) {
  Past past;
  past.BeginLook(100);
  past.Count("worker", "7", 50, 10);
  EXPECT_EQ(past.Total("worker"), 0);
  past.BeginLook(110);  // it has another name now
  EXPECT_EQ(past.Total("worker"), 0);
  past.BeginLook(120);
  past.Count("worker", "7", 58, 10);
  EXPECT_EQ(past.Total("worker"), 0);
  past.BeginLook(130);
  past.Count("worker", "7", 60, 10);
  past.Count("worker", "8", 3, 125);
  EXPECT_EQ(past.Total("worker"), 5) << "two of the old one, and all of the new one";
}

TEST(ProcessCollector, SaysNothingOfAProcessThatMayOrMayNotRun) {
  metrics::Families families;
  const auto read = ReadWith(
      kProcessCollector, HostWithThreads(),
      {std::string("process 0 20") + kStat, "unknown 1 may not read /proc/1/exe"}, &families);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(read.error().message, HasSubstr("/proc/1/exe"));
  EXPECT_EQ(Value(families, "mailhub_process_running", {{"process", "a"}}), 1);
  EXPECT_FALSE(Value(families, "mailhub_process_running", {{"process", "b"}}));
  EXPECT_FALSE(Value(families, "mailhub_thread_running", {{"process", "b"}, {"thread", "x"}}));
}

// Where nobody can say of another one, those that are found are the least that runs.
TEST(ProcessCollector, SaysNoThreadIsAbsentWhereThereMayBeMoreProcesses) {
  metrics::Families families;
  const auto read =
      ReadWith(kProcessCollector, HostWithThreads(),
               {std::string("process 1 20") + kStat, "unknown 1 process 7 may be it"}, &families);
  ASSERT_FALSE(read);
  EXPECT_EQ(Value(families, "mailhub_process_running", {{"process", "b"}}), 1);
  EXPECT_FALSE(Value(families, "mailhub_process_threads", {{"process", "b"}}));
  EXPECT_FALSE(Value(families, "mailhub_thread_running", {{"process", "b"}, {"thread", "x"}}));
}

TEST(ProcessCollector, QuotesAHostPrintablyAndBriefly) {
  config::Host host;
  host.processes["a"] = {"/a", "", ""};
  metrics::Families families;
  const auto read = ReadWith(kProcessCollector, host,
                             {"unknown 0 \x1b[2J\x94" + std::string(2'000, 'x')}, &families);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::StartsWith("processes: \\x1b[2J\\x94xx"));
  EXPECT_LT(read.error().message.size(), 400U);
  host.files["f"] = "/f";
  const auto file = ReadWith(kFileCollector, host,
                             {"unknown \x1b[2J" + std::string(2'000, 'x') + " - - /f"}, &families);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, testing::StartsWith("files: /f: \\x1b[2Jxx"));
  EXPECT_LT(file.error().message.size(), 400U);
}

TEST(ProcessCollector, LeavesOutStartTimesWhereTheHostDoesNotKnowWhenItBooted) {
  Past past;
  Reply reply;
  Section section;
  section.lines = {std::string("process 0 20") + kStat};
  metrics::Families families;
  ASSERT_TRUE(kProcessCollector.read(HostWithThreads(), reply, section, &past, &families));
  EXPECT_EQ(Value(families, "mailhub_process_running", {{"process", "a"}}), 1);
  EXPECT_FALSE(Value(families, "mailhub_process_start_time_seconds", {{"process", "a"}}));
}

TEST(ProcessCollector, RefusesPlacesAndFiguresThatCannotBe) {
  for (const std::string& lie :
       {std::string("process 2 1") + kStat, std::string("process -1 1") + kStat,
        std::string("thread 2") + kStat, std::string("process 0 x") + kStat,
        std::string("process 0 1 7 (a) Q 1 1 1 0 -1 1 1 0 1 0 5 2 0 0 20 0 3 0 60 1 1"),
        std::string("process 0 1 7 (a) S 1"),
        std::string("process 0 1 7 S 1 1 1 0 -1 1 1 0 1 0 5 2 0 0 20 0 3 0 60 1 1"),
        std::string("shell 0 1") + kStat, std::string("process")}) {
    metrics::Families families;
    EXPECT_FALSE(ReadWith(kProcessCollector, HostWithThreads(), {lie}, &families)) << lie;
  }
}

TEST(PosixHostCollector, ReadsVmstatOfLinuxAndOfSolaris) {
  config::Host host;
  host.platform = config::Platform::kPosix;
  metrics::Families linux_families;
  ASSERT_TRUE(
      ReadWith(kPosixHostCollector, host,
               {"cpus 2", "time 1700000000", "     24684084 K total memory",
                "        64159 non-nice user cpu ticks", "            5 nice user cpu ticks",
                "        14450 system cpu ticks", "       287367 idle cpu ticks",
                "         8778 IO-wait cpu ticks", "      7777777 interrupts"},
               &linux_families));
  const auto mode = [](const metrics::Families& families, const std::string& name) {
    return Value(families, "mailhub_host_cpu_seconds_total", {{"mode", name}});
  };
  EXPECT_DOUBLE_EQ(*mode(linux_families, "idle"), 2873.67);
  EXPECT_DOUBLE_EQ(*mode(linux_families, "iowait"), 87.78);
  EXPECT_EQ(*Value(linux_families, "mailhub_host_memory_total_bytes"), 24684084.0 * 1024);
  metrics::Families solaris;
  ASSERT_TRUE(ReadWith(kPosixHostCollector, host,
                       {"cpus 4", "time 1700000000", "        0 swap ins",
                        "    12345 cpu context switches", "     1303 user   cpu",
                        "     4532 system cpu", "    75437 idle   cpu", "        7 wait   cpu"},
                       &solaris));
  EXPECT_DOUBLE_EQ(*mode(solaris, "user"), 13.03);
  EXPECT_DOUBLE_EQ(*mode(solaris, "idle"), 754.37);
  EXPECT_FALSE(mode(solaris, "nice"));
  metrics::Families none;
  EXPECT_FALSE(ReadWith(kPosixHostCollector, host, {"cpus 4", "time 17"}, &none));
  EXPECT_FALSE(ReadWith(kPosixHostCollector, host, {"cpus ", "1 idle cpu"}, &none));
}

TEST(PosixHostCollector, RefusesRepeatedValues) {
  config::Host host;
  host.platform = config::Platform::kPosix;
  const std::vector<std::string> good = {"cpus 4", "time 17", "4096 K total memory",
                                         "75437 idle cpu ticks", "9 non-nice user cpu ticks"};
  for (const char* more : {"time 18", "cpus 3", "1 idle   cpu", "3 user cpu", "1 K total memory"}) {
    std::vector<std::string> lines = good;
    lines.emplace_back(more);
    metrics::Families families;
    EXPECT_FALSE(ReadWith(kPosixHostCollector, host, lines, &families)) << more;
  }
  metrics::Families families;
  std::vector<std::string> lines = good;
  lines.emplace_back("time 3 of something else");
  EXPECT_TRUE(ReadWith(kPosixHostCollector, host, lines, &families));
}

TEST(ServiceCollector, ReadsWhatSystemctlSaysOfEachUnit) {
  config::Host host;
  host.services["a"] = {config::ServiceKind::kSystemd};
  host.services["b"] = {config::ServiceKind::kSystemd};
  host.services["c"] = {config::ServiceKind::kSysv};
  metrics::Families families;
  ASSERT_TRUE(ReadWith(
      kServiceCollector, host,
      {"Id=real-name.service", "Names=real-name.service a.service", "LoadState=loaded",
       "ActiveState=active", "NRestarts=3", "ExecMainStartTimestampMonotonic=60000000",
       "ActiveEnterTimestampMonotonic=61000000", "", "Id=b.service", "LoadState=not-found",
       "ActiveState=inactive", "NRestarts=0", "ExecMainStartTimestampMonotonic=0", "sysv c 3"},
      &families));
  const auto state = [&](const std::string& name, const std::string& which) {
    return *Value(families, "mailhub_service_state", {{"name", name}, {"state", which}});
  };
  EXPECT_EQ(state("a", "active"), 1);
  EXPECT_EQ(state("a", "failed"), 0);
  EXPECT_EQ(state("b", "absent"), 1);
  EXPECT_EQ(state("c", "inactive"), 1);
  EXPECT_EQ(*Value(families, "mailhub_service_start_time_seconds", {{"name", "a"}}), 1060);
  EXPECT_EQ(*Value(families, "mailhub_service_restarts_total", {{"name", "a"}}), 3);
  EXPECT_FALSE(Value(families, "mailhub_service_start_time_seconds", {{"name", "b"}}));
  EXPECT_FALSE(ReadWith(kServiceCollector, host, {"LoadState=loaded"}, &families));
  EXPECT_FALSE(ReadWith(kServiceCollector, host, {}, &families));
}

TEST(ServiceCollector, SaysNothingOfAScriptThatKnowsNoStatus) {
  config::Host host;
  host.services["cron"] = {config::ServiceKind::kSysv};
  host.services["old"] = {config::ServiceKind::kSysv};
  metrics::Families families;
  const auto read = ReadWith(kServiceCollector, host, {"sysv cron 0", "sysv old usage"}, &families);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, testing::HasSubstr("prints its usage"));
  EXPECT_EQ(Value(families, "mailhub_service_state", {{"name", "cron"}, {"state", "active"}}), 1);
  EXPECT_FALSE(Value(families, "mailhub_service_state", {{"name", "old"}, {"state", "failed"}}));
}

TEST(ServiceCollector, AsksByAnotherNameAndHidesNoneBehindOneThatIsNotUnderstood) {
  config::Host host;
  host.services["out"] = {config::ServiceKind::kSystemd, "exim@out.service"};
  host.services["rotate"] = {config::ServiceKind::kSystemd, "logrotate.timer"};
  host.services["sysv"] = {config::ServiceKind::kSysv, "php8.2-fpm"};
  EXPECT_EQ(WriteSpec(host),
            "spec\nunit exim@out.service\nunit logrotate.timer\nsysv php8.2-fpm\nend\n");
  metrics::Families families;
  const auto read = ReadWith(
      kServiceCollector, host,
      {"Id=exim@out.service", "LoadState=loaded", "ActiveState=a-new-state", "",
       "Id=logrotate.timer", "LoadState=loaded", "ActiveState=active", "", "sysv php8.2-fpm 0"},
      &families);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kNotFound);
  const auto active = [&](const std::string& name) {
    return Value(families, "mailhub_service_state", {{"name", name}, {"state", "active"}});
  };
  EXPECT_FALSE(active("out"));
  EXPECT_EQ(active("rotate"), 1);
  EXPECT_EQ(active("sysv"), 1);
}

TEST(ServiceCollector, TakesNoUnitsStateForAnothers) {
  config::Host host;
  for (const char* name : {"a", "b", "c"}) host.services[name] = {config::ServiceKind::kSystemd};
  metrics::Families families;
  // systemctl has left out the first, and gives the others in its own order.
  const auto read =
      ReadWith(kServiceCollector, host,
               {"Id=c.service", "Names=c.service", "LoadState=loaded", "ActiveState=failed", "",
                "Id=b.service", "Names=b.service", "LoadState=loaded", "ActiveState=active"},
               &families);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(read.error().message, testing::EndsWith("about a"));
  const auto state = [&](const std::string& name, const std::string& which) {
    return Value(families, "mailhub_service_state", {{"name", name}, {"state", which}});
  };
  EXPECT_FALSE(state("a", "active"));
  EXPECT_EQ(state("b", "active"), 1);
  EXPECT_EQ(state("c", "failed"), 1);
  // Two merged units count as neither.
  metrics::Families none;
  EXPECT_FALSE(ReadWith(kServiceCollector, host,
                        {"Id=a.service", "LoadState=loaded", "Id=b.service", "ActiveState=active"},
                        &none));
}

TEST(HostCollector, LeavesOutUptimeAndBootWhereTheHostDoesNotKnowThem) {
  Past past;
  Section section;
  section.lines = {"cpu  1 2 3 4 5 6 7 8 9 10", "cpus 2", "MemTotal: 10 kB", "MemFree: 1 kB",
                   "MemAvailable: 5 kB"};
  metrics::Families families;
  const auto read = kHostCollector.read({}, Reply{}, section, &past, &families);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(Value(families, "mailhub_host_cpus"), 2);
  EXPECT_FALSE(Value(families, "mailhub_host_uptime_seconds"));
  EXPECT_EQ(families.all().count("mailhub_host_info"), 0u);
}

// Sparse files cost nothing, and any account can make them.
TEST(PathCollectors, TakeASumThatNeedsMoreThan64Bits) {
  config::Host host;
  host.directories["d"] = "/d";
  metrics::Families families;
  ASSERT_TRUE(ReadWith(kDirectoryCollector, host,
                       {"d 0 4096 1.5 /d", "sum 2 18446744073709551616 20.5 /d"}, &families));
  EXPECT_EQ(*Value(families, "mailhub_directory_bytes", {{"directory", "d"}}), 0x1p64);
}

TEST(PathCollectors, KeepAPathWithBlanksWholeAndRefuseOtherLines) {
  config::Host host;
  host.directories["d"] = "/with blank/d";
  host.files["f"] = "/f";
  metrics::Families families;
  const std::vector<std::string> lines = {"d 0 4096 1.5 /with blank/d", "f 1 10 20.5 /with blank/d",
                                          "f 1 5 19.5 /with blank/d", "l 1 5 1.0 /with blank/d",
                                          "f 0 7 -3.0 /f"};
  ASSERT_TRUE(ReadWith(kDirectoryCollector, host, lines, &families));
  ASSERT_TRUE(ReadWith(kFileCollector, host, lines, &families));
  EXPECT_EQ(*Value(families, "mailhub_directory_files", {{"directory", "d"}}), 2);
  EXPECT_EQ(*Value(families, "mailhub_directory_bytes", {{"directory", "d"}}), 15);
  EXPECT_EQ(
      *Value(families, "mailhub_directory_oldest_file_timestamp_seconds", {{"directory", "d"}}),
      19.5);
  EXPECT_EQ(*Value(families, "mailhub_file_mtime_timestamp_seconds", {{"file", "f"}}), -3);
  for (const char* lie : {"f 0 -1 1.0 /f", "f 2 1 1.0 /f", "f 0 1 x /f", "ff 0 1 1 /f", "f 0 1"}) {
    EXPECT_FALSE(ReadWith(kFileCollector, host, {lie}, &families)) << lie;
  }
}

// Else a scrape with little time would say of a slow check that it fails, to others too.
TEST(CheckCollector, SaysNothingOfACheckThatTheScrapeCutOff) {
  config::Host host;
  host.checks["quick"] = {"a", Milliseconds(400)};
  host.checks["slow"] = {"b", Milliseconds(3'000)};
  host.checks["stuck"] = {"c", Milliseconds(500)};
  metrics::Families families;
  const auto read = ReadWith(kCheckCollector, host, {"limit 500", "status 0 0"}, &families);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "checks: slow was not over when the scrape's time was");
  EXPECT_EQ(*Value(families, "mailhub_check_success", {{"check", "quick"}}), 1);
  EXPECT_EQ(*Value(families, "mailhub_check_success", {{"check", "stuck"}}), 0);
  EXPECT_FALSE(Value(families, "mailhub_check_success", {{"check", "slow"}}));
  metrics::Families none;
  EXPECT_FALSE(ReadWith(kCheckCollector, host, {"status 0 0"}, &none)) << "an older helper";
  EXPECT_FALSE(Value(none, "mailhub_check_success", {{"check", "stuck"}}));
}

TEST(CheckCollector, NeedsAStatusAndANumber) {
  config::Host host;
  host.checks["a"] = {"a", Milliseconds(1)};
  host.checks["b"] = {"b", Milliseconds(1)};
  metrics::Families families;
  ASSERT_TRUE(ReadWith(kCheckCollector, host,
                       {"limit 9", "output 0 -2.5e3 files", "status 0 0", "output 1 12"},
                       &families));
  EXPECT_EQ(*Value(families, "mailhub_check_success", {{"check", "a"}}), 1);
  EXPECT_EQ(*Value(families, "mailhub_check_value", {{"check", "a"}}), -2500);
  EXPECT_EQ(*Value(families, "mailhub_check_success", {{"check", "b"}}), 0);
  EXPECT_FALSE(Value(families, "mailhub_check_value", {{"check", "b"}}));
  for (const char* lie : {"status 2 0", "status", "exit 0 0", "status x 0", "limit", "limit x"}) {
    EXPECT_FALSE(ReadWith(kCheckCollector, host, {lie}, &families)) << lie;
  }
  metrics::Families no_number;
  ASSERT_TRUE(
      ReadWith(kCheckCollector, host, {"limit 9", "output 0 nan", "status 0 0"}, &no_number));
  EXPECT_FALSE(Value(no_number, "mailhub_check_value", {{"check", "a"}}));
  const std::string cut(200, '9');
  ASSERT_TRUE(
      ReadWith(kCheckCollector, host, {"limit 9", "output 0 " + cut, "status 0 0"}, &no_number));
  EXPECT_FALSE(Value(no_number, "mailhub_check_value", {{"check", "a"}}));
}

TEST(Spec, EveryKindHasItsCollector) {
  for (const config::CollectorKind kind : All<config::CollectorKind>()) {
    const bool listed =
        std::ranges::any_of(kHelperCollectors, [&](const auto* one) { return one->kind == kind; });
    EXPECT_NE(listed, kind == config::CollectorKind::kPorts) << Name(kind);  // needs no helper
  }
}

TEST(Spec, AsksForEachExecutableAndPathOnce) {
  config::Host host = HostWithThreads();
  host.processes["b2"] = {"/b", "-x y", "-z"};
  host.directories["d"] = "/same";
  host.files["f"] = "/same";
  host.services["s"] = {config::ServiceKind::kSystemd};
  host.checks["c"] = {"wc -l </x", Milliseconds(1500)};
  EXPECT_EQ(WriteSpec(host),
            "spec\nexe /a\nprocess 0\nexe /b\nprocess 1\nthread x\nthread y\nprocess 1\n"
            "contain -x y\nlack -z\nunit s.service\npath /same\ndetails 1\ncheck c 1500 wc -l "
            "</x\nend\n");
}

}  // namespace
}  // namespace mailhub::exporter
