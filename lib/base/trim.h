// Removes surrounding space from text.
#pragma once

#include <string_view>

namespace mailhub {

inline constexpr std::string_view kBlanks = " \t";
inline constexpr std::string_view kSpace = " \t\r\n";

// The part of `text` without characters of `space` at its ends.
constexpr std::string_view Trim(std::string_view text, std::string_view space = kSpace) {
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace mailhub
