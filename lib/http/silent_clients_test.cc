// Clients that connect and send nothing, or not enough, cost one descriptor each and delay no other
// client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "lib/http/client.h"
#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t kSilent = 500;
constexpr Milliseconds kSoon{1'000};
constexpr Milliseconds kAtOnce{100};
constexpr int kRounds = 3;  // the fastest counts: the machine may have other work
constexpr const char* kGet = "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n";
// Refused before its body is read; the body never comes.
constexpr const char* kRefusedPost =
    "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n";
// The body does not come.
constexpr const char* kPost = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n";

SteadyTime Now() {
  return BootClock::now();
}

// A TLS client's first message.
std::string ClientHello() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* connection = SSL_new(context);
  BIO* sent = BIO_new(BIO_s_mem());
  SSL_set_bio(connection, BIO_new(BIO_s_mem()), sent);
  SSL_connect(connection);
  std::array<char, 4096> bytes{};
  const int size = BIO_read(sent, bytes.data(), bytes.size());
  SSL_free(connection);
  SSL_CTX_free(context);
  return {bytes.data(), static_cast<size_t>(size)};
}

class SilentClientsTest : public testing::Test {
 protected:
  SilentClientsTest() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    options_.max_connections = 32;
    options_.before_body = [this](const Request&) {
      ++requests_;
      requests_.notify_all();
      return std::nullopt;
    };
  }
  // Until this many have got a worker.
  void AwaitRequests(int count) const {
    for (int seen = requests_; seen < count; seen = requests_) requests_.wait(seen);
  }
  void Start(bool tls) {
    if (tls) {
      if (!std::filesystem::exists(directory_.Path("web.crt"))) {
        MakeCertificate(directory_, "ca");
        MakeCertificate(directory_, "web", "ca");
      }
      const std::string file = directory_.Write(
          "web.yml", "tls_server_config: {cert_file: web.crt, key_file: web.key}\n");
      options_.web_config = WebConfig::Load(file).value();
    }
    server_ = std::make_unique<Server>(options_);
    server_->Handle("GET", "/hello", [](const Request&) { return TextResponse(200, "hello"); });
    server_->Handle("GET", "/stream", [](const Request&) {
      Response response;
      response.stream = Stream{.next = [](std::string*) { return true; }, .heartbeat = ""};
      return response;
    });
    server_->Handle("POST", "/echo",
                    [](const Request& request) { return TextResponse(200, request.body); });
    const Status started = server_->Start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }
  void Open(size_t count, const std::string& said) {
    for (size_t i = 0; i < count; ++i) {
      silent_.push_back(std::make_unique<RawClient>(server_->Port()));
      if (!said.empty()) silent_.back()->Send(said);
    }
  }
  Milliseconds StopTime() const {
    const SteadyTime start = Now();
    server_->Stop();
    return Now() - start;
  }
  void ExpectAnAnswerSoon(bool tls, Milliseconds soon = kSoon) {
    ClientOptions options;
    if (tls) options.ca_file = directory_.Path("ca.crt");
    const std::string url = std::string(tls ? "https" : "http") +
                            "://127.0.0.1:" + std::to_string(server_->Port()) + "/hello";
    const SteadyTime start = Now();
    const auto answer = Client(options).Get(url);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_LT(Now() - start, soon);
  }
  // For a request whose body comes a moment after its head.
  void ExpectAnAnswerToABodySoon() const {
    const SteadyTime start = Now();
    RawClient client(server_->Port());
    client.Send(kPost);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    client.Send("hello");
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 200 "));
    EXPECT_LT(Now() - start, kSoon);
  }

  std::atomic<int> requests_{0};
  TempDir directory_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<RawClient>> silent_;
};

TEST_F(SilentClientsTest, DelayNoOtherClient) {
  Start(false);
  Open(kSilent, "");
  Open(50, "GET /hello HTTP/1.1\r\nHost: ");
  ExpectAnAnswerSoon(false);
  EXPECT_LT(StopTime(), kSoon);
}

TEST_F(SilentClientsTest, DelayNoOtherClientWithTls) {
  Start(true);
  Open(kSilent, "");
  Open(50, "\x16\x03\x01");
  ExpectAnAnswerSoon(true);
}

TEST_F(SilentClientsTest, GiveWayWhenTheyBeginTlsAndDoNotGoOn) {
  Start(true);
  Open(32, ClientHello());
  ExpectAnAnswerSoon(true, 2 * kSoon);
}

TEST_F(SilentClientsTest, HaveNobodyElseSentAwayWhenTooManyBeginTls) {
  Start(true);
  const std::string hello = ClientHello();
  for (int i = 0; i < 1'200; ++i) {
    silent_.push_back(std::make_unique<RawClient>(server_->Port(), "127.0.0.77"));
    silent_.back()->Send(hello);
  }
  for (int i = 0; i < 3; ++i) ExpectAnAnswerSoon(true, 2 * kSoon);
}

TEST_F(SilentClientsTest, GiveWaySoonWhenTheyEndTheHandshakeAndSayNoMore) {
  Start(true);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  const std::string place = "127.0.0.1:" + std::to_string(server_->Port());
  std::vector<std::unique_ptr<BIO, decltype(&BIO_free_all)>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back(BIO_new_ssl_connect(context), &BIO_free_all);
    BIO_set_conn_hostname(clients.back().get(), place.c_str());
    const SteadyTime start = Now();
    ASSERT_EQ(BIO_do_handshake(clients.back().get()), 1) << i;
    EXPECT_LT(Now() - start, kSoon) << i;
  }
  ExpectAnAnswerSoon(true);
  clients.clear();
  SSL_CTX_free(context);
}

