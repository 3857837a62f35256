// What a client has said so far, seen without taking it from the socket; internal to this folder.
#pragma once

#include <cstddef>
#include <string_view>

namespace mailhub::http {

enum class Said {
  kNothing,
  kPart,     // of a head, or of the first message of TLS
  kHead,     // and not yet the whole body
  kAll,      // there is something to do: a request, the first message of TLS, or what is neither
  kTooMuch,  // for a head
  kLeft,
};

// Longer than any head that is accepted, so that it is not the queue that refuses those.
inline constexpr size_t kMostLookedAt = size_t{48} << 10;

// Of bytes that have come, at most kMostLookedAt of them.
Said SaidInHttp(std::string_view bytes);
Said SaidInTls(std::string_view bytes);

// The same of a socket that does not block.
Said SaidOn(int fd, bool tls);

}  // namespace mailhub::http
