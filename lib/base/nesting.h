// What JSON from outside may not be, looked at before anything is built of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mailhub {

// Far deeper than any answer or request that is understood; writing a value out recurses.
inline constexpr size_t kDeepestJson = 64;

// Whether more than `most` objects and lists lie within each other. Of text that is no JSON it says
// so at least when a parser would come that deep before it notices.
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

// Whether there is what a parser passes over and JSON does not have: a byte order mark in front, or a
// NUL anywhere, behind which it may end.
inline bool HasSignsOutsideJson(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos;
}

}  // namespace mailhub
