// With raw sockets: the server's behaviour with misbehaving clients.
#include "lib/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

SteadyTime Now() {
  return BootClock::now();
}

std::string Get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n";
}
std::string Post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// Sends one byte every 50 ms during its lifetime.
std::jthread Drip(RawClient* client) {
  return std::jthread([client](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested() && client->Send("x")) {
      std::condition_variable_any().wait_for(lock, stop, Milliseconds(50), [] { return false; });
    }
  });
}

// A gate that blocks a handler until the test opens it.
class Gate {
 public:
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, Seconds(5), [this] { return open_; });
  }
  void AwaitVisitor() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Seconds(5), [this] { return waiting_ > 0; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.request_timeout = Milliseconds(600);
    options_.max_connections = 6;
    options_.max_streams = 2;
    options_.max_body_bytes = 1000;
  }
  void Start() {
    server_ = std::make_unique<Server>(options_);
    server_->Handle("GET", "/hello", [](const Request&) { return TextResponse(200, "hello"); });
    server_->Handle("POST", "/echo", [this](const Request& request) {
      ++echoes_;
      Response response;
      response.body = request.body;
      return response;
    });
    server_->Handle("GET", "/big",
                    [](const Request&) { return TextResponse(200, std::string(50'000, 'x')); });
    server_->Handle("POST", "/long",
                    [this](const Request& request) {
                      gate_.Pass();
                      return TextResponse(200, std::to_string(request.body.size()));
                    },
                    {.bytes = 5'000, .long_at_once = 1});
    server_->Handle("GET", "/throw",
                    [](const Request&) -> Response { throw std::runtime_error("no"); });
    server_->Handle("GET", "/gate", [this](const Request&) {
      gate_.Pass();
      return TextResponse(200, "passed");
    });
    server_->Handle("GET", "/stream", [this](const Request&) {
      Response response;
      response.content_type = "text/event-stream";
      response.stream = Stream{[this, n = 0](std::string* chunk) mutable {
                                 if (n < 3) *chunk = "data: " + std::to_string(n++) + "\n\n";
                                 ++ticks_;
                                 return true;
                               },
                               ":\n\n"};
      return response;
    });
    server_->Handle("GET", "/count", [](const Request&) {
      Response response;
      response.stream = Stream{[n = 0](std::string* chunk) mutable {
                                 *chunk = std::to_string(n);
                                 return ++n < 3;
                               },
                               ""};
      return response;
    });
    const Status started = server_->Start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  std::string Ask(const std::string& request) const {
    RawClient client(server_->Port());
    client.Send(request);
    return client.Receive();
  }
  // Waits until it is true; the streams' workers need a moment.
  template <typename Condition>
  static bool Eventually(Condition condition) {
    const SteadyTime deadline = Now() + Seconds(5);
    while (Now() < deadline) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  ServerOptions options_;
  Gate gate_;
  std::atomic<int> echoes_{0};
  std::atomic<int> ticks_{0};
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  Start();
  RawClient client(server_->Port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/hello"));
    EXPECT_THAT(client.Receive(),
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Connection: keep-alive\r\n"),
                      HasSubstr("Date: "), HasSubstr("X-Content-Type-Options: nosniff\r\n"),
                      EndsWith("\r\n\r\nhello\n")));
  }
  client.Send(Get("/hello", "Connection: close\r\n"));
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("Connection: close\r\n"));
}

TEST_F(ServerTest, AnswersRequestsThatCameTogetherInTheirOrder) {
  Start();
  RawClient client(server_->Port());
  client.Send(Post("/echo", "one") + Post("/echo", "two"));
  EXPECT_THAT(client.Receive(), EndsWith("one"));
  EXPECT_THAT(client.Receive(), EndsWith("two"));
}

TEST_F(ServerTest, LeavesTheBodyOutForHead) {
  Start();
  RawClient client(server_->Port());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_THAT(client.Receive(true), HasSubstr("Content-Length: 6\r\n"));
  client.Send(Get("/hello"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, SaysWhichPagesAndMethodsItHas) {
  Start();
  EXPECT_THAT(Ask(Get("/nowhere")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask(Post("/hello", "")),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
  EXPECT_THAT(Ask("OPTIONS /echo HTTP/1.1\r\nHost: t\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(ServerTest, RefusesMalformedRequests) {
  Start();
  const std::vector<std::pair<std::string, std::string>> cases{
      {"nonsense\r\n\r\n", "400"},
      {"GET /hello HTTP/1.1\r\n\r\n", "400"},  // no Host
      {"GET /hello HTTP/3.0\r\nHost: t\r\n\r\n", "505"},
      {Get("/hello/../hello"), "400"},
      {Get("/hel%lo"), "400"},
      {Get("/hello%00"), "400"},
      {Get("/hello?" + std::string(5000, 'q')), "414"},
      {Get("/hello", "X: " + std::string(20'000, 'x') + "\r\n"), "431"},
      {Get("/hello", "X: " + std::string(100'000, 'x') + "\r\n"), "431"},
      {"POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"},
      {"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: +1\r\n\r\na", "400"},
      {"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nExpect: tea\r\n\r\na", "417"},
  };
  for (const auto& [request, status] : cases) {
    EXPECT_THAT(Ask(request), StartsWith("HTTP/1.1 " + status + " ")) << request.substr(0, 120);
  }
  EXPECT_EQ(echoes_, 0);
  EXPECT_THAT(Ask(Get("/hello")), StartsWith("HTTP/1.1 200 "));
}

// RFC 9112, 6.3: a request with neither Content-Length nor Transfer-Encoding has no body.
TEST_F(ServerTest, TakesAPostWithoutALengthForOneWithoutABody) {
  Start();
  for (const char* connection : {"keep-alive", "close"}) {
    EXPECT_THAT(Ask(std::string("POST /echo HTTP/1.1\r\nHost: t\r\nConnection: ") + connection +
                    "\r\n\r\n"),
                StartsWith("HTTP/1.1 200 "));
  }
  EXPECT_EQ(echoes_, 2);
  RawClient client(server_->Port());
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\n\r\n" + Get("/hello"));
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(client.Receive(), HasSubstr("hello")) << "the next request begins where it should";
}

TEST_F(ServerTest, RefusesALongBodyBeforeItIsSent) {
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Ask(Post("/echo", std::string(1000, 'x'))), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(echoes_, 1);
}

TEST_F(ServerTest, TakesLongerBodiesWhereTheRouteDoesAndFewOfThemAtOnce) {
  Start();
  RawClient first(server_->Port());
  first.Send(Post("/long", std::string(5'000, 'x')));
  gate_.AwaitVisitor();
  EXPECT_THAT(Ask(Post("/long", std::string(1'001, 'x'))), StartsWith("HTTP/1.1 503 "));
  gate_.Open();
  EXPECT_THAT(first.Receive(), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(Eventually([this] {
    return Ask(Post("/long", std::string(1'001, 'x'))).ends_with("1001\n");
  })) << "its place is free again";
  EXPECT_THAT(Ask(Post("/long", std::string(5'001, 'x'))), StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AsksTheHookBeforeALongBodyIsJudged) {
  options_.before_body = [](const Request& request) -> std::optional<Response> {
    if (request.BearerToken() == "t") return std::nullopt;
    return TextResponse(401, "no token");
  };
  Start();
  EXPECT_THAT(Ask("POST /long HTTP/1.1\r\nHost: t\r\nContent-Length: 5001\r\n\r\n"),
              StartsWith("HTTP/1.1 401 "));
}

TEST_F(ServerTest, LetsAClientThatSendsALongBodyAnywaySeeTheRefusal) {
  Start();
  EXPECT_THAT(Ask(Post("/echo", std::string(300'000, 'x'))), StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AsksForTheBodyOfAClientThatWaitsForThat) {
  Start();
  RawClient client(server_->Port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReceiveUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("abc");
  EXPECT_THAT(client.Receive(), EndsWith("abc"));
}

TEST_F(ServerTest, LeavesARequestWhoseHeadComesTooSlowly) {
  Start();
  RawClient client(server_->Port());
  const SteadyTime start = Now();
  client.Send("GET /hello HTTP/1.1\r\nX: ");
  const std::jthread drip = Drip(&client);
  EXPECT_THAT(client.ReceiveAll(), StartsWith("HTTP/1.1 408 "));
  EXPECT_LT(Now() - start, Milliseconds(2500));
}

TEST_F(ServerTest, AnswersInTimeWhenABodyComesDropByDrop) {
  Start();
  RawClient client(server_->Port());
  const SteadyTime start = Now();
  client.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 900\r\n\r\n");
  const std::jthread drip = Drip(&client);
  EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 408 "));
  EXPECT_LT(Now() - start, Milliseconds(2500));
  EXPECT_EQ(echoes_, 0);
}

TEST_F(ServerTest, CallsNoHandlerForABodyThatBreaksOff) {
  Start();
  {
    RawClient client(server_->Port());
    client.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 900\r\n\r\nhalf");
  }
  EXPECT_THAT(Ask(Get("/hello")), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(echoes_, 0);
}

TEST_F(ServerTest, CompressesLongAnswersForThoseWhoAcceptIt) {
  Start();
  EXPECT_THAT(Ask(Get("/big", "Accept-Encoding: gzip\r\n")),
              AllOf(HasSubstr("Content-Encoding: gzip\r\n"), HasSubstr("Vary: Accept-Encoding\r\n"),
                    HasSubstr("\x1f\x8b")));
  EXPECT_THAT(Ask(Get("/big")),
              AllOf(Not(HasSubstr("Content-Encoding")), HasSubstr("Content-Length: 50001\r\n")));
  EXPECT_THAT(Ask(Get("/hello", "Accept-Encoding: gzip\r\n")), EndsWith("hello\n"));
}

TEST_F(ServerTest, TurnsAnExceptionIntoA500) {
  Start();
  EXPECT_THAT(Ask(Get("/throw")), AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("no\n"))));
}

TEST_F(ServerTest, AsksTheHookBeforeTheBodyIsRead) {
  options_.before_body = [](const Request& request) -> std::optional<Response> {
    if (request.BearerToken() == "right") return std::nullopt;
    return TextResponse(401, "no");
  };
  Start();
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n"),
              StartsWith("HTTP/1.1 401 "));
  EXPECT_EQ(echoes_, 0);
  EXPECT_THAT(Ask("POST /echo HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer "
                  "right\r\nContent-Length: 2\r\n\r\nok"),
              EndsWith("ok"));
}

TEST_F(ServerTest, ServesManyClientsAtOnce) {
  Start();
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> clients(12);
    for (std::jthread& one : clients) {
      one = std::jthread([&] {
        for (int n = 0; n < 10; ++n) {
          if (Ask(Post("/echo", "hi")).ends_with("hi")) ++good;
        }
      });
    }
  }
  EXPECT_EQ(good, 120);
}

TEST_F(ServerTest, DoesNotLetIdleConnectionsKeepOthersWaiting) {
  options_.max_connections = 2;
  options_.max_streams = 0;
  options_.keep_alive = Seconds(30);
  Start();
  RawClient first(server_->Port());
  first.Send(Get("/hello"));
  EXPECT_THAT(first.Receive(), HasSubstr("Connection: keep-alive\r\n"));
  RawClient second(server_->Port());
  second.Send(Get("/hello"));
  EXPECT_THAT(second.Receive(), HasSubstr("Connection: close\r\n")) << "all workers were taken";
  const SteadyTime start = Now();
  EXPECT_THAT(Ask(Get("/hello")), StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(Now() - start, Seconds(2));
}

TEST_F(ServerTest, TellsAboutFinishedRequestsByRoute) {
  std::mutex mutex;
  std::vector<std::string> seen;
  options_.on_finished = [&](std::string_view route, int status, Milliseconds) {
    std::lock_guard lock(mutex);
    seen.push_back(std::string(route) + " " + std::to_string(status));
  };
  Start();
  Ask(Get("/hello?x=1"));
  Ask(Get("/nowhere"));
  Ask("nonsense\r\n\r\n");
  server_->Stop();
  EXPECT_THAT(seen, UnorderedElementsAre("/hello 200", " 404", " 400"));
}

TEST_F(ServerTest, StreamsInChunksToTheEnd) {
  Start();
  RawClient client(server_->Port());
  client.Send(Get("/count"));
  EXPECT_THAT(client.ReceiveUntil("0\r\n\r\n"),
              AllOf(HasSubstr("Transfer-Encoding: chunked\r\n"),
                    EndsWith("\r\n\r\n1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n")));
  client.Send(Get("/hello"));
  EXPECT_THAT(client.Receive(), EndsWith("hello\n")) << "the connection goes on";
  RawClient old(server_->Port());
  old.Send("GET /count HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.ReceiveAll(), AllOf(Not(HasSubstr("chunked")), EndsWith("\r\n\r\n012")));
}

TEST_F(ServerTest, BoundsTheStreamsAndFreesThePlaceOfAClientThatLeft) {
  Start();
  auto first = std::make_unique<RawClient>(server_->Port());
  RawClient second(server_->Port());
  for (RawClient* client : {first.get(), &second}) {
    client->Send(Get("/stream"));
    EXPECT_THAT(client->ReceiveUntil("data: 2"), HasSubstr("data: 2"));
  }
  EXPECT_THAT(Ask(Get("/stream")), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After")));
  first.reset();
  EXPECT_TRUE(Eventually([&] {
    RawClient again(server_->Port());
    again.Send(Get("/stream"));
    return again.Receive(true).starts_with("HTTP/1.1 200");
  }));
}

TEST_F(ServerTest, EndsStreamsWhenItStops) {
  Start();
  RawClient client(server_->Port());
  client.Send(Get("/stream"));
  client.ReceiveUntil("data: 2");
  const SteadyTime start = Now();
  server_->Stop();
  EXPECT_LT(Now() - start, Seconds(2));
  EXPECT_THAT(client.ReceiveAll(), EndsWith("0\r\n\r\n"));
}

TEST_F(ServerTest, LetsRequestsInProgressFinishWhenItStops) {
  Start();
  RawClient client(server_->Port());
  client.Send(Get("/gate"));
  gate_.AwaitVisitor();
  std::jthread stopper([&] { server_->Stop(); });
  EXPECT_TRUE(Eventually([&] { return Ask(Get("/hello")).starts_with("HTTP/1.1 503 "); }));
  gate_.Open();
  EXPECT_THAT(client.ReceiveAll(), EndsWith("passed\n"));
}

TEST_F(ServerTest, StopsAtOnceThoughConnectionsIdle) {
  options_.keep_alive = Seconds(30);
  options_.request_timeout = Seconds(30);
  Start();
  RawClient idle(server_->Port());
  idle.Send(Get("/hello"));
  idle.Receive();
  RawClient half(server_->Port());
  half.Send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 900\r\n\r\nhalf");
  const SteadyTime start = Now();
  server_->Stop();
  EXPECT_LT(Now() - start, Seconds(2));
  EXPECT_EQ(server_->Port(), 0);
}

TEST_F(ServerTest, LivesBesideOthersAndOnIpv6) {
  Start();
  ServerOptions options;
  options.listen_addresses = {"[::1]:0"};
  Server other(options);
  other.Handle("GET", "/who",
               [](const Request& request) { return TextResponse(200, request.remote_address); });
  ASSERT_TRUE(other.Start().has_value());
  RawClient client(other.Port(), true);
  client.Send(Get("/who"));
  EXPECT_THAT(client.Receive(), EndsWith("::1\n"));
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello\n"));
}

TEST_F(ServerTest, SaysWhyItCannotStart) {
  Start();
  ServerOptions taken;
  taken.listen_addresses = {"127.0.0.1:" + std::to_string(server_->Port())};
  const Status status = Server(taken).Start();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().kind, ErrorKind::kRefused);
  EXPECT_THAT(status.error().message, HasSubstr("in use"));
  ServerOptions bad;
  bad.listen_addresses = {"everywhere"};
  EXPECT_EQ(Server(bad).Start().error().kind, ErrorKind::kInvalid);
  bad = ServerOptions{};
  bad.max_streams = bad.max_connections;
  EXPECT_EQ(Server(bad).Start().error().kind, ErrorKind::kInvalid);
}

TEST_F(ServerTest, SurvivesGarbage) {
  Start();
  std::mt19937 random(17);
  const std::string good =
      Post("/echo?a=%20b&c=d", "body") + Get("/hello", "Accept-Encoding: gzip\r\n");
  for (int i = 0; i < 150; ++i) {
    std::string bad = good;
    for (unsigned n = random() % 4; n <= 4; ++n)
      bad[random() % bad.size()] = static_cast<char>(random());
    RawClient client(server_->Port());
    client.Send(bad.substr(0, random() % bad.size()));
  }
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello\n"));
}

}  // namespace
}  // namespace mailhub::http
