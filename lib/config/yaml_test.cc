// Every way to be wrong in a configuration file is told with its place; hostile files are bounded.
#include "lib/config/yaml.h"
#include "lib/config/values.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>
#include <cstdio>
#include <sstream>

#include <fstream>

#include "lib/base/printable.h"

namespace mailhub::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kSite[] = R"(hosts:
  x500:
    port: 22
    ratio: 0.9
    up: true
    window: 1m30s
    empty:
    names: [UNS, alias]
    quoted: "a: b"
)";

Node Parse(std::string_view text) {
  auto node = ParseYaml(text, "site.yml");
  EXPECT_TRUE(node) << node.error().message;
  return *node;
}

std::string Mistake(std::string_view text) {
  auto node = ParseYaml(text, "site.yml");
  return node ? "accepted" : node.error().message;
}

TEST(Yaml, ReadsEveryTypeOfScalar) {
  const Node host = Parse(kSite)["hosts"]["x500"];
  EXPECT_EQ(*ReadInt(host["port"], 1, 65535), 22);
  EXPECT_EQ(*ReadNumber(host["ratio"]), 0.9);
  EXPECT_TRUE(*ReadBool(host["up"]));
  EXPECT_EQ(ReadDuration(host["window"])->count(), 90'000);
  EXPECT_THAT(*ReadStrings(host["names"]), ElementsAre("UNS", "alias"));
  EXPECT_EQ(*ReadString(host["quoted"]), "a: b");
}

TEST(Yaml, NamesPlaceFieldAndExpectationOfAWrongValue) {
  const Node host = Parse(kSite)["hosts"]["x500"];
  EXPECT_EQ(ReadInt(host["ratio"], 1, 65535).error().message,
            "site.yml:4:12: hosts.x500.ratio: expected a whole number from 1 to 65535, found "
            "\"0.9\"");
  EXPECT_EQ(ReadInt(host["port"], 100, 200).error().message,
            "site.yml:3:11: hosts.x500.port: expected a whole number from 100 to 200, found "
            "\"22\"");
  EXPECT_EQ(ReadString(host["names"]).error().message,
            "site.yml:8:12: hosts.x500.names: expected text, found a list");
  EXPECT_EQ(ReadBool(host["port"]).error().message,
            "site.yml:3:11: hosts.x500.port: expected true or false, found \"22\"");
  EXPECT_THAT(ReadDuration(host["port"]).error().message,
              StartsWith("site.yml:3:11: hosts.x500.port: \"22\" is not a duration"));
  EXPECT_THAT(ReadString(host["empty"]).error().message, HasSubstr("expected text, found nothing"));
  EXPECT_THAT(ReadNumber(host["quoted"]).error().message, HasSubstr("expected a number"));
}

TEST(Yaml, NamesTheParentOfAMissingKey) {
  const Node missing = Parse(kSite)["hosts"]["x500"]["address"];
  EXPECT_FALSE(missing.Present());
  EXPECT_EQ(ReadString(missing).error().message,
            "site.yml:3:5: hosts.x500.address: missing; expected text");
  EXPECT_FALSE(missing["deeper"].Present());
}

TEST(Yaml, NamesAnUnknownKeyAndTheKnownOnes) {
  const Node host = Parse("port: 1\nprot: 2\n");
  EXPECT_EQ(host.OnlyKeys({"port", "user"}).error().message,
            "site.yml:2:1: prot: unknown key; expected one of: port, user");
  EXPECT_TRUE(host.OnlyKeys({"port", "prot"}));
}

TEST(Yaml, KeepsTheFilesOrder) {
  std::vector<std::string> keys;
  for (const auto& entry : Parse("z: 1\na: 2\nm: 3\n").Entries()) keys.push_back(entry.key);
  EXPECT_THAT(keys, ElementsAre("z", "a", "m"));
}

TEST(Yaml, NamesListItemsByTheirPosition) {
  const auto items = Parse("steps: [{name: a}, {name: [b]}]")["steps"].Items();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_THAT(ReadString(items[1]["name"]).error().message, HasSubstr("steps[1].name"));
}

TEST(Yaml, FollowsAliases) {
  const Node root = Parse("a: &x {port: 1}\nb: *x\n");
  EXPECT_EQ(*ReadInt(root["b"]["port"], 0, 9), 1);
}

TEST(Yaml, RefusesADuplicateKeyWithBothPlaces) {
  EXPECT_EQ(Mistake("a: 1\nb: 2\na: 3\n"), "site.yml:3:1: duplicate key \"a\", first in line 1");
}

TEST(Yaml, RefusesSyntaxErrorsWithTheirPlace) {
  EXPECT_THAT(Mistake("a: [1, 2\nb: 3\n"), StartsWith("site.yml:2:"));
  EXPECT_THAT(Mistake("a: b: c\n"), StartsWith("site.yml:1:"));
  EXPECT_THAT(Mistake("\ta: 1\n"), StartsWith("site.yml:1:"));
}

TEST(Yaml, RefusesEmptyTextsSecondDocumentsTagsAndOddKeys) {
  EXPECT_EQ(Mistake(""), "site.yml:1:1: nothing in here");
  EXPECT_THAT(Mistake("# only a comment\n"), HasSubstr("nothing in here"));
  EXPECT_THAT(Mistake("a: 1\n---\nb: 2\n"), StartsWith("site.yml:2:1: a second document"));
  EXPECT_THAT(Mistake("a: !!binary aGk=\n"), HasSubstr("tags are not read"));
  EXPECT_THAT(Mistake("[a]: 1\n"), HasSubstr("expected a key"));
  EXPECT_THAT(Mistake("~: 1\n"), HasSubstr("expected a key"));
}

// 0x04 ends the text for yaml-cpp: without the check, everything after it would silently not count.
TEST(Yaml, RefusesControlBytesThatWouldEndTheTextEarly) {
  EXPECT_EQ(Mistake(std::string_view("a: 1\nb: \x04 2\n")),
            "site.yml:2:4: byte 0x04 is not text; expected UTF-8");
  EXPECT_THAT(Mistake(std::string_view("a: \0b", 5)), HasSubstr("byte 0x00"));
  EXPECT_EQ(Mistake("a: gr\xc3\xbc\xc3\x9f\n"), "accepted");
}

TEST(Yaml, RefusesBytesThatAreNoUtf8) {
  EXPECT_EQ(Mistake("a: caf\xe9\n"), "site.yml:1:7: byte 0xe9 is not text; expected UTF-8");
  EXPECT_EQ(Mistake("a: b\n\xc3\xa4: \xc3"), "site.yml:2:4: byte 0xc3 is not text; expected UTF-8");
  EXPECT_EQ(Mistake("a: \xc3\xa4\xe2\x9c\x93"), "accepted");
}

TEST(Yaml, RefusesATextThatANulWouldCutShort) {
  const auto text = ReadString(Parse("a: \"rm x\\0y\"\n")["a"]);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("site.yml:1:4: a: expected text without NUL"));
  EXPECT_THAT(Mistake("\"a\\0b\": 1"), HasSubstr("site.yml:1:1: expected a key"));
}

