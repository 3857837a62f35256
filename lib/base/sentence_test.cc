// Sentences with places for values.
#include "lib/base/sentence.h"

#include <gtest/gtest.h>

namespace mailhub {
namespace {

enum class Waits { kPlain, kLock, kLast };
constexpr auto WordsOf(Waits) {
  using enum Waits;
  return Vocabulary<Waits>({
      {kPlain, "it waits"},
      {kLock, "run {run} ({runbook}) has a lock that this run needs"},
      {kLast, "it waits for {what}"},
  });
}

TEST(Sentence, HasAValueInEachPlace) {
  EXPECT_EQ(Say<Waits::kPlain>(), "it waits");
  EXPECT_EQ(Say<Waits::kLock>(std::string("3f2a"), "restart"),
            "run 3f2a (restart) has a lock that this run needs");
  EXPECT_EQ(Say<Waits::kLast>("x500"), "it waits for x500");
}

TEST(Sentence, AValueWithBracesIsNoPlace) {
  EXPECT_EQ(Say<Waits::kLock>("{runbook}", "{}"),
            "run {runbook} ({}) has a lock that this run needs");
}

}  // namespace
}  // namespace mailhub
