// Makes text from outside printable for a screen and a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailhub {

// Replaces control characters (of ASCII and Unicode), direction marks, invisible characters and
// bytes that are not UTF-8 by visible escapes: \n, \t, \x1b, \u202e. All else stays.
std::string Printable(std::string_view text);

// The quotation of a refused text in a message: printable, whole characters, at most `most` bytes,
// "..." after it if it was cut.
std::string Excerpt(std::string_view text, size_t most = 80);

// Length of the text's first character in bytes; 0: not UTF-8. Not for an empty text.
size_t FirstCharacterBytes(std::string_view text);

// Whether the whole text is UTF-8. Overlong forms and surrogates are not.
bool IsUtf8(std::string_view text);

}  // namespace mailhub
