// Which prefix follows from which flags, and what is refused.
#include "lib/http/public_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailhub::http {
namespace {

using testing::HasSubstr;

std::string Read(const std::string& url, const std::optional<std::string>& prefix = std::nullopt) {
  const auto read = ReadPublicUrl(url, prefix);
  return read ? read->base + " | " + read->prefix : read.error().message;
}

TEST(PublicUrl, GivesItsPathToTheRoutesUnlessAPrefixIsGiven) {
  EXPECT_EQ(Read(""), " | ");
  EXPECT_EQ(Read("http://a.example.org"), "http://a.example.org | ");
  EXPECT_EQ(Read("https://a:9110/x/y/"), "https://a:9110/x/y | /x/y");
  EXPECT_EQ(Read("http://[::1]:9110/x"), "http://[::1]:9110/x | /x");
  EXPECT_EQ(Read("/x/"), " | /x");
  EXPECT_EQ(Read("https://a/x", "/"), "https://a/x | ");
  EXPECT_EQ(Read("https://a/x", ""), "https://a/x | ");
  EXPECT_EQ(Read("https://a/x", "y/z/"), "https://a/x | /y/z");
  EXPECT_EQ(Read("", "/y"), " | /y");
}

TEST(PublicUrl, RefusesWhatIsNoPlainUrl) {
  for (const char* wrong :
       {"a.example.org", "ftp://a/", "\"http://a/\"", "http://", "http:///x", "http://u:p@a/",
        "http://a/x?y=1", "http://a/x#y", "http://a/../x", "http://a/x//y", "http://a/x y",
        "http://a/<b>", "javascript:alert(1)", "http://:9110/"}) {
    EXPECT_THAT(Read(wrong), HasSubstr("--web.external-url")) << wrong;
    EXPECT_THAT(Read(wrong), HasSubstr("expected a URL like")) << wrong;
  }
  EXPECT_THAT(Read("http://" + std::string(2'000, 'a')), HasSubstr("expected"));
  for (const char* wrong : {"/a b", "/../a", "/a//b", "/a?b", "/a\"", "/%2e"})
    EXPECT_THAT(Read("", wrong), HasSubstr("--web.route-prefix")) << wrong;
}

}  // namespace
}  // namespace mailhub::http
