// Clients that may read, and take their time over long answers, cost the actuator little.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "actuator/testing_program.h"
#include "lib/http/testing_http.h"

namespace mailhub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing_process::kWebhook;
using testing_process::ProgramTest;

constexpr auto kSoon = std::chrono::seconds(2);
constexpr size_t kMostMemory = size_t{200} << 20;
constexpr int kReaders = 40;
constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#else
    false;
#endif

class SlowReadersTest : public ProgramTest {
 protected:
  static constexpr int kAlerts = 5'000;  // of one notification

  // Alerts of 10 labels each: about 6 MiB of decisions for two notifications.
  static std::string ManyAlerts(int first) {
    std::string text = R"({"version":"4","alerts":[)";
    for (int i = first; i < first + kAlerts; ++i) {
      text +=
          (i == first ? "" : ",") +
          std::string(R"({"status":"firing","startsAt":"2024-03-01T00:00:00Z","fingerprint":")") +
          std::to_string(1'000'000 + i) + R"(","labels":{"alertname":"A)" + std::to_string(i) +
          "\"";
      for (int label = 0; label < 10; ++label)
        text += ",\"l" + std::to_string(label) + "\":\"" + std::string(30, 'v') + "\"";
      text += "}}";
    }
    return text + "]}";
  }
  size_t Memory() const {
    std::ifstream status("/proc/" + std::to_string(program_->Pid()) + "/status");
    std::string word;
    while (status >> word && word != "VmRSS:") {
    }
    size_t kib = 0;
    status >> kib;
    return kib << 10;
  }
  int Port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }

  void ReadSlowly(const char* from, const std::string& path) {
    while (!over_) {
      http::RawClient client(Port(), from, 4'096);
      client.Send("GET " + path + " HTTP/1.1\r\nHost: t\r\n\r\n");
      while (!over_ && !client.ReceiveSome(2'048).empty())
        std::this_thread::sleep_for(milliseconds(200));
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  // How long a known caller and Alertmanager wait.
  steady_clock::duration LongestWait() {
    const auto begin = steady_clock::now();
    http::RawClient known(Port(), "127.0.0.9");
    known.Send("GET /api/v1/status HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_THAT(known.Receive(), ::testing::StartsWith("HTTP/1.1 200 "));
    const auto between = steady_clock::now();
    EXPECT_EQ(Post(kWebhook, Firing("mailhub2")).status, 200);
    return std::max(between - begin, steady_clock::now() - between);
  }

  std::atomic<bool> over_{false};
};

TEST_F(SlowReadersTest, CostLittleMemoryAndKeepNobodyWaiting) {
  Start();
  for (int n = 0; n < 2; ++n) {
    ASSERT_EQ(Post(kWebhook, ManyAlerts(n * kAlerts)).status, 200);
  }
  std::vector<std::jthread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([this] { ReadSlowly("127.0.0.20", "/api/v1/alerts?limit=10000"); });
  }
  steady_clock::duration longest{};
  size_t most = 0;
  for (int i = 0; i < 12; ++i) {
    std::this_thread::sleep_for(milliseconds(i == 0 ? 50 : 400));  // at once, and later
    longest = std::max(longest, LongestWait());
    most = std::max(most, Memory());
  }
  over_ = true;
  readers.clear();
  EXPECT_LT(longest, kSoon) << std::chrono::duration_cast<milliseconds>(longest).count() << " ms";
  if (kSanitized) return;
  EXPECT_LT(most, kMostMemory) << (most >> 20) << " MiB";
}

}  // namespace
}  // namespace mailhub
