// Counts and formats of a report.
#include "actuator/ctl/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace mailhub::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

ReportedRun Ended(const std::string& end, double worked, double whole,
                  const std::string& result = "succeeded") {
  ReportedRun run;
  run.past = {
      "aaaaaaaaaaaa",         "mailhub-rebuild",      "mailhub1", "alertmanager", result, "",
      "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", end,        whole};
  run.waited_s = 30;
  run.worked_s = worked;
  return run;
}

TEST(Report, TakesTheMiddleAndTheNinetiethOfAHundred) {
  std::vector<ReportedRun> runs;
  for (int i = 100; i > 0; --i) runs.push_back(Ended("2026-01-15T10:00:00.000Z", i, 2 * i));
  runs.push_back(Ended("2026-01-15T10:00:00.000Z", 9'999, 9'999, "failed"));
  const auto groups = GroupsOf(runs, true);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].worked.known, 100U) << "of those that succeeded";
  EXPECT_EQ(groups[0].worked.p50_s, 50);
  EXPECT_EQ(groups[0].worked.p90_s, 90);
  EXPECT_EQ(groups[0].whole.p90_s, 180);
  EXPECT_EQ(groups[0].held.p50_s, 50);
  EXPECT_EQ(groups[0].waited.p90_s, 30);
  EXPECT_THAT(groups[0].results, ElementsAre(Pair("failed", 1), Pair("succeeded", 100)));
  EXPECT_EQ(GroupsOf({Ended("2026-01-15T10:00:00.000Z", 7, 7)}, true)[0].worked.p50_s, 7);
}

TEST(Report, DoesNotSayWhatIsNotKnown) {
  ReportedRun run = Ended("2026-01-15T10:00:00.000Z", 0, 60);
  run.worked_s.reset();
  const auto groups = GroupsOf({run}, true);
  EXPECT_EQ(groups[0].worked.known, 0U);
  EXPECT_EQ(groups[0].held.known, 0U) << "holds are known only beside the work";
  EXPECT_EQ(ReportRows(groups)[0][6], "-");
  EXPECT_THAT(ReportJson(groups, {"", ""}), HasSubstr("\"runs\": 0,\n        \"p50\": null"));
  EXPECT_THAT(ReportOpenMetrics({run}).value(), Not(HasSubstr("worked_seconds{")));
}

TEST(Report, CountsPeopleAndTheRequestOnce) {
  ReportedRun by_alert = Ended("2026-01-15T10:00:00.000Z", 1, 1);
  by_alert.acted = {{"anna", "retry", 2}};
  ReportedRun by_anna = Ended("2026-01-16T10:00:00.000Z", 1, 1);
  by_anna.past.by = "anna";
  by_anna.acted = {{"anna", "start", 1}, {"bob", "cancel", 1}};
  by_anna.holds = {{"gate_shut", 2}};
  by_anna.acted_more = 4;
  const auto groups = GroupsOf({by_alert, by_anna}, true);
  EXPECT_EQ(ReportRows(groups)[0][10],
            "alertmanager: start 1; anna: retry 2, start 1; bob: cancel 1; others: 4");
  EXPECT_EQ(ReportRows(groups)[0][9], "gate_shut 2");
}

TEST(Report, GroupsByMonthWhereThePersonIs) {
  const std::vector<ReportedRun> runs = {Ended("2026-01-31T23:30:00.000Z", 1, 1)};
  setenv("TZ", "UTC-2", 1);
  tzset();
  EXPECT_EQ(GroupsOf(runs, false)[0].month, "2026-02");
  EXPECT_EQ(GroupsOf(runs, true)[0].month, "2026-01");
  EXPECT_EQ(ReportTime("2026-02-01", WallTime()).value(), "2026-01-31T22:00:00Z");
  setenv("TZ", "UTC", 1);
  tzset();
}

TEST(Report, ReadsTimes) {
  const WallTime now = FromUnixMs(1'772'359'200'000);  // 2026-03-01 10:00
  EXPECT_EQ(ReportTime("1d", now).value(), "2026-02-28T10:00:00Z");
  EXPECT_EQ(ReportTime("2026-01-31T12:00:00+01:00", now).value(), "2026-01-31T12:00:00+01:00");
  for (const char* wrong : {"", "yesterday", "2026-02-31", "2026-1-31", "2026-01-31x", "-1d"}) {
    const auto time = ReportTime(wrong, now);
    ASSERT_FALSE(time) << wrong;
    EXPECT_THAT(time.error().message, HasSubstr("2026-01-31T12:00:00Z")) << wrong;
  }
}

