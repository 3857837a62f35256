// Several addresses, IPv4 and IPv6, and sockets that somebody else has opened.
#include "lib/http/listeners.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>

#include "lib/http/server.h"
#include "lib/http/testing_http.h"

namespace mailhub::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string Get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

TEST(Listeners, ListensOnSeveralAddresses) {
  ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0", "[::1]:0", "127.0.0.2:0"};
  Server server(options);
  server.Handle("GET", "/",
                [](const Request& request) { return TextResponse(200, request.remote_address); });
  ASSERT_TRUE(server.Start().has_value());
  const auto addresses = server.Addresses();
  ASSERT_EQ(addresses.size(), 3u);
  const auto port = [&](size_t i) {
    return std::atoi(addresses[i].c_str() + addresses[i].rfind(':') + 1);
  };
  RawClient four(port(0));
  four.Send(Get("/"));
  EXPECT_THAT(four.Receive(), EndsWith("127.0.0.1\n"));
  RawClient six(port(1), true);
  six.Send(Get("/"));
  EXPECT_THAT(six.Receive(), EndsWith("::1\n"));
  EXPECT_EQ(addresses[2], "127.0.0.2:" + std::to_string(port(2)));
  server.Stop();
  EXPECT_TRUE(server.Addresses().empty());
}

TEST(Listeners, TakesSocketsThatOthersHaveOpened) {
  const auto inherited = [](int family, bool listening) {
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(listening ? listen(fd, 10) : 0, 0);  // binds to a free port
    return fd;
  };
  ServerOptions options;
  options.sockets = {inherited(AF_INET, true), inherited(AF_INET6, true)};
  Server server(options);
  server.Handle("GET", "/", [](const Request&) { return TextResponse(200, "here"); });
  const Status started = server.Start();
  ASSERT_TRUE(started) << started.error().message;
  ASSERT_EQ(server.Addresses().size(), 2u);
  EXPECT_THAT(server.Addresses()[0], StartsWith("0.0.0.0:"));
  EXPECT_THAT(server.Addresses()[1], StartsWith("[::]:"));
  RawClient client(server.Port());
  client.Send(Get("/"));
  EXPECT_THAT(client.Receive(), EndsWith("here\n"));
  for (const int unfit : {inherited(AF_UNIX, false), inherited(AF_INET, false)}) {
    options.sockets = {unfit};
    const Status refused = Server(options).Start();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("expected ListenStream=ADDRESS:PORT"));
    EXPECT_EQ(fcntl(unfit, F_GETFD), -1) << "it is closed";
  }
}

}  // namespace
}  // namespace mailhub::http
