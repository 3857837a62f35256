// Looks at a client's bytes without taking them from the socket; internal to this folder.
#pragma once

#include <cstddef>
#include <string_view>

namespace mailhub::http {

enum class Said {
  kNothing,
  kPart,     // part of a head, or of the first TLS message
  kHead,     // a head without its whole body
  kAll,      // ready for a worker: a request, a first TLS message, or neither of the two
  kTooMuch,  // too long for a head
  kLeft,
};

// Longer than any accepted head, so that the server, and not the queue, refuses long heads.
inline constexpr size_t kMostLookedAt = size_t{48} << 10;

// Looks at received bytes, at most kMostLookedAt of them.
Said SaidInHttp(std::string_view bytes);
Said SaidInTls(std::string_view bytes);

// The same for a non-blocking socket.
Said SaidOn(int fd, bool tls);

}  // namespace mailhub::http
