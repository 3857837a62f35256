// The first mistake counts, a missing key is told from a bad one, and names have the characters
// that their place can carry.
#include "lib/config/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::config {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

enum class Colour { kRed, kGreen };
constexpr auto WordsOf(Colour) {
  using enum Colour;
  return Vocabulary<Colour>({{kRed, "red"}, {kGreen, "green"}});
}

Node Parse(std::string_view text) {
  auto node = ParseYaml(text, "/etc/mailhub/a.yml");
  EXPECT_TRUE(node) << node.error().message;
  return *node;
}

// The value under `a` as the rule makes it, or its mistake without the file's path.
template <typename Rule, typename... Args>
auto Read(const std::string& value, Rule&& rule, Args&&... args) {
  Reader in;
  return in.Finish(in.Required(Parse("a: " + value)["a"], rule, args...));
}
template <typename T>
std::string WhyNot(const Result<T>& read) {
  return read ? "accepted" : read.error().message.substr(sizeof "/etc/mailhub/a.yml");
}

TEST(Reader, KeepsTheFirstMistakeAndGoesOn) {
  const Node root = Parse("{a: x, b: y, c: 3}");
  Reader in;
  EXPECT_FALSE(in.Failed());
  EXPECT_EQ(in.Required(root["c"], ReadInt, 1, 9), 3);
  EXPECT_EQ(in.Required(root["a"], ReadInt, 1, 9), 0);
  EXPECT_TRUE(in.Failed());
  in.Keep(root["b"].Invalid("later"));
  in.Keys(root, {"a"});
  in.Need(root["d"], "a letter");
  EXPECT_EQ(in.Required(root["c"], ReadInt, 1, 9), 3) << "to be thrown away";
  EXPECT_EQ(WhyNot(in.Finish(7)), "1:5: a: expected a whole number from 1 to 9, found \"x\"");
  EXPECT_EQ(in.Finish(7).error().kind, ErrorKind::kInvalid);
}

TEST(Reader, GivesWhatWasReadWithoutAMistake) {
  Reader in;
  in.Keys(Parse("a: x"), {"a"});
  in.Need(Parse("a: x")["a"], "a letter");
  EXPECT_EQ(in.Finish(std::string("all")).value(), "all");
}

TEST(Reader, LeavesADefaultAloneWhereTheKeyIsMissing) {
  const Node root = Parse("{count: 3, empty: , wrong: x}");
  size_t count = 5;
  Reader in;
  in.Optional(root["absent"], &count, ReadInt, 1, 9);
  EXPECT_EQ(count, 5U);
  in.Optional(root["count"], &count, ReadInt, 1, 9);
  EXPECT_EQ(count, 3U);
  in.Optional(root["wrong"], &count, ReadInt, 1, 9);
  EXPECT_TRUE(in.Failed());
  Reader other;
  other.Optional(root["empty"], &count, ReadInt, 1, 9);
  EXPECT_TRUE(other.Failed()) << "a key without a value is not missing";
}

TEST(Reader, SaysWhatIsMissingAndWhatIsUnknown) {
  const Node root = Parse("{a: x}");
  const auto why = [&](auto&& read) {
    Reader in;
    read(in);
    return WhyNot(in.Finish(0));
  };
  EXPECT_EQ(why([&](Reader& in) { in.Required(root["b"], ReadString); }),
            "1:1: b: missing; expected text");
  EXPECT_EQ(why([&](Reader& in) { in.Need(root["b"], "a letter"); }),
            "1:1: b: missing; expected a letter");
  EXPECT_EQ(why([&](Reader& in) {
              in.Keys(root, {"b", "c"});
            }),
            "1:2: a: unknown key; expected one of: b, c");
}

TEST(Rules, TextHasNoControlCharactersButThoseThatAreAllowed) {
  EXPECT_EQ(*Read("\"x y\"", PlainText), "x y");
  for (const char* text : {R"("x\ny")", R"("x\ty")", R"("x\x7f")", R"("x\e")"}) {
    EXPECT_EQ(WhyNot(Read(text, PlainText)),
              "1:4: a: must not hold line ends or other control characters")
        << text;
  }
  EXPECT_EQ(*Read(R"("x\ty")", TextWith, "\t"), "x\ty");
  EXPECT_FALSE(Read(R"("x\ny")", TextWith, "\t"));
  EXPECT_TRUE(Read(std::string(4096, 'x'), PlainText));
  EXPECT_EQ(WhyNot(Read(std::string(4097, 'x'), PlainText)), "1:4: a: longer than 4096 bytes");
}