TEST_F(SilentClientsTest, DelayNoOtherClientByTheirBodies) {
  Start(false);
  Open(200, kPost);
  ExpectAnAnswerSoon(false);
}

// With the actuator's smallest number of connections, and its streams.
TEST_F(SilentClientsTest, DelayNoOtherClientByTheirBodiesAndStreams) {
  options_.max_connections = 10;
  options_.max_streams = 7;
  const std::string stream = "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n";
  for (const auto& [first, second] : {std::pair{stream, std::string(kPost)}, {kPost, stream}}) {
    Start(false);
    Open(60, first);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    Open(60, second);
    for (int i = 0; i < 5; ++i) {
      ExpectAnAnswerSoon(false);
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    silent_.clear();
  }
}

// The server itself refuses each of these requests, and its client does not close.
TEST_F(SilentClientsTest, DelayNoOtherClientWhenTheyAreRefusedAndStay) {
  const std::string too_many = [] {
    std::string head = "GET /hello HTTP/1.1\r\nHost: t\r\n";
    for (int i = 0; i < 64; ++i) head += "X: y\r\n";
    return head + "\r\n";
  }();
  for (const std::string& said : std::initializer_list<std::string>{
           "XX\r\n\r\n",
           "GET /hello HTTP/3.0\r\nHost: t\r\n\r\n",
           "GET http://elsewhere/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
           "GET /hello HTTP/1.1\r\n\r\n",
           "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n",
           "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: x\r\n\r\n",
           "GET /hello HTTP/1.1\r\nHost: t\r\n X: y\r\n\r\n",
           too_many,
           kRefusedPost,
       }) {
    Start(false);
    Open(kSilent, said);
    ExpectAnAnswerSoon(false);
    ExpectAnAnswerToABodySoon();
    for (const auto& client : {silent_.front().get(), silent_.back().get()}) {
      EXPECT_THAT(client->Receive(), StartsWith("HTTP/1.1 ")) << said;
    }
    silent_.clear();
  }
}

TEST_F(SilentClientsTest, GiveWayWhenTheyIdleAndAnotherNeedsTheWorker) {
  options_.max_connections = 2;
  options_.max_streams = 0;
  options_.keep_alive = Seconds(30);
  Start(false);
  RawClient idle(server_->Port());
  idle.Send(kGet);
  EXPECT_THAT(idle.Receive(), HasSubstr("keep-alive"));
  RawClient busy(server_->Port());
  busy.Send(kPost);
  AwaitRequests(2);
  ExpectAnAnswerSoon(false);
}

// Without a wake-up, civetweb looks by itself only 2 s later.
TEST_F(SilentClientsTest, DoNotEvenHaveToComeForAServerToAnswerAndToStopAtOnce) {
  for (int i = 0; i < 10; ++i) {
    Start(false);
    if (i % 2 == 0) ExpectAnAnswerSoon(false);
    EXPECT_LT(StopTime(), kSoon);
  }
}

TEST_F(SilentClientsTest, KeepNoServerFromStopping) {
  options_.keep_alive = Seconds(30);
  options_.request_timeout = Seconds(30);
  Milliseconds fastest = kSoon;
  for (int i = 0; i < kRounds; ++i) {
    requests_ = 0;
    silent_.clear();
    Start(false);
    Open(50, "");
    Open(50, "GET /hello HTTP/1.1\r\n");
    Open(3, kPost);
    Open(3, kGet);
    for (size_t n = 103; n < 106; ++n) EXPECT_THAT(silent_[n]->Receive(), HasSubstr("keep-alive"));
    AwaitRequests(6);
    fastest = std::min(fastest, StopTime());
    EXPECT_THAT(silent_[100]->ReceiveAll(), StartsWith("HTTP/1.1 503 "));
  }
  EXPECT_LT(fastest, kAtOnce);
}

TEST_F(SilentClientsTest, KeepNoServerFromStoppingWithTls) {
  options_.request_timeout = Seconds(30);
  Milliseconds fastest = kSoon;
  for (int i = 0; i < kRounds; ++i) {
    silent_.clear();
    Start(true);
    Open(20, "");
    Open(20, ClientHello());
    fastest = std::min(fastest, StopTime());
  }
  EXPECT_LT(fastest, kAtOnce);
}

TEST_F(SilentClientsTest, AreSentAwayWhenTheirTimeIsUp) {
  options_.request_timeout = Milliseconds(100);
  Start(false);
  RawClient silent(server_->Port());
  EXPECT_TRUE(silent.ClosedWithin(kSoon));
  RawClient slow(server_->Port());
  slow.Send("GET /hello HTTP/1.1\r\n");
  EXPECT_THAT(slow.ReceiveAll(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(SilentClientsTest, LeaveOneAfterTheOtherWhenTheyAreTooMany) {
  Start(false);
  Open(1'100, "");
  EXPECT_TRUE(silent_.front()->ClosedWithin(kSoon)) << "who has waited longest";
  ExpectAnAnswerSoon(false);
}

}  // namespace
}  // namespace mailhub::http
