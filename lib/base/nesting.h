// Checks of JSON from outside before it is parsed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mailhub {

// Far deeper than any valid answer or request; serializing a value recurses.
inline constexpr size_t kDeepestJson = 64;

// Whether more than `most` objects and lists are nested. For text that is not JSON, true at least
// when a parser would reach that depth before it fails.
inline bool IsNestedDeeperThan(std::string_view json, size_t most) {
  size_t depth = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    switch (json[i]) {
      case '"':
        for (++i; i < json.size() && json[i] != '"'; ++i) {
          if (json[i] == '\\') ++i;
        }
        break;
      case '[':
      case '{':
        if (++depth > most) return true;
        break;
      case ']':
      case '}':
        depth -= std::min<size_t>(depth, 1);
        break;
      default:
        break;
    }
  }
  return false;
}

// Whether the text has characters that JSON does not allow but a parser may skip: a byte order mark at the start, or a
// NUL anywhere, which may end the parser's input.
inline bool HasSignsOutsideJson(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos;
}

}  // namespace mailhub