TEST(Yaml, QuotesNothingInAMistakeThatIsLongOrSteersATerminal) {
  const std::string name(900, 'n');  // a key may have 1,024 characters
  const std::string value(5'000, 'v');
  const Node root = Parse("{\"" + name + "\": {\"\\e[2J\": \"\\e" + value + "\"}}");
  const Node inner = root[name]["\x1b[2J"];
  const std::string key = "\"\\e" + name + "\"";
  const std::vector<std::string> messages = {inner.Invalid("found " + value).value().message,
                                             ReadDuration(inner).error().message,
                                             ReadInt(inner, 1, 2).error().message,
                                             root.OnlyKeys({"x"}).error().message,
                                             Mistake("{" + key + ": 1, " + key + ": 2}"),
                                             Mistake("!<!" + value + "> a")};
  for (const std::string& message : messages) {
    EXPECT_EQ(message, Printable(message));
    EXPECT_LT(message.size(), 800U) << message;
  }
}

TEST(Yaml, RefusesTextThatIsNoUtf8) {
  const auto value = ReadString(Parse("a: \"x\\_y\"")["a"]);
  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message, testing::HasSubstr("site.yml:1:4: a: expected UTF-8 text"));
  EXPECT_THAT(Mistake("a: x\xa0y"), testing::HasSubstr("UTF-8"));
  EXPECT_EQ(ReadString(Parse("a: x\xc2\xa0y")["a"]).value_or(""), "x\xc2\xa0y");
}

