#include "lib/base/printable.h"

#include <gtest/gtest.h>

namespace mailhub {
namespace {

TEST(Printable, EscapesControlCharactersAndKeepsTheRest) {
  EXPECT_EQ(Printable("plain ünïcode ✓\x1b[2J"), "plain ünïcode ✓\\x1b[2J");
}

TEST(Printable, EscapesInvisibleCharacters) {
  EXPECT_EQ(Printable("a\u00ad\u034f\u115f\u1160\u17b4\u180e\u2800\u3164\ufe0f\uffa0\U000e0100"),
            "a\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u180e\\u2800\\u3164\\ufe0f\\uffa0\\ue0100");
  EXPECT_EQ(Printable("각 漢 ⠁ ａ"), "각 漢 ⠁ ａ");
}

TEST(Printable, AnExcerptEndsBetweenCharactersAndSaysThatItWasCut) {
  EXPECT_EQ(Excerpt("äöü", 6), "äöü");
  EXPECT_EQ(Excerpt("äöü", 5), "äö...");
  EXPECT_EQ(Excerpt("\xff\xff\xff", 8), "\\xff\\xff...") << "what is shown counts";
  EXPECT_EQ(Excerpt("a\nb"), "a\\nb");
  EXPECT_EQ(Excerpt("", 0), "");
  EXPECT_EQ(Excerpt("ä", 0), "...");
}

TEST(Printable, KnowsWhatIsUtf8) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xc3\xa4\xe2\x9c\x93\xf0\x9f\x98\x80"));
  for (const char* text : {"\xe4", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"})
    EXPECT_FALSE(IsUtf8(text)) << Printable(text);
}

}  // namespace
}  // namespace mailhub
