// Peers that are not an sshd, or an sshd that stops: raw listeners, and the resulting errors.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>

#include "lib/ssh/session.h"
#include "lib/ssh/testing_sshd.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

SteadyTime In(int ms) {
  return SteadyNow() + Milliseconds(ms);
}

// A TCP server of the test's own.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  void Listen() { EXPECT_EQ(listen(fd_, 5), 0); }
  int fd() const { return fd_; }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

SshTarget Nobody(int port) {
  static TestingSshd keys;
  static const std::string key = keys.NewKey("nobody");
  return {"nobody", "127.0.0.1", port, "root", key, "/dev/null"};
}

TEST(Connect, SaysThatAPortIsClosed) {
  const Listener closed;  // bound but not listening, so that no other process gets the port
  auto session = Session::Connect(Nobody(closed.port()), In(2000));
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().reason, ConnectFailure::kConnect);
  EXPECT_EQ(session.error().error.kind, ErrorKind::kUnreachable);
}

TEST(Connect, LeavesAFrozenPeerAtItsDeadline) {
  Listener frozen;
  frozen.Listen();
  const SteadyTime start = SteadyNow();
  auto session = Session::Connect(Nobody(frozen.port()), In(300));
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().reason, ConnectFailure::kTimeout);
  EXPECT_GE(SteadyNow() - start, Milliseconds(299));
  EXPECT_LT(SteadyNow() - start, Milliseconds(1500));
}

TEST(Connect, SaysThatAPeerDoesNotSpeakSsh) {
  Listener web;
  web.Listen();
  std::jthread server([&] {
    const int fd = accept(web.fd(), nullptr, nullptr);
    const std::string_view reply = "HTTP/1.0 400 Bad Request\r\n\r\n";
    EXPECT_EQ(write(fd, reply.data(), reply.size()), static_cast<ssize_t>(reply.size()));
    close(fd);
  });
  auto session = Session::Connect(Nobody(web.port()), In(2000));
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().reason, ConnectFailure::kProtocol);
}

// Its output has no end, before its version or after it.
TEST(Connect, LeavesAPeerThatFloods) {
  const auto packets = [](const std::string& payload) {
    const size_t padding = 16 - (payload.size() + 5) % 8;
    std::string packet{'\0', '\0', '\0', static_cast<char>(1 + payload.size() + padding),
                       static_cast<char>(padding)};
    packet += payload + std::string(padding, '\0');
    std::string many;
    while (many.size() < 60'000) many += packet;
    return many;
  };
  const std::string version = "SSH-2.0-x\r\n";
  const std::string ignored = std::string("\2\0\0\0\1x", 6);
  const std::string debug = std::string("\4\0\0\0\0\1x\0\0\0\0", 11);
  struct Flood {
    const char* name;
    std::string first, again;
  };
  for (const Flood& flood : {
           Flood{"lines", "", "hello\r\n"},
           Flood{"empty lines", "", "\n"},
           Flood{"one line", "", "x"},
           Flood{"a version for ever", "SSH-2.0-", "x"},
           Flood{"no packets", version, "\xff"},
           Flood{"packets to ignore", version, packets(ignored)},
           Flood{"packets for debugging", version, packets(debug)},
       }) {
    Listener peer;
    peer.Listen();
    std::jthread server([&] {
      const int fd = accept(peer.fd(), nullptr, nullptr);
      std::string block = flood.again;
      while (block.size() < 60'000) block += block;
      bool heard = send(fd, flood.first.data(), flood.first.size(), MSG_NOSIGNAL) >= 0;
      const SteadyTime deadline = In(4000);
      while (heard && SteadyNow() < deadline) {
        for (size_t at = 0; heard && at < block.size();) {
          const ssize_t sent = send(fd, block.data() + at, block.size() - at, MSG_NOSIGNAL);
          heard = sent >= 0;
          if (heard) at += static_cast<size_t>(sent);
        }
      }
      close(fd);
    });
    const SteadyTime start = SteadyNow();
    const auto session = Session::Connect(Nobody(peer.port()), In(2000));
    ASSERT_FALSE(session.has_value());
    EXPECT_EQ(session.error().reason, ConnectFailure::kProtocol)
        << flood.name << ": " << session.error().error.message;
    EXPECT_LT(SteadyNow() - start, Milliseconds(1500)) << flood.name;
  }
}

TEST(Connect, SaysThatThePeerTurnsUsAwayForNow) {
  for (const std::string_view said :
       {"", "Exceeded MaxStartups\r\n", "Not allowed at this time\r\n"}) {
    Listener sshd;
    sshd.Listen();
    std::jthread server([&] {
      const int fd = accept(sshd.fd(), nullptr, nullptr);
      EXPECT_EQ(write(fd, said.data(), said.size()), static_cast<ssize_t>(said.size()));
      close(fd);
    });
    auto session = Session::Connect(Nobody(sshd.port()), In(2000));
    ASSERT_FALSE(session.has_value());
    EXPECT_EQ(session.error().reason, ConnectFailure::kConnect) << said;
    EXPECT_EQ(session.error().error.kind, ErrorKind::kUnreachable);
  }
}

TEST(Connect, GivesASlowLoginMoreTimeThanTheConnection) {
  Listener slow;
  slow.Listen();
  const SteadyTime start = SteadyNow();
  const auto session = Session::Connect(Nobody(slow.port()), start + Milliseconds(200),
                                        start + Milliseconds(700), nullptr);
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().reason, ConnectFailure::kTimeout);
  EXPECT_GE(SteadyNow() - start, Milliseconds(699));
}

TEST(Connect, SaysThatANameHasNoAddressBeforeItsDeadline) {
  SshTarget target = Nobody(22);
  target.address = "no-such-host.invalid";
  const SteadyTime start = SteadyNow();
  auto session = Session::Connect(target, In(500));
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().reason, ConnectFailure::kResolve);
  EXPECT_LT(SteadyNow() - start, Milliseconds(1500));
}

TEST(Connect, DoesNotEvenTryOnceTheProgramShutsDown) {
  Listener frozen;
  frozen.Listen();
  Cancellation cancel;
  cancel.Cancel();
  const SteadyTime start = SteadyNow();
  auto session = Session::Connect(Nobody(frozen.port()), In(5000), &cancel);
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().reason, ConnectFailure::kTimeout);
  EXPECT_LT(SteadyNow() - start, Milliseconds(200));
}

}  // namespace
}  // namespace mailhub::ssh
