#include "lib/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>

#include "lib/base/printable.h"
#include "lib/http/server.h"

namespace mailhub::http {
namespace {

bool IsNumeric(int family, const std::string& host) {
  in6_addr address{};
  return inet_pton(family, host.c_str(), &address) == 1;
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto invalid = [&] {
    return Fail(ErrorKind::kInvalid,
                "listen address \"" + Excerpt(text) +
                    "\": expected ADDRESS:PORT, [IPV6]:PORT, localhost:PORT or :PORT");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid();
  ListenAddress parsed;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  if (error != std::errc() || end != port.data() + port.size() || parsed.port < 0 ||
      parsed.port > 65535) {
    return invalid();
  }
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return parsed;
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    parsed.host = host.substr(1, host.size() - 2);
    parsed.ipv6 = true;
  } else {
    parsed.host = host;
  }
  // inet_pton would read only the part before it.
  if (parsed.host.find('\0') != std::string::npos) return invalid();
  if (!IsNumeric(parsed.ipv6 ? AF_INET6 : AF_INET, parsed.host)) return invalid();
  return parsed;
}

bool IsLoopback(std::string_view listen_address) {
  const auto parsed = ParseListenAddress(listen_address);
  if (!parsed || parsed->host.empty()) return false;
  if (parsed->ipv6) {
    in6_addr address{};
    inet_pton(AF_INET6, parsed->host.c_str(), &address);
    return IN6_IS_ADDR_LOOPBACK(&address) != 0;
  }
  in_addr address{};
  inet_pton(AF_INET, parsed->host.c_str(), &address);
  return (ntohl(address.s_addr) >> 24) == 127;
}

Status CheckListenAddress(std::string_view text) {
  const auto parsed = ParseListenAddress(text);
  return parsed ? Status() : Fail(parsed.error());
}

std::string OriginOf(const std::string& address) {
  in6_addr six{};
  if (inet_pton(AF_INET6, address.c_str(), &six) != 1 || IN6_IS_ADDR_V4MAPPED(&six)) return address;
  constexpr size_t kNetworkBytes = 8;
  return {reinterpret_cast<const char*>(six.s6_addr), kNetworkBytes};
}

std::string OriginOf(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool six = address.ss_family == AF_INET6;
  const void* const bytes =
      six ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  inet_ntop(address.ss_family, bytes, text.data(), text.size());
  return OriginOf(std::string(text.data()));
}

}  // namespace mailhub::http
