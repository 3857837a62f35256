// `mailhubctl report`, and a Prometheus that reads what it writes.
#include <unistd.h>

#include <filesystem>

#include "actuator/ctl/testing_ctl.h"

namespace mailhub::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The runs of the test backend end on the last days of February 2026 and on the 1st of March.
constexpr const char* kAll = "report --since 2026-01-01 --until 2026-12-31 ";

TEST_F(MailhubctlTest, ReportsRunsByRunbookTargetAndMonth) {
  const Outcome table = Ctl(kAll);
  EXPECT_EQ(table.status, 0) << table.out;
  EXPECT_THAT(table.out, HasSubstr("mailhub-rebuild    mailhub1  2026-03  1     succeeded 1  "
                                   "1m00s / 1m00s  4h00m / 4h00m"));
  EXPECT_THAT(table.out, HasSubstr("gate_shut 2, step_failed 1"));
  EXPECT_THAT(table.out, HasSubstr("anna: retry 2; others: 3"));
  EXPECT_THAT(Ctl(std::string(kAll) + "--format csv").out,
              HasSubstr("mailhub-rebuild,mailhub2,2026-02,1,failed 1,,,,,,,,,"));
  const std::string json = Ctl(std::string(kAll) + "--output json").out;
  EXPECT_THAT(json, HasSubstr("\"since\": \"2026-01-01T00:00:00Z\""));
  EXPECT_THAT(json, HasSubstr("\"verb\": \"retry\""));
  EXPECT_THAT(Ctl(std::string(kAll) + "--format html").out, HasSubstr("<td>mailhub2</td>"));
}

TEST_F(MailhubctlTest, ReportsWhatWasAskedForAndAllPagesOfIt) {
  EXPECT_THAT(Ctl(std::string(kAll) + "--runbook directory-restart").out,
              Not(HasSubstr("mailhub-rebuild")));
  EXPECT_THAT(Ctl("report --since 2026-03-01 --format csv").out, Not(HasSubstr("2026-02")));
  EXPECT_THAT(Ctl("report --since 2020-01-01 --until 2020-02-01").out, Not(HasSubstr("2026")));
  backend_.Lengthen(size_t{700} << 10);
  EXPECT_THAT(Ctl(kAll).out, HasSubstr("directory-restart"));
}

// The test backend's runs end on 27 and 28 February and on 1 March.
TEST_F(MailhubctlTest, SaysWhatAReportLacks) {
  const std::string lacks =
      "NOT COMPLETE: of the runs that ended before 2026-02-28 00:00:00 +0000, "
      "some have been removed from the journal";
  const std::string all(kAll);
  EXPECT_THAT(Ctl(all).out, Not(HasSubstr("NOT COMPLETE")));
  EXPECT_THAT(Ctl(all + "--format csv").out, HasSubstr(",yes\r\n"));
  backend_.WholeFrom(WallTime(std::chrono::sys_days(std::chrono::year(2026) / 2 / 28)));
  const std::string table = Ctl(all).out;
  EXPECT_THAT(table, HasSubstr(lacks));
  EXPECT_THAT(table, HasSubstr("2026-02 (part)"));
  EXPECT_THAT(table, Not(HasSubstr("2026-03 (part)")));
  EXPECT_THAT(Ctl(all + "--format html").out, HasSubstr("<strong>" + lacks));
  const std::string json = Ctl(all + "--format json").out;
  EXPECT_THAT(json, HasSubstr("\"wholeFrom\": \"2026-02-28T00:00:00.000Z\""));
  EXPECT_THAT(json, HasSubstr("\"complete\": \"no\""));
  const std::string csv = Ctl(all + "--format csv").out;
  EXPECT_THAT(csv, HasSubstr("mailhubctl: " + lacks)) << "on standard error";
  EXPECT_THAT(csv, HasSubstr(",no\r\n"));
  EXPECT_THAT(Ctl(all + "--format openmetrics").out, HasSubstr(lacks));
  EXPECT_THAT(Ctl("report --since 2026-02-28 --until 2026-12-31").out,
              Not(HasSubstr("NOT COMPLETE")))
      << "that much is there";
}

TEST_F(MailhubctlTest, RefusesATimeThatIsNone) {
  const Outcome wrong = Ctl("report --since tomorrow");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.out, HasSubstr("--since: expected a time like 90d (ago)"));
  EXPECT_THAT(Ctl("report --until 2026-13-01").out, HasSubstr("--until: expected"));
  EXPECT_EQ(Ctl("report --format xml").status, 64);
}

// The program's output; its status in *status.
std::string Output(const std::string& command, int* status) {
  std::string out;
  FILE* program = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> part{};
  while (const size_t got = fread(part.data(), 1, part.size(), program))
    out.append(part.data(), got);
  *status = pclose(program);
  return out;
}

TEST_F(MailhubctlTest, APrometheusTakesTheReportIntoItsPast) {
  std::string directory = std::filesystem::temp_directory_path() / "mailhub-report-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const Outcome report = Ctl(std::string(kAll) + "--format openmetrics");
  ASSERT_EQ(report.status, 0) << report.out;
  std::ofstream(directory + "/runs.om") << report.out;
  int status = -1;
  const std::string made =
      Output("promtool tsdb create-blocks-from --max-block-duration=768h openmetrics " + directory +
                 "/runs.om " + directory + "/data",
             &status);
  EXPECT_EQ(status, 0) << made;
  std::filesystem::create_directory(directory + "/data/wal");  // promtool wants one
  const std::string dump = Output("promtool tsdb dump " + directory + "/data", &status);
  EXPECT_EQ(status, 0) << dump;
  // kStart of the test backend, and 4 h.
  EXPECT_THAT(dump, HasSubstr("{__name__=\"mailhub_report_run_worked_seconds\", "
                              "result=\"succeeded\", runbook=\"mailhub-rebuild\", "
                              "target=\"mailhub1\"} 14400 1772373600000\n"));
  EXPECT_THAT(dump, HasSubstr("{__name__=\"mailhub_report_run_holds\", result=\"failed\", "
                              "runbook=\"mailhub-rebuild\", target=\"mailhub2\"} 3 "
                              "1772287201000\n"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace mailhub::ctl