TEST(Rules, APathIsAbsoluteOrRelativeToItsFile) {
  EXPECT_EQ(*Read("/b/c", AbsolutePath), "/b/c");
  EXPECT_EQ(WhyNot(Read("b/c", AbsolutePath)), "1:4: a: expected an absolute path, found \"b/c\"");
  EXPECT_EQ(*Read("/b//../c", PathFromFile), "/c");
  EXPECT_EQ(*Read("../b", PathFromFile), "/etc/b");
  EXPECT_EQ(WhyNot(Read("[]", PathFromFile)), "1:4: a: expected text, found a list");
}

TEST(Rules, WordsDurationsAndPairsSayWhatWasExpected) {
  EXPECT_EQ(*Read("green", Choice<Colour>), Colour::kGreen);
  EXPECT_EQ(WhyNot(Read("blue", Choice<Colour>)), "1:4: a: expected red or green, found \"blue\"");
  EXPECT_EQ(*Read("2s", AtLeast, Milliseconds(2000)), Milliseconds(2000));
  EXPECT_EQ(WhyNot(Read("1s", AtLeast, Milliseconds(2000))), "1:4: a: shorter than 2s");
  EXPECT_THAT(*Read("{x: 1, y: z}", Pairs), ElementsAre(Pair("x", "1"), Pair("y", "z")));
  EXPECT_EQ(WhyNot(Read("[x]", Pairs)),
            "1:4: a: expected a map from names to values, found a list");
  EXPECT_EQ(WhyNot(Read("{x: []}", Pairs)), "1:8: a.x: expected text, found a list");
  EXPECT_EQ(*Read("b-1", Allowed, kLabels, "a label"), "b-1");
  EXPECT_EQ(WhyNot(Read("b.1", Allowed, kLabels, "a label")),
            "1:4: a: expected a label, found \"b.1\"");
}

// Each list with what it allows, what it refuses, and how long a name may be.
TEST(Names, HaveTheCharactersThatTheirPlaceCanCarry) {
  struct Case {
    AllowList list;
    std::vector<std::string> allowed;
    std::vector<std::string> refused;
  };
  const std::vector<Case> cases = {
      {kLabels, {"a", "_a", "Z-9_z"}, {"1a", "-a", "a.b"}},
      {kIdentifiers, {"1st", "_", "a-"}, {"-a", "a.b", "a:b"}},
      {kHostNames, {"hub1.example.org", "_a", "1-a"}, {"-oProxy", ".a", "a:b"}},
      {kAddresses, {"::1", "10.0.0.1", "my_host"}, {"-oProxy", ".a", "[::1]"}},
      {kAliases, {"[::1]:22", "HUB2", ".a"}, {"-a", "a@b"}},
      {kServiceNames, {"exim@out.service", "a-b"}, {"-H.service", ".a", "../x", "a$b"}},
      {kWindowsServiceNames, {"MSSQL$X", "A (b) #+{}&"}, {" a", "-a", ".a", "a'b", "a\"b", "a;b"}},
      {kHeaders, {"X-Scope-OrgID", "-a", "a_b"}, {"a:b", "a.b"}},
      {kPrometheusLabels, {"replica", "_a1", std::string(1000, 'a')}, {"1a", "a-b", "a.b"}}};
  for (const auto& [list, allowed, refused] : cases) {
    for (const std::string& name : allowed) EXPECT_TRUE(list.Allows(name)) << name;
    for (const std::string& name : refused) EXPECT_FALSE(list.Allows(name)) << name;
    for (const char* never : {"", "a\n", "a/b", "\xc3\xa4", "a%"}) {
      EXPECT_FALSE(list.Allows(never)) << never;
    }
    EXPECT_FALSE(list.Allows(std::string("a\0b", 3)));
    if (list.longest == std::string::npos) continue;
    EXPECT_TRUE(list.Allows(std::string(list.longest, 'a')));
    EXPECT_FALSE(list.Allows(std::string(list.longest + 1, 'a')));
  }
}

TEST(Names, PrintableIsOneLineOfAscii) {
  EXPECT_TRUE(IsPrintableAscii(" ~"));
  EXPECT_TRUE(IsPrintableAscii(""));
  for (const char* text : {"a\n", "a\tb", "\x7f", "\xc3\xa4"}) EXPECT_FALSE(IsPrintableAscii(text));
}

}  // namespace
}  // namespace mailhub::config