TEST(Report, CsvHasNoFormulaAndQuotesWhatNeedsIt) {
  ReportedRun run = Ended("2026-01-15T10:00:00.000Z", 1.25, 2);
  run.past.runbook = "=cmd|' /C calc'!A0";
  run.past.target = "@sum,\"x\"";
  run.past.by = "-1+1";
  const std::string csv = ReportCsv(GroupsOf({run}, true));
  EXPECT_EQ(csv,
            "runbook,target,month,runs,results,waited_seconds_p50,waited_seconds_p90,"
            "worked_seconds_p50,worked_seconds_p90,held_seconds_p50,held_seconds_p90,"
            "duration_seconds_p50,duration_seconds_p90,holds,acted,complete\r\n"
            "'=cmd|' /C calc'!A0,\"'@sum,\"\"x\"\"\",2026-01,1,succeeded 1,30.0,30.0,1.25,1.25,"
            "0.75,0.75,2.0,2.0,,'-1+1: start 1,yes\r\n");
}

TEST(Report, NoFigureLooksCompleteThatMayLackRuns) {
  auto groups = GroupsOf(
      {Ended("2026-01-15T10:00:00.000Z", 1, 2), Ended("2026-02-15T10:00:00.000Z", 1, 2)}, true);
  const std::string since = "2026-01-01T00:00:00Z";
  EXPECT_EQ(MarkIncomplete({true, ""}, since, true, &groups), "");
  EXPECT_EQ(MarkIncomplete({true, "2026-01-01T00:00:00.000Z"}, since, true, &groups), "");
  EXPECT_EQ(groups[0].complete, "yes");
  EXPECT_THAT(MarkIncomplete({true, "2026-01-10T00:00:00.000Z"}, since, true, &groups),
              HasSubstr("NOT COMPLETE"));
  EXPECT_EQ(groups[0].complete, "no");
  EXPECT_EQ(groups[1].complete, "yes");
  EXPECT_THAT(MarkIncomplete({false, ""}, since, true, &groups), HasSubstr("It is unknown"));
  EXPECT_EQ(groups[1].complete, "unknown");
  EXPECT_THAT(ReportRows(groups)[1][2], HasSubstr("2026-02 (part?)"));
}

TEST(Report, HtmlEscapesEverything) {
  ReportedRun run = Ended("2026-01-15T10:00:00.000Z", 1, 2);
  run.past.runbook = "<script>alert(1)</script>";
  run.past.target = "\"><img src=x onerror='y'>&\x1b[2J";
  const std::string html = ReportHtml(GroupsOf({run}, true), {"2026-01-01T00:00:00Z", ""});
  EXPECT_THAT(html, HasSubstr("<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>"));
  EXPECT_THAT(html, HasSubstr("<td>&quot;&gt;&lt;img src=x onerror=&#39;y&#39;&gt;&amp;\\x1b[2J"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, Not(HasSubstr("http:")));
  EXPECT_THAT(ReportHtml({}, {"", ""}), HasSubstr("No run finished"));
}

TEST(Report, OpenMetricsHasEachSeriesInOnePlaceInTheOrderOfTime) {
  ReportedRun late = Ended("2026-01-15T10:00:00.123Z", 2, 3);
  ReportedRun early = Ended("2026-01-14T10:00:00.000Z", 1, 2);
  ReportedRun same = Ended("2026-01-15T10:00:00.123Z", 4, 5);
  same.holds = {{"gate_shut", 2}, {"step_failed", 1}};
  ReportedRun other = Ended("2026-01-15T09:00:00.000Z", 1, 2);
  other.past.target = "a\\b\"c\nd";
  const std::string text = ReportOpenMetrics({late, same, other, early}).value();
  const std::string labels =
      "{runbook=\"mailhub-rebuild\",target=\"mailhub1\",result=\"succeeded\"}";
  EXPECT_THAT(text, HasSubstr("# TYPE mailhub_report_run_worked_seconds gauge\n"
                              "# UNIT mailhub_report_run_worked_seconds seconds\n"));
  EXPECT_THAT(text, HasSubstr("mailhub_report_run_worked_seconds" + labels +
                              " 1.0 1768384800.000\n"
                              "mailhub_report_run_worked_seconds" +
                              labels +
                              " 2.0 1768471200.123\n"
                              "mailhub_report_run_worked_seconds" +
                              labels + " 4.0 1768471200.124\n"));
  EXPECT_THAT(text, HasSubstr("mailhub_report_run_holds" + labels + " 3.0 1768471200.124\n"));
  EXPECT_THAT(text, HasSubstr("target=\"a\\\\b\\\"c\\\\nd\""));
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
  late.past.finished_at = "soon";
  EXPECT_THAT(ReportOpenMetrics({late}).error().message, HasSubstr("finishedAt"));
}

}  // namespace
}  // namespace mailhub::ctl
