#include "lib/http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/printable.h"
#include "lib/http/address.h"
#include "lib/http/router.h"

namespace mailhub::http {
namespace {

TEST(Target, DecodesPathAndQuery) {
  Request request;
  ASSERT_TRUE(ParseTarget("/a%20b/c", "target=x500&q=a%2Bb+c&empty&=odd&target=two", &request));
  EXPECT_EQ(request.path, "/a b/c");
  EXPECT_EQ(request.Query("target"), "x500");
  EXPECT_EQ(request.QueryAll("target"), (std::vector<std::string>{"x500", "two"}));
  EXPECT_EQ(request.Query("q"), "a+b c");
  EXPECT_EQ(request.Query("empty"), "");
  EXPECT_FALSE(request.Query("absent").has_value());
}

TEST(Target, RefusesAmbiguousTargets) {
  for (const char* path : {"", "a", "/..", "/a/../b", "/./a", "/a/%2e%2E/b", "/a%", "/a%4", "/a%zz",
                           "/a%00b", "/a%0ab"}) {
    Request request;
    EXPECT_FALSE(ParseTarget(path, "", &request)) << path;
  }
  Request request;
  EXPECT_FALSE(ParseTarget("/", "a=%", &request));
  EXPECT_FALSE(ParseTarget("/", "a=%00", &request));
  EXPECT_TRUE(ParseTarget("/", "a=%0a", &request)) << "an expression may span lines";
}

TEST(Headers, AreFoundInAnyCase) {
  Request request;
  request.headers = {{"AUTHORIZATION", "bearer  abc "}, {"X", "1"}};
  EXPECT_EQ(request.Header("authorization"), "bearer  abc ");
  EXPECT_EQ(request.BearerToken(), "abc");
  EXPECT_EQ(request.Header("y"), "");
  request.headers = {{"Authorization", "Basic abc"}};
  EXPECT_EQ(request.BearerToken(), "");
}

TEST(Headers, DropAValueThatWouldStartALineOfItsOwn) {
  Headers headers{{"location", "old"}};
  SetHeader(&headers, "Location", "/a\r\nSet-Cookie: b");
  EXPECT_TRUE(headers.empty());
}

TEST(Gzip, IsUsedOnlyWhereItIsAccepted) {
  EXPECT_TRUE(AcceptsGzip("gzip"));
  EXPECT_TRUE(AcceptsGzip("br, GZIP;q=0.5"));
  EXPECT_FALSE(AcceptsGzip(""));
  EXPECT_FALSE(AcceptsGzip("gzip;q=0"));
  EXPECT_FALSE(AcceptsGzip("gzip; q=0.0"));
  EXPECT_FALSE(AcceptsGzip("x-gzip-not"));
}

TEST(Router, PrefersTheExactThenTheLongestPattern) {
  Router router;
  const auto named = [](const char* name) {
    return [name](const Request&) { return TextResponse(200, name); };
  };
  router.Add("GET", "/*", named("all"));
  router.Add("GET", "/runs/*", named("run"));
  router.Add("POST", "/runs/*", named("act"));
  router.Add("GET", "/runs/new", named("new"));
  EXPECT_EQ(router.Find("/runs/new")->pattern, "/runs/new");
  EXPECT_EQ(router.Find("/runs/17/log")->pattern, "/runs/*");
  EXPECT_EQ(router.Find("/runs/17")->Allow(), "GET, HEAD, POST");
  EXPECT_EQ(router.Find("/runs")->pattern, "/*");
  EXPECT_EQ(Router().Find("/"), nullptr);
}

TEST(ListenAddress, IsReadInAllItsForms) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:9115")->port, 9115);
  EXPECT_EQ(ParseListenAddress("localhost:1")->host, "127.0.0.1");
  EXPECT_EQ(ParseListenAddress("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseListenAddress(":80")->host, "");
  for (const char* bad : {"", "9115", "host:1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                          "::1:80", "[::1]", "1.2.3:4", "127.0.0.1:1,[::]:2", "127.0.0.1:80s"}) {
    EXPECT_FALSE(ParseListenAddress(bad).has_value()) << bad;
  }
}

TEST(ListenAddress, HoldsNoNul) {
  EXPECT_FALSE(ParseListenAddress(std::string_view("127.0.0.1\0.9:80", 14)));
}

TEST(ListenAddress, IsQuotedInARefusalOnlyAsFarAsAScreenMayHaveIt) {
  const auto address = ParseListenAddress("\x1b[2J" + std::string(10'000, 'x'));
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().message, Printable(address.error().message));
  EXPECT_LT(address.error().message.size(), 300U);
}

TEST(ListenAddress, IsLoopbackOnlyIfNoOtherMachineCanReachIt) {
  EXPECT_TRUE(IsLoopback("127.0.0.1:1"));
  EXPECT_TRUE(IsLoopback("127.9.9.9:1"));
  EXPECT_TRUE(IsLoopback("[::1]:1"));
  EXPECT_TRUE(IsLoopback("localhost:1"));
  for (const char* open : {":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "nonsense"})
    EXPECT_FALSE(IsLoopback(open)) << open;
}

}  // namespace
}  // namespace mailhub::http
