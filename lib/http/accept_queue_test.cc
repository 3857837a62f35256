// The queue alone: the test replaces civetweb's accepting thread and its workers.
#include "lib/http/accept_queue.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

namespace mailhub::http {
namespace {

constexpr Milliseconds kLong{5'000};
constexpr Milliseconds kMoment{20};
constexpr const char* kRequest = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr const char* kHead = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n";

sockaddr_in Loopback(const char* address, int port) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address, &in.sin_addr);
  return in;
}

// A descriptor that is closed with the object.
struct Socket {
  Socket() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Socket(int given) : fd(given) {}
  ~Socket() { close(fd); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  const int fd;
};

class AcceptQueueTest : public testing::Test {
 protected:
  AcceptQueueTest() {
    const sockaddr_in any = Loopback("127.0.0.1", 0);
    EXPECT_EQ(bind(listener_.fd, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(listen(listener_.fd, 100), 0);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    getsockname(listener_.fd, reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(bound.sin_port);
    options_.workers = 4;
    options_.refusal = [](int status, const char*) { return std::to_string(status); };
  }
  void Open() { queue_ = std::make_unique<AcceptQueue>(options_); }
  // Connects from that address of this machine.
  std::unique_ptr<Socket> Connect(const char* from, std::string_view say) const {
    auto client = std::make_unique<Socket>();
    const sockaddr_in here = Loopback(from, 0);
    const sockaddr_in there = Loopback("127.0.0.1", port_);
    EXPECT_EQ(bind(client->fd, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
    EXPECT_EQ(connect(client->fd, reinterpret_cast<const sockaddr*>(&there), sizeof there), 0);
    EXPECT_EQ(send(client->fd, say.data(), say.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(say.size()));
    return client;
  }
  int Await(Milliseconds time) {
    pollfd waiting{listener_.fd, POLLIN, 0};
    return queue_->Await(&waiting, 1, time);
  }
  // Client address of the next connection that gets a worker, or "".
  std::string Admit() {
    if (Await(kMoment) != 1) return "";
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const int fd = queue_->Next(reinterpret_cast<sockaddr*>(&from), &size);
    if (fd < 0) return "";
    inside_.push_back(std::make_unique<Socket>(fd));
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &from.sin_addr, text.data(), text.size());
    return text.data();
  }
  static std::string Received(const Socket& client) {
    const timeval most{5, 0};
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    std::array<char, 100> bytes{};
    const ssize_t size = recv(client.fd, bytes.data(), bytes.size(), 0);
    if (size < 0) return errno == ECONNRESET ? "reset" : "nothing";
    return {bytes.data(), static_cast<size_t>(size)};
  }

  Socket listener_;
  int port_ = 0;
  AcceptQueueOptions options_;
  std::unique_ptr<AcceptQueue> queue_;
  std::vector<std::unique_ptr<Socket>> inside_;
};

TEST_F(AcceptQueueTest, AdmitsConnectionsWithARequest) {
  Open();
  const auto silent = Connect("127.0.0.2", "");
  const auto half = Connect("127.0.0.3", "GET / HT");
  const auto whole = Connect("127.0.0.4", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.4");
  EXPECT_EQ(Admit(), "");
  send(half->fd, "TP/1.1\r\n\r\n", 10, MSG_NOSIGNAL);
  EXPECT_EQ(Admit(), "127.0.0.3");
}

TEST_F(AcceptQueueTest, GivesTheNextWorkerToTheClientWithTheFewest) {
  Open();
  std::vector<std::unique_ptr<Socket>> many(20);
  for (auto& one : many) one = Connect("127.0.0.2", kRequest);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Admit(), "127.0.0.2");
  EXPECT_EQ(Admit(), "") << "all workers are taken";
  EXPECT_TRUE(queue_->SomebodyWaits());
  const auto other = Connect("127.0.0.3", kRequest);
  EXPECT_EQ(Admit(), "");
  queue_->OnLeft(inside_.front()->fd);
  EXPECT_EQ(Admit(), "127.0.0.3") << "before the 16 that came earlier";
}

TEST_F(AcceptQueueTest, LeavesSomeWorkersToOtherAddresses) {
  options_.workers_of_one = 3;
  Open();
  std::vector<std::unique_ptr<Socket>> many(20);
  for (auto& one : many) one = Connect("127.0.0.2", kRequest);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Admit(), "127.0.0.2");
  const auto body = Connect("127.0.0.2", kHead);
  EXPECT_EQ(Admit(), "") << "one worker is free, but not for this address";
  EXPECT_TRUE(queue_->SomebodyWaits());
  EXPECT_TRUE(queue_->Crowded(inside_.front()->fd));
  const auto other = Connect("127.0.0.3", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.3");
  queue_->OnLeft(inside_.back()->fd);
  EXPECT_EQ(Admit(), "");
  queue_->OnLeft(inside_.front()->fd);
  EXPECT_EQ(Admit(), "127.0.0.2");
}

TEST_F(AcceptQueueTest, IsCrowdedForAnAddressThatHasAllThatItMayHave) {
  options_.workers_of_one = 2;
  Open();
  const auto first = Connect("127.0.0.2", kRequest);
  const auto other = Connect("127.0.0.3", kRequest);
  EXPECT_NE(Admit(), "");
  EXPECT_NE(Admit(), "");
  EXPECT_FALSE(queue_->Crowded(inside_.front()->fd));
  EXPECT_FALSE(queue_->SomebodyWaits());
  const auto second = Connect("127.0.0.2", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.2");
  EXPECT_TRUE(queue_->Crowded(inside_.back()->fd));
}

// A webhook's body comes a moment after its head.
TEST_F(AcceptQueueTest, GivesABodyOnItsWayAWorkerBeforeWhoHasSeveral) {
  Open();
  std::vector<std::unique_ptr<Socket>> many(20);
  for (auto& one : many) one = Connect("127.0.0.2", kRequest);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Admit(), "127.0.0.2");
  const auto other = Connect("127.0.0.3", kHead);
  EXPECT_EQ(Admit(), "");
  queue_->OnLeft(inside_.front()->fd);
  EXPECT_EQ(Admit(), "127.0.0.3");
}

TEST_F(AcceptQueueTest, KeepsHalfOfTheWorkersForWholeRequests) {
  Open();
  std::vector<std::unique_ptr<Socket>> slow(20);
  for (auto& one : slow) one = Connect("127.0.0.2", kHead);
  EXPECT_EQ(Admit(), "127.0.0.2");
  EXPECT_EQ(Admit(), "127.0.0.2");
  EXPECT_EQ(Admit(), "");
  const auto whole = Connect("127.0.0.2", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.2");
}

TEST_F(AcceptQueueTest, SendsTheOldestAwayWhenTooManyWait) {
  options_.most_waiting = 3;
  Open();
  const auto first = Connect("127.0.0.2", "");
  const auto second = Connect("127.0.0.2", "GET");
  std::vector<std::unique_ptr<Socket>> more(3);
  for (auto& one : more) one = Connect("127.0.0.2", "");
  EXPECT_EQ(Admit(), "");
  EXPECT_EQ(Received(*first), "") << "closed";
  EXPECT_EQ(Received(*second), "503");
}

TEST_F(AcceptQueueTest, SendsAwayNobodyOfAnAddressThatHasFewerThanAnother) {
  options_.workers = 1;
  options_.most_waiting = 3;
  Open();
  const auto inside = Connect("127.0.0.2", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.2");
  std::vector<std::unique_ptr<Socket>> many(3);
  for (auto& one : many) one = Connect("127.0.0.2", kRequest);
  EXPECT_EQ(Admit(), "");
  const auto other = Connect("127.0.0.3", kRequest);
  EXPECT_EQ(Admit(), "");
  EXPECT_EQ(Received(*many[0]), "503") << "the oldest of them";
  queue_->OnLeft(inside_.front()->fd);
  EXPECT_EQ(Admit(), "127.0.0.3");
}

TEST_F(AcceptQueueTest, AmongAddressesWithoutAWorkerTakesTheOneThatHasTheFewestWaiting) {
  options_.workers = 1;
  Open();
  const auto inside = Connect("127.0.0.2", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.2");
  std::vector<std::unique_ptr<Socket>> two(2);
  for (auto& one : two) one = Connect("127.0.0.3", kRequest);
  EXPECT_EQ(Admit(), "");
  const auto one = Connect("127.0.0.4", kRequest);
  EXPECT_EQ(Admit(), "");
  queue_->OnLeft(inside_.front()->fd);
  EXPECT_EQ(Admit(), "127.0.0.4");
}

TEST_F(AcceptQueueTest, WakesWhenAWorkerIsFreeAndWhenItIsClosed) {
  options_.workers = 1;
  Open();
  const auto first = Connect("127.0.0.2", kRequest);
  const auto second = Connect("127.0.0.2", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.2");
  EXPECT_EQ(Await(kMoment), 0);
  const SteadyTime start = BootClock::now();
  std::jthread worker([this] { queue_->OnLeft(inside_.front()->fd); });
  EXPECT_EQ(Await(kLong), 1);
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  inside_.push_back(
      std::make_unique<Socket>(queue_->Next(reinterpret_cast<sockaddr*>(&from), &size)));
  std::jthread stopper([this] { queue_->Close(); });
  EXPECT_EQ(Await(kLong), -1);
  EXPECT_LT(BootClock::now() - start, kLong);
}

// Without a spare descriptor, a connection that cannot be accepted would wake it for ever.
TEST_F(AcceptQueueTest, ClosesConnectionsWithoutADescriptorForThem) {
  Open();
  EXPECT_EQ(Await(Milliseconds(0)), 0);
  const auto client = Connect("127.0.0.2", kRequest);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = dup(listener_.fd);
  close(next_free);
  const rlimit none{static_cast<rlim_t>(next_free), before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  EXPECT_EQ(Await(kMoment), 0);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_NE(Received(*client), "nothing") << "closed, and not kept waiting";
  const auto later = Connect("127.0.0.3", kRequest);
  EXPECT_EQ(Admit(), "127.0.0.3");
}

}  // namespace
}  // namespace mailhub::http
