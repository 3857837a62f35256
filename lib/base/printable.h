// Text from outside, made fit for a person's screen and for a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailhub {

// Control characters (of ASCII and of Unicode), direction marks, signs that nobody sees, and bytes
// that are no UTF-8 become visible escapes: \n, \t, \x1b, \u202e. Everything else stays.
std::string Printable(std::string_view text);

// What a message quotes of a text that it refuses: printable, whole characters, and at most `most`
// bytes; "..." follows where more was cut off.
std::string Excerpt(std::string_view text, size_t most = 80);

// How many bytes the first character of a text takes; 0: it is no UTF-8. Not for an empty text.
size_t FirstCharacterBytes(std::string_view text);

// Whether the text is UTF-8 throughout. Overlong forms and surrogates are not.
bool IsUtf8(std::string_view text);

}  // namespace mailhub
