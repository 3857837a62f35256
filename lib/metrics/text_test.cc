// The page: escaped, ordered, each family once.
#include "lib/metrics/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mailhub::metrics {
namespace {

constexpr Metric kUp{"mailhub_up", "Line one\nline \\two."};
constexpr Metric kCount{"mailhub_count_total", "A count.", Type::Counter};

TEST(Text, EscapesHelpAndLabels) {
  Families families;
  families.Add(kUp, {{"name", "a\"b\\c\nd"}}, 1);
  EXPECT_EQ(ToText(families),
            "# HELP mailhub_up Line one\\nline \\\\two.\n"
            "# TYPE mailhub_up gauge\n"
            "mailhub_up{name=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Text, SortsFamiliesAndSeries) {
  Families families;
  families.Add(kUp, {{"name", "b"}}, 0);
  families.Add(kCount, {}, 2.5);
  families.Add(kUp, {{"name", "a"}}, 1);
  EXPECT_EQ(ToText(families),
            "# HELP mailhub_count_total A count.\n"
            "# TYPE mailhub_count_total counter\n"
            "mailhub_count_total 2.5\n"
            "# HELP mailhub_up Line one\\nline \\\\two.\n"
            "# TYPE mailhub_up gauge\n"
            "mailhub_up{name=\"a\"} 1\n"
            "mailhub_up{name=\"b\"} 0\n");
}

TEST(Text, HasAFamilyOnceHoweverManyCollectorsAddToIt) {
  Families one;
  one.Add(kUp, {{"name", "b"}}, 0);
  Families other;
  other.Add(kUp, {{"name", "a"}}, 1);
  one.Merge(std::move(other));
  const std::string page = ToText(one);
  EXPECT_EQ(page.find("# HELP"), page.rfind("# HELP"));
  EXPECT_THAT(page, ::testing::HasSubstr("{name=\"a\"} 1\nmailhub_up{name=\"b\"} 0\n"));
}

// Prometheus would otherwise reject the whole page.
TEST(Text, HasASeriesOnceAndWithItsLastValue) {
  Families families;
  families.Add(kUp, {{"name", "a"}}, 0);
  families.Add(kUp, {{"name", "b"}}, 0);
  families.Add(kUp, {{"name", "a"}}, 1);
  EXPECT_THAT(ToText(families),
              ::testing::HasSubstr("gauge\nmailhub_up{name=\"a\"} 1\nmailhub_up{name=\"b\"} 0\n"));
}

TEST(Text, KeepsTheDigitsOfLargeNumbers) {
  Families families;
  families.Add(kUp, {}, 1795450438.536);
  families.Add(kCount, {}, 524288000);
  EXPECT_THAT(ToText(families), ::testing::HasSubstr("mailhub_up 1795450438.536\n"));
  EXPECT_THAT(ToText(families), ::testing::HasSubstr("mailhub_count_total 524288000\n"));
}

TEST(Text, WritesNumbersAsPrometheusReadsThem) {
  const auto line = [](double value) {
    Families families;
    families.Add(kUp, {}, value);
    const std::string page = ToText(families);
    return page.substr(page.rfind(' ') + 1);
  };
  EXPECT_EQ(line(0), "0\n");
  EXPECT_EQ(line(-3), "-3\n");
  EXPECT_EQ(line(100000), "100000\n");
  EXPECT_EQ(line(0.1), "0.1\n");
  EXPECT_EQ(line(0.0001), "0.0001\n");
  EXPECT_EQ(line(-0.00025), "-0.00025\n");
  EXPECT_EQ(line(0.00001), "1e-05\n");
  EXPECT_EQ(line(1e20), "100000000000000000000\n");
  EXPECT_EQ(line(1e22), "1e+22\n");
  EXPECT_EQ(line(std::nan("")), "NaN\n");
  EXPECT_EQ(line(-INFINITY), "-Inf\n");
}

TEST(Text, WritesAHistogramAsBucketsSumAndCount) {
  Families families;
  families.Add({"mailhub_seconds", "Took.", Type::Histogram}, {{"host", "a"}},
               Sample::Histogram{3, 2.5, {{1, 0.5}, {3, INFINITY}}});
  EXPECT_EQ(ToText(families),
            "# HELP mailhub_seconds Took.\n"
            "# TYPE mailhub_seconds histogram\n"
            "mailhub_seconds_bucket{host=\"a\",le=\"0.5\"} 1\n"
            "mailhub_seconds_bucket{host=\"a\",le=\"+Inf\"} 3\n"
            "mailhub_seconds_sum{host=\"a\"} 2.5\n"
            "mailhub_seconds_count{host=\"a\"} 3\n");
}

TEST(OpenMetrics, NamesCountersWithoutTheirSuffixAndEnds) {
  Families families;
  families.Add({"a_total", "Say \"a\\b\".", Type::Counter}, {{"x", "\"y\""}}, 2);
  families.Add({"b", "B."}, {}, 1.5);
  families.Add({"odd", "No suffix.", Type::Counter}, {}, 1);
  EXPECT_EQ(ToText(families, Format::kOpenMetrics),
            "# HELP a Say \\\"a\\\\b\\\".\n"
            "# TYPE a counter\n"
            "a_total{x=\"\\\"y\\\"\"} 2\n"
            "# HELP b B.\n"
            "# TYPE b gauge\n"
            "b 1.5\n"
            "# HELP odd No suffix.\n"
            "# TYPE odd unknown\n"
            "odd 1\n"
            "# EOF\n");
  EXPECT_EQ(ToText({}, Format::kOpenMetrics), "# EOF\n");
}

TEST(OpenMetrics, SpellsEachBoundInOneWay) {
  Families families;
  families.Add({"s", "S.", Type::Histogram}, {},
               Sample::Histogram{4, 2.5, {{1, 0.5}, {2, 1}, {3, 1e22}, {4, INFINITY}}});
  const std::string page = ToText(families, Format::kOpenMetrics);
  for (const char* bound : {"0.5", "1.0", "1e+22", "+Inf"})
    EXPECT_THAT(page, ::testing::HasSubstr(std::string("s_bucket{le=\"") + bound + "\"} "));
  EXPECT_THAT(page, ::testing::HasSubstr("\ns_sum 2.5\ns_count 4\n# EOF\n"));
}

}  // namespace
}  // namespace mailhub::metrics
