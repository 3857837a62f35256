// Ports on this machine. A failed attempt on this side says nothing about the other side.
#include "exporter/collector/ports.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "lib/metrics/testing.h"

namespace mailhub::exporter {
namespace {

using testing::HasSubstr;

ssh::SocketAddress Loopback() {
  ssh::SocketAddress address{};
  auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.length = sizeof(sockaddr_in);
  return address;
}

class Ports : public testing::Test {
 public:
  Ports() {
    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssh::SocketAddress address = Loopback();
    auto* generic = reinterpret_cast<sockaddr*>(&address.storage);
    EXPECT_EQ(bind(listening_, generic, address.length), 0);
    EXPECT_EQ(listen(listening_, 8), 0);
    EXPECT_EQ(getsockname(listening_, generic, &address.length), 0);
    host_.ports["open"] = ntohs(reinterpret_cast<sockaddr_in*>(generic)->sin_port);
    host_.ports["closed"] = 1;
  }
  ~Ports() override { close(listening_); }

 protected:
  Status Measure(const std::vector<ssh::SocketAddress>& addresses) {
    families_ = {};
    return MeasurePorts(host_, addresses, clock_, clock_.Steady() + Seconds(5), &families_);
  }
  std::optional<double> Open(const std::string& port) const {
    return Value(families_, "mailhub_port_open", {{"port", port}});
  }

  RealClock clock_;
  config::Host host_;
  metrics::Families families_;
  int listening_ = -1;
};

TEST_F(Ports, AreOpenOrClosed) {
  ASSERT_TRUE(Measure({Loopback()}));
  EXPECT_EQ(Open("open"), 1);
  EXPECT_EQ(Open("closed"), 0);
  EXPECT_TRUE(Value(families_, "mailhub_port_connect_seconds", {{"port", "open"}}));
  EXPECT_FALSE(Value(families_, "mailhub_port_connect_seconds", {{"port", "closed"}}));
}

TEST_F(Ports, AreNotClosedBecauseThisProcessHasNoDescriptor) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> taken;
  for (int fd = 0; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
  const Status none = Measure({Loopback()});
  close(taken.back());
  taken.pop_back();
  const Status one = Measure({Loopback()});
  for (const int fd : taken) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const Status& measured : {none, one}) {
    ASSERT_FALSE(measured);
    EXPECT_THAT(measured.error().message, HasSubstr("no file descriptor is left"));
  }
  EXPECT_FALSE(Open("open"));
}

TEST_F(Ports, AreOpenThoughThisMachineDoesNotSpeakToOneOfTheAddresses) {
  ssh::SocketAddress strange = Loopback();
  strange.storage.ss_family = AF_DECnet;  // like IPv6 where it is disabled
  ASSERT_TRUE(Measure({strange, Loopback()}));
  EXPECT_EQ(Open("open"), 1);
  EXPECT_EQ(Open("closed"), 0);
  ASSERT_TRUE(Measure({strange}));
  EXPECT_EQ(Open("open"), 0);
}

// The kernel may give a connection the very port as its own that it goes to, and connect it to itself.
TEST_F(Ports, AreNotOpenBecauseAConnectionMetItself) {
  static constexpr uint16_t kPort = 40000;  // one of three: each gets used
  host_.ports = {{"closed", kPort}};
  std::thread([this] {
    // A network of this thread's own.
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << kPort << ' ' << kPort + 2;
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(ioctl(any, SIOCSIFFLAGS, &loopback), 0);
    close(any);
    for (int i = 0; i < 30; ++i) {
      ASSERT_TRUE(Measure({Loopback()})) << "no port is left to connect from";
      EXPECT_EQ(Open("closed"), 0);
    }
    // None keeps the port.
    const int service = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ssh::SocketAddress address = Loopback();
    reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port = htons(kPort);
    EXPECT_EQ(bind(service, reinterpret_cast<sockaddr*>(&address.storage), address.length), 0);
    close(service);
  }).join();
}

}  // namespace
}  // namespace mailhub::exporter
