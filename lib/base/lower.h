// Lower case for comparisons that ignore case.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace mailhub {

// Makes an ASCII letter lower case in any locale; other bytes stay.
constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Lower(c);
  return lower;
}

inline bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

}  // namespace mailhub
