#include "lib/base/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace mailhub {
namespace {

std::string Nested(size_t depth, const char* open, const char* end) {
  std::string text;
  for (size_t i = 0; i < depth; ++i) text += open;
  for (size_t i = 0; i < depth; ++i) text += end;
  return text;
}

TEST(Nesting, CountsWhatIsOpenAtOnce) {
  EXPECT_FALSE(IsNestedDeeperThan(Nested(3, "[", "]"), 3));
  EXPECT_TRUE(IsNestedDeeperThan(Nested(4, "[", "]"), 3));
  EXPECT_TRUE(IsNestedDeeperThan(Nested(4, R"({"a":)", "}"), 3));
  EXPECT_TRUE(IsNestedDeeperThan("[{\"a\":[", 2)) << "it need not end";
  EXPECT_FALSE(IsNestedDeeperThan("[[],[],[],[],[]]", 2));
  EXPECT_FALSE(IsNestedDeeperThan("", 0));
}

TEST(Nesting, LooksPastStrings) {
  EXPECT_FALSE(IsNestedDeeperThan(R"(["[[[[", "\"[[[", "\\"])", 1));
  EXPECT_TRUE(IsNestedDeeperThan(R"(["\\",[[]]])", 2));
  EXPECT_FALSE(IsNestedDeeperThan("[\"[[[[\\", 1)) << "a string that does not end";
}

TEST(Nesting, KnowsSignsThatAParserPassesOver) {
  EXPECT_FALSE(HasSignsOutsideJson(R"({"mode": "observe"})"));
  EXPECT_TRUE(HasSignsOutsideJson(std::string_view("{}\0", 3)));
  EXPECT_TRUE(HasSignsOutsideJson("\xef\xbb\xbf{}"));
  EXPECT_FALSE(HasSignsOutsideJson("\"\xef\xbb\xbf\""))
      << "within a string it is a sign like any other";
}

}  // namespace
}  // namespace mailhub
