// Parses listen addresses, and groups client addresses by owner; internal to this folder
// (IsLoopback in server.h uses it).
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
// else, also for other names.
Result<ListenAddress> ParseListenAddress(std::string_view text);

// The group of one owner's addresses: with IPv6 a network (/64), because the owner of one address
// has all of them. The same for an address from accept(2).
std::string OriginOf(const std::string& address);
std::string OriginOf(const sockaddr_storage& address);

}  // namespace mailhub::http
