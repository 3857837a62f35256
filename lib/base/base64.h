// Base64 as OpenSSH and HTTP write it: with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailhub {

std::string EncodeBase64(std::string_view bytes);

// Nothing unless `text` is what EncodeBase64 makes of some bytes. Thread-safe, as is the other.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace mailhub
