#include "lib/base/log.h"

#include <gmock/gmock.h>

namespace mailhub {
namespace {

using ::testing::EndsWith;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

TEST(Log, QuotesSpecialTextAndEscapesControlCharacters) {
  CaptureStderr();
  LogInfo("said \"so\"", {{"plain", "a-b_c.d/e:1%"},
                          {"blank", "two words"},
                          {"equals", "a=b"},
                          {"nothing", ""},
                          {"steers", "\x1b[2J\\\n\x7f end"},
                          {"other", "\u00e9\u202e\xc2\x9b\x9b"},
                          {"last", "\""}});
  EXPECT_THAT(
      GetCapturedStderr(),
      EndsWith(
          R"( level=info msg="said \"so\"" plain=a-b_c.d/e:1% blank="two words" equals="a=b")"
          R"( nothing="" steers="\u001b[2J\\\n\u007f end" other="é\u202e\u009b\\x9b" last="\"")"
          "\n"));
}

}  // namespace
}  // namespace mailhub
