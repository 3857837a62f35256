// Words of an enumeration. The compiler refuses a value without a word.
#include "lib/base/words.h"

#include <gtest/gtest.h>

namespace mailhub {
namespace {

enum class Mode { kActive, kObserve, kHalted };
constexpr auto WordsOf(Mode) {
  using enum Mode;
  return Vocabulary<Mode>({{kActive, "active"}, {kObserve, "observe"}, {kHalted, "halted"}});
}

TEST(Words, GoBothWays) {
  for (const Mode mode : All<Mode>()) EXPECT_EQ(Named<Mode>(Name(mode)), mode);
  EXPECT_STREQ(Name(Mode::kObserve), "observe");
  EXPECT_EQ(Named<Mode>("kObserve"), std::nullopt);
  EXPECT_EQ(Named<Mode>(""), std::nullopt);
}

TEST(Words, AreListedForMessages) {
  EXPECT_EQ(Choices<Mode>(), "active, observe or halted");
}

TEST(Words, AValueThatIsNoneHasNoWord) {
  EXPECT_STREQ(Name(static_cast<Mode>(3)), "?");
  EXPECT_EQ(Named<Mode>("?"), std::nullopt);
}

}  // namespace
}  // namespace mailhub
