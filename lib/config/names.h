// Which characters a name from outside may have. It becomes a metric label, a word of a command, or
// a part of a request, and nothing on the way may read it differently.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mailhub::config {

// Beside ASCII letters and digits, whatever the locale.
struct AllowList {
  std::string_view signs;
  std::string_view never_first;
  size_t longest;  // bytes

  // Never an empty text.
  constexpr bool Allows(std::string_view text) const {
    return !text.empty() && text.size() <= longest && never_first.find(text[0]) == text.npos &&
           std::ranges::all_of(text, [this](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    signs.find(c) != signs.npos;
           });
  }
};

inline constexpr AllowList kLabels{"_-", "-0123456789", 64};  // what the site file names
inline constexpr AllowList kIdentifiers{"_-", "-", 64};       // what a runbook names
// A dash in front would make an option of it.
inline constexpr AllowList kHostNames{"._-", ".-", 253};
inline constexpr AllowList kAddresses{"._-:", ".-", 253};
inline constexpr AllowList kAliases{"._-:[]", "-", 253};  // as labels have it: with a port
inline constexpr AllowList kServiceNames{"._@-", ".-", 200};
inline constexpr AllowList kUnitNames{"._@-", ".-@", 200};
inline constexpr AllowList kWindowsServiceNames{" ._@-$()#+{}&", " .-", 200};
inline constexpr AllowList kHeaders{"_-", "", 64};  // of HTTP
inline constexpr AllowList kPrometheusLabels{"_", "0123456789", std::string_view::npos};

constexpr bool IsPrintableAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace mailhub::config
