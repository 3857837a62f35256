#include "actuator/ctl/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Text, WritesCsvThatNoSpreadsheetExecutes) {
  EXPECT_EQ(Csv({"a", "b"}, {{"=1+1", "say \"x\", y"}}), "a,b\r\n'=1+1,\"say \"\"x\"\", y\"\r\n");
}

}  // namespace
}  // namespace mailhub::ctl
