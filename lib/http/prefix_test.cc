// Pages below a prefix: what is found, who is asked for a login, and where "/" leads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/request_limit.h"
#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string Ask(const Server& server, const std::string& line) {
  RawClient client(server.Port());
  client.Send(line + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  return client.Receive();
}

TEST(RoutePrefix, IsNoPartOfAPagesName) {
  ServerOptions options;
  options.route_prefix = "/mail/hub";
  std::vector<std::string> judged;
  options.before_body = [&](const Request& request) -> std::optional<Response> {
    judged.push_back(request.path);
    return std::nullopt;
  };
  Server server(options);
  server.Handle("GET", "/", [](const Request&) { return TextResponse(200, "begin"); });
  server.Handle("GET", "/x/*",
                [](const Request& request) { return TextResponse(200, request.path); });
  ASSERT_TRUE(server.Start());
  EXPECT_THAT(Ask(server, "GET /mail/hub/"),
              AllOf(StartsWith("HTTP/1.1 200"), EndsWith("begin\n")));
  EXPECT_THAT(Ask(server, "GET /mail/hub/x/y"), EndsWith("/x/y\n"));
  EXPECT_THAT(Ask(server, "GET /mail%2Fhub/x/y"), EndsWith("/x/y\n"));
  EXPECT_EQ(judged, (std::vector<std::string>{"/", "/x/y", "/x/y"}));
  for (const char* begin : {"GET /", "GET /mail/hub"}) {
    EXPECT_THAT(Ask(server, begin),
                AllOf(StartsWith("HTTP/1.1 302"), HasSubstr("\r\nLocation: /mail/hub/\r\n")));
  }
  for (const char* outside : {"GET /x/y", "GET /mail/hubx/y", "POST /", "GET /mail"})
    EXPECT_THAT(Ask(server, outside), StartsWith("HTTP/1.1 404")) << outside;
}

TEST(RequestLimit, RefusesFurtherOnesAndForgetsThoseThatAreOver) {
  const RequestLimit limit(1);
  Handler inner;
  const Handler outer = limit.Around([&](const Request& request) { return inner(request); });
  inner = limit.Around([](const Request&) { return TextResponse(200, "done"); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outer({}).status, 503) << "one is under way";
  EXPECT_EQ(inner({}).status, 200);
  const RequestLimit none(0);
  EXPECT_EQ(none.Around(outer)({}).status, 503);
  EXPECT_EQ(none.Around([](const Request&) { return TextResponse(200, ""); })({}).status, 200);
}

}  // namespace
}  // namespace mailhub::http
