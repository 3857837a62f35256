// Words that are compared in any case of their letters.
#pragma once

#include <algorithm>
#include <string>

namespace mailhub {

// ASCII letters made small, whatever the locale; other bytes stay.
inline std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace mailhub
