// A proxy and this server must see the same headers, and the same end of a request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::StartsWith;

class HeadTest : public testing::Test {
 protected:
  HeadTest() : server_(ServerOptions{}) {
    server_.Handle("GET", "/hello", [](const Request&) { return TextResponse(200, "hello"); });
    server_.Handle("POST", "/echo", [this](const Request& request) {
      ++echoes_;
      return TextResponse(200, request.body);
    });
    const Status started = server_.Start();
    EXPECT_TRUE(started.has_value()) << started.error().message;
  }
  std::string Ask(const std::string& request) const {
    RawClient client(server_.Port());
    client.Send(request);
    return client.ReceiveAll();
  }

  std::atomic<int> echoes_{0};
  Server server_;
};

std::string Headers(int count) {
  std::string headers;
  for (int i = 0; i < count; ++i) headers += "X-" + std::to_string(i) + ": x\r\n";
  return headers;
}

TEST_F(HeadTest, IsRefusedWhenAHeaderOfItWouldNotBeSeen) {
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\n";
  const std::string hidden = "Content-Length: 30\r\n\r\nGET /hello HTTP/1.1\r\nHost: t\r\n\r\n";
  EXPECT_THAT(Ask(head + Headers(63) + hidden), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask(head + Headers(100) + hidden), StartsWith("HTTP/1.1 431 "));
  for (const char* line :
       {": no name\r\n", " folded\r\n", "Name : blank\r\n", "X: y\r\n folded\r\n",
        "X:\r\n folded\r\n", "no colon\r\n", "\x80: y\r\n"}) {
    const std::string answer = Ask(std::string(head).append(line).append(hidden));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 ")) << line;
    EXPECT_EQ(answer.find("HTTP/1.1", 8), std::string::npos) << line << answer;
  }
  EXPECT_THAT(Ask("POST /echo HTTP/1.0\r\n: x\r\n" + hidden), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(echoes_, 0);
}

TEST_F(HeadTest, SaysOnceWhereItGoes) {
  EXPECT_THAT(Ask("GET /hello HTTP/1.1\r\nHost: t\r\nhost: t\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(HeadTest, IsTakenWhenItIsWhole) {
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: t\r\n" + Headers(61) +
                  "Content-Length: 2\r\nConnection: close\r\n\r\nok"),
              StartsWith("HTTP/1.1 431 "))
      << "64 with the other three";
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: t\r\n" + Headers(60) +
                  "Content-Length: 2\r\nConnection: close\r\n\r\nok"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask("GET /hello HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Ask("GET /hello HTTP/1.1\r\nHost:t\r\nX:\r\nConnection: close\r\nY: \r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(HeadTest, IsAnsweredThoughItAsksForNoPageOfOurs) {
  EXPECT_THAT(
      Ask("GET http://elsewhere.example.org/ HTTP/1.1\r\nHost: elsewhere.example.org\r\n\r\n"),
      StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("CONNECT elsewhere.example.org:443 HTTP/1.1\r\nHost: t\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace mailhub::http
