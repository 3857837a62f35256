#include "actuator/ctl/mistyped.h"

#include <gtest/gtest.h>

namespace mailhub::ctl {
namespace {

TEST(Mistyped, FindsTheCommandThatWasMeant) {
  const std::vector<std::string> known = {"list", "log", "show", "start", "resume", "resolve"};
  EXPECT_EQ(Closest("lst", known), "list");
  EXPECT_EQ(Closest("strat", known), "start");
  EXPECT_EQ(Closest("resum", known), "resume");
  EXPECT_EQ(Closest("resovle", known), "resolve");
  EXPECT_EQ(Closest("xyzzy", known), "");
  EXPECT_EQ(Closest(std::string(10'000, 'x'), known), "");
}

TEST(Mistyped, ListsTheCommands) {
  EXPECT_EQ(MistypedText("run", "lst", {"show", "list"}),
            "no command 'run lst'; did you mean 'run list'? There are: list, show");
  EXPECT_EQ(MistypedText("", "\x1b[2J", {"run"}), "no command '\\x1b[2J'; There are: run");
  EXPECT_EQ(MistypedText("run", "", {"show", "list"}), "run: which command? list, show");
}

}  // namespace
}  // namespace mailhub::ctl
