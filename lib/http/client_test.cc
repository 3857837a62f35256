#include "lib/http/client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::HasSubstr;

SteadyTime Now() {
  return BootClock::now();
}

// Answers every connection's first request with the same bytes, then closes. "-" means no bytes.
class Canned {
 public:
  explicit Canned(std::string answer)
      : answer_(std::move(answer)), fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(listen(fd_, 5), 0);
    if (answer_ != "-") thread_ = std::jthread([this] { Serve(); });
  }
  ~Canned() {
    shutdown(fd_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(fd_);
  }
  Canned(const Canned&) = delete;
  Canned& operator=(const Canned&) = delete;
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  void Serve() const {
    while (true) {
      const int client = accept(fd_, nullptr, nullptr);
      if (client < 0) return;
      std::array<char, 4096> request{};
      if (recv(client, request.data(), request.size(), 0) > 0) {
        send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      close(client);
    }
  }

  const std::string answer_;
  const int fd_;
  int port_ = 0;
  std::jthread thread_;
};

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    server_.Handle("GET", "/big",
                   [](const Request&) { return TextResponse(200, std::string(100'000, 'x')); });
    server_.Handle("GET", "/away", [](const Request&) {
      Response response = TextResponse(302, "over there");
      response.headers.emplace_back("Location", "/big");
      return response;
    });
    const auto show = [this](const Request& request) {
      ++seen_;
      Response response = TextResponse(
          500, request.Authorization().empty() ? "nobody" : std::string(request.Authorization()));
      response.headers.emplace_back("X-Body", request.body);
      response.headers.emplace_back("X-Type", std::string(request.Header("content-type")));
      response.headers.emplace_back("X-Custom", std::string(request.Header("x-custom")));
      return response;
    };
    server_.Handle("GET", "/show", show);
    server_.Handle("POST", "/show", show);
    ASSERT_TRUE(server_.Start().has_value());
  }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_.Port()) + path;
  }

  Server server_{ServerOptions{}};
  std::atomic<int> seen_{0};
};

TEST_F(ClientTest, BringsEveryAnswerBackWhole) {
  Client client;
  auto big = client.Get(Url("/big"));
  ASSERT_TRUE(big.has_value()) << big.error().message;
  EXPECT_TRUE(big->Succeeded());
  EXPECT_EQ(big->body.size(), 100'001U);
  EXPECT_EQ(big->Header("content-encoding"), "gzip") << "and yet the body is plain";
  RequestOptions options;
  options.headers = {{"X-Custom", "yes"}};
  auto posted = client.Post(Url("/show"), "a body", "text/x", options);
  ASSERT_TRUE(posted.has_value()) << posted.error().message;
  EXPECT_EQ(posted->status, 500) << "an answer is an answer";
  EXPECT_EQ(posted->Header("x-body"), "a body");
  EXPECT_EQ(posted->Header("x-type"), "text/x");
  EXPECT_EQ(posted->Header("x-custom"), "yes");
  auto plain = client.Get(Url("/show"));
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->Header("x-custom"), "") << "nothing is left over from the request before";
}

TEST_F(ClientTest, ReadsTheTokenAnewForEveryRequest) {
  TempDir directory;
  ClientOptions options;
  options.bearer_token_file = directory.Write("token", "one\n");
  Client client(options);
  EXPECT_EQ(client.Get(Url("/show"))->body, "Bearer one\n");
  directory.Write("token", "two");
  EXPECT_EQ(client.Get(Url("/show"))->body, "Bearer two\n");
  directory.Write("token", " \n");
  EXPECT_EQ(client.Get(Url("/show")).error().kind, ErrorKind::kInvalid);
}

TEST_F(ClientTest, NamesATokenFileThatHoldsMoreThanOneWord) {
  TempDir directory;
  ClientOptions options;
  for (const char* text : {"one\ntwo\n", "one two\n"}) {
    options.bearer_token_file = directory.Write("token", text);
    Client client(options);
    const auto answer = client.Get(Url("/show"));
    ASSERT_FALSE(answer) << text;
    EXPECT_THAT(answer.error().message, HasSubstr(options.bearer_token_file + ": holds"));
  }
}

TEST_F(ClientTest, GoesOnlyWhereItIsSent) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  Client client;
  auto away = client.Get(Url("/away"));
  unsetenv("http_proxy");
  ASSERT_TRUE(away.has_value()) << away.error().message;
  EXPECT_EQ(away->status, 302);
  EXPECT_EQ(client.Get("file:///etc/passwd").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(client.Get("no url at all").error().kind, ErrorKind::kInvalid);
}

TEST_F(ClientTest, StopsReadingATooLongAnswer) {
  Client client;
  RequestOptions options;
  options.max_response_bytes = 1000;
  auto result = client.Get(Url("/big"), options);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
}

TEST_F(ClientTest, MayBeContentWithTheStatusOfATooLongAnswer) {
  Client client;
  RequestOptions options;
  options.max_response_bytes = 1000;
  options.status_suffices = true;
  const auto result = client.Get(Url("/big"), options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body.size(), 1000U);
  EXPECT_EQ(client.Get(Url("/big"))->body.size(), 100'001U) << "the next one is whole";
}

TEST_F(ClientTest, LetsNoHeaderSmuggleAnother) {
  Client client;
  RequestOptions options;
  options.headers = {{"X-Custom", "a\r\nAuthorization: b"}};
  EXPECT_EQ(client.Get(Url("/show"), options).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(seen_, 0);
}

TEST(Client, CallsAClosedPortUnreachableForEveryMethod) {
  std::string url;
  {
    Canned gone("-");
    url = gone.Url();
  }
  Client client;
  EXPECT_EQ(client.Get(url).error().kind, ErrorKind::kUnreachable);
  EXPECT_EQ(client.Post(url, "x", "text/plain").error().kind, ErrorKind::kUnreachable);
}

TEST(Client, CallsAPostWithoutAWholeAnswerUnknown) {
  for (const char* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}) {
    Canned server(answer);
    Client client;
    EXPECT_EQ(client.Post(server.Url(), "x", "text/plain").error().kind,
              ErrorKind::kOutcomeUnknown);
    EXPECT_EQ(client.Get(server.Url()).error().kind, ErrorKind::kUnreachable);
    RequestOptions query;
    query.idempotent = true;
    EXPECT_EQ(client.Post(server.Url(), "x", "text/plain", query).error().kind,
              ErrorKind::kUnreachable);
  }
}

TEST(Client, GivesUpAtItsDeadline) {
  Canned silent("-");
  Client client;
  RequestOptions options;
  options.timeout = Milliseconds(200);
  const SteadyTime start = Now();
  EXPECT_EQ(client.Get(silent.Url(), options).error().kind, ErrorKind::kUnreachable);
  EXPECT_EQ(client.Post(silent.Url(), "x", "text/plain", options).error().kind,
            ErrorKind::kOutcomeUnknown);
  EXPECT_LT(Now() - start, Milliseconds(2000));
}

TEST(Client, GivesUpWhenTheProgramEnds) {
  Canned silent("-");
  std::atomic<bool> cancelled{true};
  ClientOptions options;
  options.cancelled = &cancelled;
  Client client(options);
  const SteadyTime start = Now();
  auto result = client.Get(silent.Url());
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("shutting down"));
  EXPECT_LT(Now() - start, Milliseconds(2000));
}

TEST(UrlEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(UrlEncode("aZ9-._~"), "aZ9-._~");
  EXPECT_EQ(UrlEncode("a b&c=d/\xc3\xa9%"), "a%20b%26c%3Dd%2F%C3%A9%25");
}

}  // namespace
}  // namespace mailhub::http
