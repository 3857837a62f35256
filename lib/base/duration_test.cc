#include "lib/base/duration.h"

#include <gtest/gtest.h>

#include "lib/base/printable.h"

namespace mailhub {
namespace {

TEST(Duration, ReadsPrometheusNotation) {
  EXPECT_EQ(*ParseDuration("90s"), Milliseconds(90'000));
  EXPECT_EQ(*ParseDuration("1h30m"), Milliseconds(5'400'000));
  EXPECT_EQ(*ParseDuration("500ms"), Milliseconds(500));
  EXPECT_EQ(*ParseDuration("35d"), Milliseconds(35LL * 86'400'000));
  EXPECT_EQ(*ParseDuration("0"), Milliseconds(0));
}

TEST(Duration, RefusesInvalidText) {
  for (const char* text : {"", "s", "5", "1x", "-5s", "5m1h", "5s5s", "1.5h", "11y", "5 s", "5S",
                           "99999999999999999999s", "10y10y"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
  }
}

TEST(Duration, ARefusalQuotesNothingThatIsLongOrSteersATerminal) {
  const auto parsed = ParseDuration("5\x1b" + std::string(10'000, 'x'));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, Printable(parsed.error().message));
  EXPECT_LT(parsed.error().message.size(), 300U);
}

TEST(Duration, WritesTheShortFormThatReadsBack) {
  for (const char* text : {"1h30m", "90d", "500ms", "1m1s", "0s"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
}

}  // namespace
}  // namespace mailhub
