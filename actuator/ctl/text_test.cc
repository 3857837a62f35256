#include "actuator/ctl/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace mailhub::ctl {
namespace {

using ::testing::ElementsAre;

TEST(Text, ShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(Printable("plain ünïcode ✓"), "plain ünïcode ✓");
  EXPECT_EQ(Printable("\x1b[2J\x07"), "\\x1b[2J\\x07");
  EXPECT_EQ(Printable("a\nb\tc\r"), "a\\nb\\tc\\x0d");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m")
      << "the one-character CSI";
  EXPECT_EQ(Printable("\xe2\x80\xaegnp"), "\\u202egnp") << "right-to-left override";
  EXPECT_EQ(Printable(std::string_view("\0x", 2)), "\\x00x");
}

TEST(Text, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(Printable("\xff"
                      "a"),
            "\\xffa");
  EXPECT_EQ(Printable("\xc0\x80"), "\\xc0\\x80") << "overlong";
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(Printable("\xe2\x82"), "\\xe2\\x82") << "cut off";
}

TEST(Text, NeverLetsAnyByteThroughThatIsAControl) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = Printable(std::string(1, static_cast<char>(byte)));
    for (const char c : text) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
  }
}

TEST(Text, SplitsOutputIntoPrintableLines) {
  EXPECT_THAT(PrintableLines("one\n\ntwo\x1b\n"), ElementsAre("one", "", "two\\x1b"));
  EXPECT_THAT(PrintableLines(""), ElementsAre());
}

TEST(Text, ShortensByCharactersNotBytes) {
  EXPECT_EQ(Shortened("äöüäöü", 6), "äöüäöü");
  EXPECT_EQ(Shortened("äöüäöüä", 6), "äöü...");
}

TEST(Text, SaysDurationsAsPeopleDo) {
  EXPECT_EQ(ElapsedText(0.31), "0.3s");
  EXPECT_EQ(ElapsedText(41), "41s");
  EXPECT_EQ(ElapsedText(725), "12m05s");
  EXPECT_EQ(ElapsedText(14'520), "4h02m");
  EXPECT_EQ(ElapsedText(3 * 86'400 + 7'200), "3d02h");
  EXPECT_EQ(ElapsedText(std::nullopt), "-");
}

TEST(Text, AlignsTablesAndKeepsThemPrintable) {
  EXPECT_EQ(Table({"A", "LONG"}, {{"ä", "x\x1b"}, {"bcd", ""}}), "A    LONG\nä    x\\x1b\nbcd\n");
}

TEST(Text, BreaksLinesBetweenWordsAndOnlyTooLongWordsInside) {
  EXPECT_THAT(Wrapped("one two three", 8, 2), ElementsAre("one two", "  three"));
  EXPECT_THAT(Wrapped("  one  two", 80, 2), ElementsAre("  one  two"));
  EXPECT_THAT(Wrapped("äöüäöüäö x", 6, 2), ElementsAre("äöüäöü", "  äö x"));
  EXPECT_THAT(Wrapped("", 10, 2), ElementsAre(""));
  EXPECT_THAT(Wrapped("a b", 0, 9), ElementsAre("a", " b"));
}

TEST(Text, PutsColumnsThatDoNotFitBelowTheirRow) {
  const std::vector<std::string> header = {"ID", "STATE", "BY", "WHY"};
  EXPECT_EQ(Table(header, {{"3f2a", "held", "-", "the gate did not open"}}, 20),
            "ID    STATE  BY\n3f2a  held   -\n    why: the gate\n    did not open\n");
  EXPECT_EQ(Table(header, {{"3f2a", "held", "-", ""}}, 10), "ID\n3f2a\n    state:\n    held\n");
  EXPECT_EQ(Table(header, {{"3f2a", "held", "-", "x y"}}),
            "ID    STATE  BY  WHY\n3f2a  held   -   x y\n");
}

TEST(Text, SaysLocalTimesWithTheirZone) {
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  tzset();
  EXPECT_EQ(LocalTime("2026-03-01T10:00:00.000Z"), "2026-03-01 11:00:00 +0100");
  EXPECT_EQ(LocalTimeOfDay("2026-07-01T10:00:00.000Z"), "12:00:00 +0200");
  EXPECT_EQ(LocalTime(""), "-");
  unsetenv("TZ");
  tzset();
}

TEST(Text, WritesCsvThatNoSpreadsheetExecutes) {
  EXPECT_EQ(Csv({"a", "b"}, {{"=1+1", "say \"x\", y"}}), "a,b\r\n'=1+1,\"say \"\"x\"\", y\"\r\n");
  for (const char* formula : {"=1", "+1", "-1", "@a", " =1", "\t=1", "\r=1",
                              "\xef\xbc\x9d"
                              "1",
                              "\xc2\xa0=1", "\"=1"}) {
    EXPECT_NE(Csv({"a"}, {{formula}}).find("'" + std::string(formula).substr(0, 1)),
              std::string::npos)
        << formula;
    const std::string inner = Csv({"a"}, {{std::string("b;") + formula}});
    EXPECT_NE(inner.find("b;'"), std::string::npos) << formula;
  }
  EXPECT_EQ(Csv({"a"}, {{"b; c"}, {"7"}, {""}, {"\xc3\x96l"}}),
            "a\r\n\"b; c\"\r\n7\r\n\r\n\xc3\x96l\r\n");
}

}  // namespace
}  // namespace mailhub::ctl
