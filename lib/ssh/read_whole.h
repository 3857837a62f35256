// Reads our own files: known_hosts and private keys. They are read again for each connection, so
// none may block.
#pragma once

#include <cstddef>
#include <string>

#include "lib/base/result.h"

namespace mailhub::ssh {

// A file of `limit` bytes at most. kInvalid with a sentence that names it: it cannot be read, is a
// pipe or another thing that waits, or is longer. kOverloaded: no file descriptor is left.
// Thread-safe.
Result<std::string> ReadWhole(const std::string& path, size_t limit);

}  // namespace mailhub::ssh
