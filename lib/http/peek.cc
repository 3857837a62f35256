#include "lib/http/peek.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <vector>

#include "lib/base/lower.h"
#include "lib/http/message.h"

namespace mailhub::http {
namespace {

constexpr size_t kTlsRecordHead = 5;
constexpr char kTlsHandshake = 22;

// The head's size including its empty last line, or 0. Empty lines may precede it.
size_t HeadSize(std::string_view bytes) {
  const size_t begin = bytes.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return 0;
  for (size_t end = bytes.find('\n', begin); end != std::string_view::npos;
       end = bytes.find('\n', end + 1)) {
    const std::string_view rest = bytes.substr(end + 1);
    if (rest.starts_with('\n')) return end + 2;
    if (rest.starts_with("\r\n")) return end + 3;
  }
  return 0;
}

// The body's length, if the head gives it clearly; other requests are refused soon after.
size_t BodySize(std::string_view head) {
  size_t size = 0;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n'));
    head.remove_prefix(std::min(head.size(), line.size() + 1));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!EqualIgnoringCase(line.substr(0, colon), "Content-Length")) continue;
    const std::string_view value =
        line.substr(std::min(line.find_first_not_of(" \t", colon + 1), line.size()));
    std::from_chars(value.data(), value.data() + value.size(), size);
  }
  return size;
}

}  // namespace

Said SaidInHttp(std::string_view bytes) {
  if (bytes.empty()) return Said::kNothing;
  const size_t head = HeadSize(bytes);
  if (head == 0) return bytes.size() < kMostLookedAt ? Said::kPart : Said::kTooMuch;
  return BodySize(bytes.substr(0, head)) > bytes.size() - head ? Said::kHead : Said::kAll;
}

// The client's hello, as far as one TLS record holds it; anything else is not awaited.
Said SaidInTls(std::string_view bytes) {
  if (bytes.empty()) return Said::kNothing;
  if (bytes[0] != kTlsHandshake) return Said::kAll;
  if (bytes.size() < kTlsRecordHead) return Said::kPart;
  const size_t size = static_cast<size_t>(static_cast<unsigned char>(bytes[3])) << 8 |
                      static_cast<unsigned char>(bytes[4]);
  if (bytes.size() >= kTlsRecordHead + size || bytes.size() >= kMostLookedAt) return Said::kAll;
  return Said::kPart;
}

Said SaidOn(int fd, bool tls) {
  thread_local std::vector<char> buffer(kMostLookedAt);
  const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR ? Said::kNothing : Said::kLeft;
  if (size == 0) return Said::kLeft;
  const std::string_view bytes(buffer.data(), static_cast<size_t>(size));
  return tls ? SaidInTls(bytes) : SaidInHttp(bytes);
}

}  // namespace mailhub::http
