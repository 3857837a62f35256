// Files with secrets that this program sends: a token, a password, the value of a header.
#pragma once

#include <string>

#include "lib/base/result.h"

namespace mailhub::config {

// One line of UTF-8 without control characters, at most 4096 bytes; the space around it is dropped. kInvalid gives the
// mistake, kNotFound and kRefused as ReadFile.
Result<std::string> ReadSecret(const std::string& path);

// The same, of one word.
Result<std::string> ReadToken(const std::string& path);

}  // namespace mailhub::config
