// Clients that take a long answer slowly occupy few workers, and few long answers are in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kLong = "GET /long HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr const char* kShort = "GET /short HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr const char* kRefused = "HTTP/1.1 503 ";
constexpr int kRoom = 4'096;  // of a client that does not read
constexpr Milliseconds kSoon{1'000};

class SlowReadersTest : public testing::Test {
 protected:
  SlowReadersTest() {
    options_.max_connections = 16;
    options_.max_streams = 4;
  }
  void Start() {
    server_ = std::make_unique<Server>(options_);
    server_->Handle("GET", "/long", [](const Request&) {
      return TextResponse(200, std::string(size_t{4} << 20, 'x'));
    });
    server_->Handle("GET", "/short", [](const Request&) { return TextResponse(200, "short"); });
    const Status started = server_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  // How many of `count` clients of that address, none of which reads on, are refused.
  int Refused(int count, const char* from) {
    int refused = 0;
    for (int i = 0; i < count; ++i) {
      slow_.push_back(std::make_unique<RawClient>(server_->Port(), from, kRoom));
      slow_.back()->Send(kLong);
      const std::string begin = slow_.back()->ReceiveSome(256);
      EXPECT_THAT(begin, StartsWith("HTTP/1.1 "));
      if (!begin.starts_with(kRefused)) continue;
      EXPECT_THAT(begin, HasSubstr("Retry-After: "));
      ++refused;
      slow_.pop_back();
    }
    return refused;
  }

  ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<RawClient>> slow_;
};

TEST_F(SlowReadersTest, AreFewAndOfOneAddressFewer) {
  options_.max_long_answers = 4;
  Start();
  EXPECT_EQ(Refused(5, "127.0.0.20"), 3);
  EXPECT_EQ(Refused(5, "127.0.0.21"), 3);
  EXPECT_EQ(Refused(5, "127.0.0.22"), 5);
  const SteadyTime start = BootClock::now();
  RawClient known(server_->Port(), "127.0.0.9");
  known.Send(kShort);
  EXPECT_THAT(known.Receive(), StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(BootClock::now() - start, kSoon);
  slow_.clear();
  // Who left gives way, as soon as the worker has noticed.
  int refused = 1;
  for (int i = 0; i < 100 && refused > 0; ++i) refused = Refused(1, "127.0.0.22");
  EXPECT_EQ(refused, 0);
}

TEST_F(SlowReadersTest, AreAsManyAsTheyLikeWhereTheOptionsDoNotSay) {
  Start();
  EXPECT_EQ(Refused(12, "127.0.0.20"), 0);
}

}  // namespace
}  // namespace mailhub::http
