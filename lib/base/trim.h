// Text without the space around it.
#pragma once

#include <string_view>

namespace mailhub {

inline constexpr std::string_view kBlanks = " \t";
inline constexpr std::string_view kSpace = " \t\r\n";

// A part of `text`, which begins and ends with none of `space`.
constexpr std::string_view Trim(std::string_view text, std::string_view space = kSpace) {
  const size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

}  // namespace mailhub
