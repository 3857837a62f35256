// A secret is one line without the space around it; each mistake has its message.
#include "lib/config/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mailhub::config {
namespace {

using testing::HasSubstr;

class SecretTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::string Holding(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return path_;
  }

  const std::string path_ = testing::TempDir() + "secret_test." +
                            std::to_string(testing::UnitTest::GetInstance()->random_seed()) +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(SecretTest, IsALineWithoutTheSpaceAroundIt) {
  EXPECT_EQ(*ReadSecret(Holding("  two words\r\n\n")), "two words");
  EXPECT_EQ(*ReadSecret(Holding("gr\xc3\xbc\xc3\x9f")), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(*ReadToken(Holding("\tabc\n")), "abc");
}

TEST_F(SecretTest, SaysWhatIsWrong) {
  const auto why = [&](const std::string& text) {
    return ReadSecret(Holding(text)).error().message;
  };
  EXPECT_THAT(why(" \n"), HasSubstr(path_ + ": is empty"));
  EXPECT_THAT(why("a\nb"), HasSubstr("expected one line of printable characters"));
  EXPECT_THAT(why(std::string("a\0b", 3)), HasSubstr("one line of printable characters"));
  EXPECT_THAT(why("a\xff"), HasSubstr("one line of printable characters"));
  EXPECT_THAT(why(std::string(5'000, 'a')), HasSubstr("larger than 4096 bytes"));
  EXPECT_THAT(ReadToken(Holding("two words")).error().message,
              HasSubstr("holds more than one word"));
  EXPECT_EQ(ReadToken(path_ + ".none").error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace mailhub::config