TEST(Yaml, RefusesKeysThatAreNoUtf8) {
  const auto node = ParseYaml("\"a\\_\": 1\n", "f");
  ASSERT_FALSE(node);
  EXPECT_THAT(node.error().message, HasSubstr("f:1:1: expected a key: UTF-8 text"));
}

TEST(Yaml, PlacesEveryMistakeInsideItsText) {
  for (const char* text : {"a: [1,", "a: \"x", "a:\n  - [\n", "\n\n? [", "!", "%YAML 9\n", "a: *b",
                           "a: |5x\n", "{a: 1", "%TAG", "&"}) {
    const auto node = ParseYaml(text, "f");
    if (node) continue;
    int line = 0;
    int column = 0;
    ASSERT_EQ(std::sscanf(node.error().message.c_str(), "f:%d:%d: ", &line, &column), 2)
        << node.error().message;
    std::istringstream lines(text);
    std::string at;
    for (int i = 0; i < line; ++i) ASSERT_TRUE(std::getline(lines, at)) << node.error().message;
    EXPECT_GE(line, 1) << text;
    EXPECT_GE(column, 1) << text;
    EXPECT_LE(static_cast<size_t>(column), at.size() + 2) << text << ": " << node.error().message;
  }
}

TEST(Yaml, RefusesAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 1; k < 10; ++k) bomb += ", " + last;
    bomb += "]\n";
  }
  EXPECT_THAT(Mistake(bomb), HasSubstr("more than 50000 nodes"));
  EXPECT_THAT(Mistake("a: &a [*a]\n"), HasSubstr("contains itself"));
}

TEST(Yaml, RefusesDeepTextsEvenBehindAliases) {
  const auto nested = [](int levels) {
    return std::string(static_cast<size_t>(levels), '[') +
           std::string(static_cast<size_t>(levels), ']');
  };
  EXPECT_EQ(Mistake(nested(64)), "accepted");
  EXPECT_THAT(Mistake(nested(65)), HasSubstr("deeper than 64"));
  EXPECT_THAT(Mistake(nested(100'000)), HasSubstr("deeper than 64"));
  EXPECT_THAT(Mistake("a: &a " + nested(40) + "\nb: " + std::string(40, '[') + "*a" +
                      std::string(40, ']') + "\n"),
              HasSubstr("deeper than 64"));
}

TEST(Yaml, RefusesWideAndLargeTexts) {
  std::string wide = "[";
  for (int i = 0; i < 50'001; ++i) wide += "x,";
  EXPECT_THAT(Mistake(wide + "]"), HasSubstr("more than 50000 nodes"));
  EXPECT_THAT(Mistake("a: " + std::string(1 << 20, 'x')), HasSubstr("larger than 1 MiB"));
}

// A map of many keys must not take quadratic time to check for duplicates.
TEST(Yaml, ReadsThousandsOfKeys) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(Parse(text).Entries().size(), 20'000u);
}

TEST(Yaml, TellsAMissingFileFromAWrongOne) {
  EXPECT_EQ(LoadYaml("/nonexistent/site.yml").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(LoadYaml("/").error().kind, ErrorKind::kInvalid);
}

TEST(ReadFile, WaitsForNoPipe) {
  const std::string path = ::testing::TempDir() + "/pipe-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(*ReadFile(path), "") << "nobody writes";
  const int writer = ::open(path.c_str(), O_RDWR);
  EXPECT_EQ(ReadFile(path).error().message, path + ": is a pipe that does not end");
  ::close(writer);
  ::unlink(path.c_str());
}

TEST(ReadFile, KeepsToItsLimit) {
  const std::string path = ::testing::TempDir() + "/limit-" + std::to_string(::getpid());
  std::ofstream(path) << "12345";
  EXPECT_EQ(*ReadFile(path, 5), "12345");
  EXPECT_EQ(ReadFile(path, 4).error().kind, ErrorKind::kInvalid);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace mailhub::config
