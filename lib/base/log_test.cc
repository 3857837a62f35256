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
                          {"last", "\""}});
  EXPECT_THAT(
      GetCapturedStderr(),
      EndsWith(R"( level=info msg="said \"so\"" plain=a-b_c.d/e:1% blank="two words" equals="a=b")"
               R"( nothing="" steers="\u001b[2J\\\n\u007f end" last="\"")"
               "\n"));
}

}  // namespace
}  // namespace mailhub
