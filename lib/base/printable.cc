// See printable.h.
#include "lib/base/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace mailhub {
namespace {

std::string Escaped(const char* format, unsigned value) {
  std::array<char, 16> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, value);
  return std::string(buffer.data(), static_cast<size_t>(std::max(length, 0)));
}

// The first character of `text`, and its length in bytes; 0 bytes: not UTF-8.
struct Character {
  uint32_t code = 0;
  size_t bytes = 0;
};
Character Decode(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  uint32_t code = first & (0xffU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80U) return {};
    code = (code << 6U) | (next & 0x3fU);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes};
}

struct Range {
  uint32_t first;
  uint32_t last;
};
// Controls, characters that change the text's direction, and invisible characters: all that Unicode calls default
// ignorable, and the blank of Braille.
constexpr std::array<Range, 20> kUnseen = {{
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x2800, 0x2800}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
}};

bool Steers(uint32_t code) {
  return std::ranges::any_of(
      kUnseen, [code](const Range& range) { return code >= range.first && code <= range.last; });
}

// Removes the first character of *text and returns it as it may be shown.
std::string TakeShown(std::string_view* text) {
  const Character next = Decode(*text);
  const std::string_view bytes = text->substr(0, std::max<size_t>(next.bytes, 1));
  text->remove_prefix(bytes.size());
  if (next.bytes == 0) return Escaped("\\x%02x", static_cast<unsigned char>(bytes[0]));
  if (next.code == '\n') return "\\n";
  if (next.code == '\t') return "\\t";
  if (Steers(next.code)) return Escaped(next.code < 0x80 ? "\\x%02x" : "\\u%04x", next.code);
  return std::string(bytes);
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) out += TakeShown(&text);
  return out;
}

std::string Excerpt(std::string_view text, size_t most) {
  std::string out;
  while (!text.empty()) {
    const std::string next = TakeShown(&text);
    if (out.size() + next.size() > most) return out + "...";
    out += next;
  }
  return out;
}

size_t FirstCharacterBytes(std::string_view text) {
  return Decode(text).bytes;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = FirstCharacterBytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace mailhub
