// Listen addresses as text, and whose a client's address is; internal to this folder (IsLoopback in
// server.h is made of it).
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace mailhub::http {

struct ListenAddress {
  std::string host;  // a numeric address without brackets; empty: all addresses, IPv6 and IPv4
  int port = 0;
  bool ipv6 = false;
};

// "127.0.0.1:9115", "[::1]:9115", "localhost:9115" (127.0.0.1), ":9115". kInvalid for anything
// else, names included.
Result<ListenAddress> ParseListenAddress(std::string_view text);

// Who shares a numeric address: with IPv6 a whole network (/64), because who has one of its
// addresses has all of them. The same for an address as accept(2) gives it.
std::string OriginOf(const std::string& address);
std::string OriginOf(const sockaddr_storage& address);

}  // namespace mailhub::http
