// Base64 with padding, as OpenSSH and HTTP use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailhub {

std::string EncodeBase64(std::string_view bytes);

// Nothing unless EncodeBase64 can produce `text`. Both are thread-safe.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace mailhub
