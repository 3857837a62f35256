#include "lib/base/digest.h"

#include <gtest/gtest.h>

namespace mailhub {
namespace {

TEST(Digest, IsTheKnownSha256OfAbc) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(RandomHex, GivesAsManyDigitsAsAskedAndNeverTheSameTwice) {
  const std::string first = RandomHex(128);
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(first.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(first, RandomHex(128));
}

TEST(EqualInConstantTime, TellsEqualFromDifferent) {
  EXPECT_TRUE(EqualInConstantTime("secret", "secret"));
  EXPECT_FALSE(EqualInConstantTime("secret", "secreu"));
  EXPECT_FALSE(EqualInConstantTime("secret", "secret "));
  EXPECT_FALSE(EqualInConstantTime("", "x"));
}

}  // namespace
}  // namespace mailhub
