// Parses a host's values strictly: a number is digits only, within bounds, or it is no number.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mailhub::exporter {

// Digits only, at most `greatest`.
inline std::optional<uint64_t> ReadCount(std::string_view text, uint64_t greatest = UINT64_MAX) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (value > greatest) return std::nullopt;
  return value;
}

// Digits with at most one decimal point between them; no sign, exponent, infinity or NaN.
inline std::optional<double> ReadDecimal(std::string_view text) {
  if (text.empty() || text.size() > 40 || text[0] == '-') return std::nullopt;
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

// The words of a line, split at blanks; with `most` words, the last one holds the rest.
inline std::vector<std::string_view> Words(std::string_view line, size_t most = 128) {
  std::vector<std::string_view> words;
  while (words.size() < most) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    if (words.size() + 1 == most) {
      words.push_back(line);
      break;
    }
    const size_t end = line.find_first_of(" \t");
    words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) break;
    line.remove_prefix(end);
  }
  return words;
}

}  // namespace mailhub::exporter
