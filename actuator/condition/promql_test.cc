// The expressions that a gate may use, and what is parsed from them.
#include "actuator/condition/promql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/printable.h"

namespace mailhub::condition {
namespace {

using ::testing::HasSubstr;

GateExpression Read(std::string_view expr) {
  auto read = ReadGateExpression(expr);
  EXPECT_TRUE(read) << expr << ": " << (read ? "" : read.error().message);
  return read ? *read : GateExpression{};
}

std::string Refusal(std::string_view expr) {
  auto read = ReadGateExpression(expr);
  return read ? "accepted" : read.error().message;
}

TEST(GateExpression, KnowsItsSelectorsHostsAndRange) {
  const auto read = Read(
      "sum(rate(mailhub_host_cpu_seconds_total{instance=\"x500\",mode='idle'}[1m30s])) / on() "
      "mailhub_host_cpus{instance=`x500`,} >= 0.9 # quiet");
  ASSERT_EQ(read.selectors.size(), 2u);
  EXPECT_EQ(read.selectors[0].metric, "mailhub_host_cpu_seconds_total");
  EXPECT_EQ(read.selectors[0].instance, "x500");
  EXPECT_EQ(read.selectors[1].metric, "mailhub_host_cpus");
  EXPECT_EQ(read.selectors[1].instance, "x500");
  EXPECT_EQ(read.longest_range, Milliseconds(90'000));
}

TEST(GateExpression, SplitsAtItsFirstComparison) {
  const auto read = Read("mailhub_process_running{process=\"a >= b\"} == 0");
  EXPECT_EQ(read.left.expr, "mailhub_process_running{process=\"a >= b\"} ");
  EXPECT_EQ(read.comparison, "==");
  EXPECT_EQ(read.right.number, 0.0);
}

TEST(GateExpression, LeavesLabelMatchingOutOfTheRightSide) {
  const auto read = Read(
      "mailhub_check_value{check=\"a\"} >= on(instance) group_left() 0.9 * mailhub_check_value");
  EXPECT_EQ(read.right.expr, " 0.9 * mailhub_check_value");
  EXPECT_FALSE(read.right.number);
}

TEST(GateExpression, PutsAPlainNumberOnTheRight) {
  const auto read = Read("0.9 <= mailhub_host_cpus");
  EXPECT_EQ(read.left.expr, " mailhub_host_cpus");
  EXPECT_EQ(read.comparison, ">=");
  EXPECT_EQ(read.right.number, 0.9);
}

TEST(GateExpression, TakesSeveralComparisonsJoinedByAnd) {
  const auto read =
      Read("mailhub_host_cpus > 1 and on(instance) mailhub_service_state{state=\"active\"} == 1");
  EXPECT_EQ(read.selectors.size(), 2u);
  EXPECT_EQ(read.comparison, ">");
  EXPECT_EQ(read.right.number, 1.0);
  Read("(mailhub_host_cpus and on(instance) probe_success) > 0");
}

TEST(GateExpression, TakesGroupingsFunctionsAndNumbersOfEveryForm) {
  Read("count by (instance) (mailhub_thread_running{thread=~\"UNS|alias\"} == 1) == 2");
  Read("sum(mailhub_host_cpus) without (job) > 1e3");
  Read("-mailhub_host_cpus < -.5e-3");
  Read("clamp_max(mailhub_host_cpus, 2) ^ 2 % 3 != 1");
}

TEST(GateExpression, RefusesRecordedNamesHoweverTheyAreSpelled) {
  EXPECT_EQ(Refusal("mailhub:host_cpu_idle:ratio > 0.9"),
            "character 1: \"mailhub:host_cpu_idle:ratio\" is a recorded name; expected raw series, "
            "because a recording lags its inputs");
  EXPECT_THAT(Refusal("sum by (instance) (rate(a:b[1m])) > 1"), HasSubstr("recorded name"));
  EXPECT_THAT(Refusal("{__name__=\"a:b\"} > 0"), HasSubstr("expected the metric's name before {"));
  EXPECT_THAT(Refusal("mailhub_host_cpus{__name__=~\".+:.+\"} > 0"), HasSubstr("__name__"));
}

TEST(GateExpression, RefusesMetricsOfUnknownFreshness) {
  EXPECT_THAT(Refusal("node_load1 < 1"), HasSubstr("not a metric of the exporter's probes"));
  EXPECT_THAT(Refusal("mailhub_actuator_run_held == 0"), HasSubstr("not a metric"));
  EXPECT_THAT(Refusal("mailhub_exporter_ssh_sessions == 0"), HasSubstr("not a metric"));
  EXPECT_THAT(Refusal("up == 1"), HasSubstr("not a metric"));
}

TEST(GateExpression, RefusesConditionsThatAreAlwaysTrue) {
  EXPECT_THAT(Refusal("mailhub_host_cpus"), HasSubstr("expected a comparison"));
  EXPECT_THAT(Refusal("(mailhub_host_cpus > 1)"), HasSubstr("expected a comparison"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > bool 1"), HasSubstr("`bool` is refused"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 1 and probe_success"),
              HasSubstr("character 26: expected a comparison"));
  EXPECT_THAT(Refusal("1 == 1"), HasSubstr("expected a metric"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 1 and 1 == 1"), HasSubstr("expected a metric"));
  EXPECT_THAT(Refusal(""), HasSubstr("expected a comparison"));
}

TEST(GateExpression, RefusesConditionsThatMissingDataCanMakeTrue) {
  EXPECT_THAT(Refusal("absent(mailhub_host_cpus) == 1"), HasSubstr("`absent` is refused"));
  EXPECT_THAT(Refusal("absent_over_time(mailhub_host_cpus[1m]) == 1"), HasSubstr("is refused"));
  EXPECT_THAT(Refusal("(mailhub_host_cpus or vector(0)) == 0"), HasSubstr("`or` is refused"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 0 unless probe_success == 0"),
              HasSubstr("`unless` is refused"));
  EXPECT_THAT(Refusal("vector(1) == 1"), HasSubstr("`vector` is refused"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 0 OR probe_success > 0"), HasSubstr("`or` is refused"));
}

// `x != scalar(missing)` is true: scalar of nothing is NaN, and NaN differs from everything.
TEST(GateExpression, RefusesNotANumberWhereverItCouldComeFrom) {
  EXPECT_THAT(Refusal("mailhub_file_mtime_timestamp_seconds{file=\"a\"} != "
                      "scalar(mailhub_file_mtime_timestamp_seconds{file=\"b\"})"),
              HasSubstr("`scalar` is refused: what is missing could make the gate open; compare "
                        "two metrics with `a > on (instance) b`"));
  EXPECT_THAT(Refusal("mailhub_host_cpus != NaN"), HasSubstr("`nan` is refused"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > -Inf"), HasSubstr("`inf` is refused"));
  EXPECT_THAT(Refusal("mailhub_host_cpus != (0 / 0)"), HasSubstr("not a finite number"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > -1e300 * 1e300"), HasSubstr("not a finite number"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 1e999"), HasSubstr("is not a number"));
  EXPECT_THAT(Refusal("mailhub_host_cpus != on (instance) (probe_success / probe_success)"),
              HasSubstr("`!=` beside a division"));
  EXPECT_THAT(Refusal("count(mailhub_host_cpus % probe_success != 1) == 1"),
              HasSubstr("`!=` beside a division"));
  Read("mailhub_host_cpus / 2 != 1");
  Read("mailhub_host_cpus != on (instance) probe_success");
}

TEST(GateExpression, TakesFunctionsByAListOfWhatIsAllowed) {
  EXPECT_EQ(Refusal("fill(0) == 0"),
            "character 1: `fill` is refused: allowed are sum, min, max, avg, count, rate, irate, "
            "increase, avg_over_time, min_over_time, max_over_time, abs, ceil, floor, round, "
            "clamp, clamp_min, clamp_max");
  for (const std::string call :
       {"end()", "default(mailhub_host_cpus, 0)", "union(mailhub_host_cpus)",
        "last_over_time(mailhub_host_cpus[1m])", "count_over_time(mailhub_host_cpus[1m])",
        "sum_over_time(mailhub_host_cpus[1m])", "quantile(0.5, mailhub_host_cpus)",
        "topk(1, mailhub_host_cpus)", "group(mailhub_host_cpus)", "histogram_count(mailhub_x)",
        "label_replace(mailhub_host_cpus, \"a\", \"b\", \"c\", \"d\")", "RATE(mailhub_x[1m])",
        "keep_last_value(mailhub_host_cpus)", "pi()", "mailhub_host_cpus[1m] smoothed"}) {
    EXPECT_NE(Refusal(call + " == 0"), "accepted") << call;
  }
}

TEST(GateExpression, RefusesQuotedNames) {
  EXPECT_THAT(Refusal("{\"my.metric\"} == 1"), HasSubstr("without quotes"));
  EXPECT_THAT(Refusal("mailhub_host_cpus{\"my.label\"=\"a\"} == 1"),
              HasSubstr("expected a matcher"));
  EXPECT_THAT(Refusal("sum by (\"my.label\") (mailhub_host_cpus) == 1"),
              HasSubstr("without quotes"));
}

TEST(GateExpression, TakesAndRefusesAsPrometheusDoes) {
  EXPECT_NE(Refusal("mailhub_host_cpus{a=\"b\" c=\"d\"} == 1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus{a=~\"(\"} == 1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus{a[=]\"x\"} == 1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus{a=\"\\d\"} == 1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus == 010"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus by by (instance) == 1"), "accepted");
  EXPECT_NE(Refusal("sum(mailhub_host_cpus) by by (instance) == 1"), "accepted");
  EXPECT_NE(Refusal("sum(1) == 1"), "accepted");
  EXPECT_NE(Refusal("rate(mailhub_host_cpus) == 1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus[1m] == 1"), "accepted");
  EXPECT_NE(Refusal("1 + on (a) mailhub_host_cpus == 1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus == on (a) group_left (a) probe_success"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus == group_left probe_success"), "accepted");
  EXPECT_NE(Refusal(std::string(200, '(') + "1"), "accepted");
  EXPECT_NE(Refusal("mailhub_host_cpus == " + std::string(200, '-') + "1"), "accepted");
  Read("mailhub_host_cpus{a=~\"x\\\\.y|z[0-9]+\"} ^ -2 >= - 1 ^ 2");
}

TEST(GateExpression, BoundsWhatEachSelectorReads) {
  const auto read = Read(
      "sum(rate(mailhub_host_cpu_seconds_total{instance=\"a\"}[1m])) / on () mailhub_host_cpus "
      ">= 0.9 and probe_success{ x=\"1\", } == 1 # end");
  const Bounds bounds{"job=\"j\"", "instance=~\"a|b\"", Milliseconds(30'000)};
  EXPECT_EQ(Bounded(read, 0, read.text.size(), bounds),
            "sum(rate(mailhub_host_cpu_seconds_total{job=\"j\",instance=\"a\"}[1m])) / on () "
            "(mailhub_host_cpus{job=\"j\",instance=~\"a|b\"} and "
            "last_over_time(mailhub_host_cpus{job=\"j\",instance=~\"a|b\"}[30000ms])) >= 0.9 and "
            "(probe_success{job=\"j\",instance=~\"a|b\", x=\"1\", } and "
            "last_over_time(probe_success{job=\"j\",instance=~\"a|b\", x=\"1\", }[30000ms])) "
            "== 1 # end");
  EXPECT_EQ(Bounded(read, read.right.begin, read.right.end, bounds), " 0.9 ");
  EXPECT_TRUE(read.selectors[0].rate);
  EXPECT_EQ(read.selectors[1].range, Milliseconds(0));
}

TEST(GateExpression, BoundsWhatFollowsABareGroupLeft) {
  const auto read = Read("probe_success * on (x) group_left mailhub_host_cpus == 1");
  const std::string bounded =
      Bounded(read, 0, read.text.size(), {"job=\"j\"", "instance=~\"a\"", Milliseconds(1)});
  EXPECT_THAT(bounded, HasSubstr("group_left() (mailhub_host_cpus{"));
}

TEST(GateExpression, RefusesClocksAndOtherMoments) {
  EXPECT_THAT(Refusal("time() - mailhub_file_mtime_timestamp_seconds < 60"), HasSubstr("clocks"));
  EXPECT_THAT(Refusal("mailhub_host_cpus offset 5m > 1"), HasSubstr("`offset` is refused"));
  EXPECT_THAT(Refusal("mailhub_host_cpus @ 1 > 1"), HasSubstr("@ is refused"));
  EXPECT_THAT(Refusal("max_over_time(mailhub_host_cpus[5m:1m]) > 1"), HasSubstr("subqueries"));
}

TEST(GateExpression, RefusesInvalidPromQL) {
  EXPECT_THAT(Refusal("mailhub_host_cpus{instance=\"x500} > 1"), HasSubstr("no closing quote"));
  EXPECT_THAT(Refusal("sum(mailhub_host_cpus > 1"), HasSubstr("not closed"));
  EXPECT_THAT(Refusal("mailhub_host_cpus) > 1"), HasSubstr("closes nothing"));
  EXPECT_THAT(Refusal("mailhub_host_cpus{instance=} > 1"), HasSubstr("expected a matcher"));
  EXPECT_THAT(Refusal("mailhub_host_cpus{instance=\"a\" > 1"), HasSubstr("expected , or }"));
  EXPECT_THAT(Refusal("mailhub_host_cpus{instance=\"a\""), HasSubstr("brace is not closed"));
  EXPECT_THAT(Refusal("rate(mailhub_host_cpu_seconds_total[1x]) > 1"),
              HasSubstr("expected a duration like [1m]"));
  EXPECT_THAT(Refusal("rate(mailhub_host_cpu_seconds_total[0s]) > 1"), HasSubstr("duration"));
  EXPECT_THAT(Refusal("1 < mailhub_host_cpus < 3"), HasSubstr("a second comparison"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 5m"), HasSubstr("expected a number"));
  EXPECT_THAT(Refusal("mailhub_host_cpus > 5x"), HasSubstr("is not a number"));
  EXPECT_THAT(Refusal("mailhub_host_cpus; 1"), HasSubstr("';' is not understood"));
  EXPECT_THAT(Refusal("sum by (mailhub_host_cpus > 1"), HasSubstr("expected , or )"));
  EXPECT_THAT(Refusal("sum by (job"), HasSubstr("not closed"));
  EXPECT_THAT(Refusal(std::string(9000, '(')), HasSubstr("longer than 8 KiB"));
}

TEST(GateExpression, RefusesAComparisonThatLacksASide) {
  for (const char* expr :
       {"mailhub_host_cpus > ", "> mailhub_host_cpus", "mailhub_host_cpus > on(instance)",
        "mailhub_host_cpus > 1 and probe_success >", "mailhub_host_cpus > 1 and > probe_success",
        "mailhub_host_cpus > and probe_success > 0", "mailhub_host_cpus <# 1"}) {
    EXPECT_THAT(Refusal(expr), HasSubstr("expected something to compare on both sides")) << expr;
  }
}

TEST(GateExpression, QuotesNothingInARefusalThatIsLongOrSteersATerminal) {
  const std::string word(5'000, 'a');
  for (const std::string& expr :
       {std::string("mailhub_host_cpus > \xff"), std::string("mailhub_host_cpus > \x1b"),
        "1" + word, word + " > 1", word + ":x > 1",
        "rate(mailhub_host_cpus[\x1b" + word + "]) > 1"}) {
    const std::string message = Refusal(expr);
    EXPECT_EQ(message, Printable(message));
    EXPECT_LT(message.size(), 300U) << message;
  }
}

}  // namespace
}  // namespace mailhub::condition
