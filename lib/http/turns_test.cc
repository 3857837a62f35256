// A client that sends many requests one behind the other, or has left, keeps no other client
// waiting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCount = "GET /count HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr const char* kHeld = "GET /held HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr Milliseconds kSoon{1'000};

std::string Times(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

int Answers(std::string_view received) {
  int count = 0;
  for (size_t at = received.find("HTTP/1.1 "); at != std::string_view::npos;
       at = received.find("HTTP/1.1 ", at + 1)) {
    ++count;
  }
  return count;
}

class TurnsTest : public testing::Test {
 protected:
  TurnsTest() { options_.max_streams = 0; }
  void TearDown() override { Release(); }
  void Start(int workers) {
    options_.max_connections = workers;
    server_ = std::make_unique<Server>(options_);
    server_->Handle("GET", "/count", [this](const Request&) {
      ++counted_;
      return TextResponse(200, "counted");
    });
    server_->Handle("GET", "/held", [this](const Request&) {
      const int turn = ++held_;
      held_.notify_all();
      released_.wait(false);
      return TextResponse(200, "turn " + std::to_string(turn) + ".");
    });
    const Status started = server_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void AwaitHeld(int count) const {
    for (int seen = held_; seen < count; seen = held_) held_.wait(seen);
  }
  void Release() {
    released_ = true;
    released_.notify_all();
  }

  ServerOptions options_;
  std::atomic<int> counted_{0};
  std::atomic<int> held_{0};
  std::atomic<bool> released_{false};
  std::unique_ptr<Server> server_;  // ends before what its handlers use
};

TEST_F(TurnsTest, EndWithAnAnswerThatCloses) {
  const struct {
    int workers;
    std::string said;  // the first of its requests is answered with "close"
  } cases[] = {
      {1, Times(kCount, 5)},  // all workers are taken
      {4, "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello" + Times(kCount, 5)},
      {4, "GET /nowhere HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n" + Times(kCount, 5)},
      {4, "GET /nowhere HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\nHost: t\r\n X: y\r\n\r\n" +
              Times(kCount, 5)},
  };
  for (const auto& [workers, said] : cases) {
    Start(workers);
    RawClient client(server_->Port());
    ASSERT_TRUE(client.Send(said));
    const std::string received = client.ReceiveAll();
    const std::string last = received.substr(received.rfind("HTTP/1.1 "));
    EXPECT_THAT(last, HasSubstr("\r\nConnection: close\r\n")) << said;
    EXPECT_EQ(Answers(received.substr(0, received.find("\r\nConnection: close\r\n"))),
              Answers(received))
        << said;
  }
}

// More than the server has read: without that, closing would be a reset, and might cost the answer.
TEST_F(TurnsTest, EndInOrderWhenMoreWasSent) {
  Start(1);
  RawClient client(server_->Port());
  ASSERT_TRUE(client.Send(Times(kCount, 8'000)));
  EXPECT_THAT(client.Receive(), HasSubstr("\r\nConnection: close\r\n"));
  errno = 0;
  EXPECT_TRUE(client.ClosedWithin(5 * kSoon));
  EXPECT_EQ(errno, 0);
  EXPECT_EQ(counted_, 1);
}

TEST_F(TurnsTest, AreNotGivenToAClientThatHasLeft) {
  Start(1);
  RawClient busy(server_->Port());
  busy.Send(kHeld);
  AwaitHeld(1);
  {
    RawClient waiting(server_->Port());
    waiting.Send(kCount);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  Release();
  RawClient later(server_->Port());
  later.Send(kHeld);
  EXPECT_THAT(later.Receive(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(counted_, 0);
}

TEST_F(TurnsTest, AreNotGivenToAClientThatLeavesBehindItsFirstRequest) {
  Start(4);
  {
    RawClient client(server_->Port());
    client.Send(kHeld + Times(kCount, 5));
    AwaitHeld(1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  Release();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(counted_, 0);
}

TEST_F(TurnsTest, AreLeftForOtherAddresses) {
  options_.max_of_one_address = 3;
  Start(4);
  std::vector<std::unique_ptr<RawClient>> greedy;
  for (int i = 0; i < 10; ++i) {
    greedy.push_back(std::make_unique<RawClient>(server_->Port(), "127.0.0.70"));
    greedy.back()->Send(kHeld);
  }
  AwaitHeld(3);
  for (int i = 0; i < 3; ++i) {
    RawClient known(server_->Port(), "127.0.0.9");
    known.Send(kCount);
    EXPECT_THAT(known.Receive(), StartsWith("HTTP/1.1 200 "));
  }
  Release();
  for (auto& client : greedy) EXPECT_THAT(client->Receive(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(TurnsTest, GoRoundWhateverWasSentAhead) {
  Start(2);
  std::vector<std::unique_ptr<RawClient>> greedy;
  for (int i = 0; i < 6; ++i) {
    greedy.push_back(std::make_unique<RawClient>(server_->Port(), "127.0.0.70"));
    greedy.back()->Send(Times(kHeld, 50));
  }
  AwaitHeld(2);
  RawClient known(server_->Port(), "127.0.0.9");
  known.Send(kHeld);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  Release();
  EXPECT_THAT(known.Receive(), AnyOf(HasSubstr("turn 3."), HasSubstr("turn 4.")));
  // The last one may keep its worker: nobody else wants it.
  int once = 0;
  for (auto& client : greedy) once += Answers(client->ReceiveAll()) == 1 ? 1 : 0;
  EXPECT_GE(once, 4);
}

}  // namespace
}  // namespace mailhub::http
