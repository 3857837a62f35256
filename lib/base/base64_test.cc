#include "lib/base/base64.h"

#include <gtest/gtest.h>

namespace mailhub {
namespace {

TEST(Base64, GivesBackWhatItWasGiven) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(EncodeBase64("light work"), "bGlnaHQgd29yaw==");
}

TEST(Base64, RefusesIncompleteText) {
  for (const char* text :
       {"b", "bG", "bGl", "bGlnaHQgd29yaw=", "bGlnaHQgd29yaw", "bGlnaHQgd29yaw===", "bGln aHQ",
        "bGlnaHQgd29yax==", "====", "b===", "bG=n"}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace mailhub
