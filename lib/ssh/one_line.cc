#include "lib/ssh/one_line.h"

namespace mailhub::ssh {
namespace {

struct Packed {
  std::string text;     // in the syntax of printf's %b
  std::string letters;  // these replace frequent strings, in that order; there may be fewer
};

// An SSH server need not accept more than 32 KiB in one request, so frequent strings are replaced
// by letters that the script does not use.
Packed Pack(std::string_view script) {
  constexpr std::string_view kFrequent = "\n\\'!";
  Packed packed;
  for (char letter = 'A'; letter <= 'Z' && packed.letters.size() < kFrequent.size(); ++letter) {
    if (script.find(letter) == std::string_view::npos) packed.letters += letter;
  }
  for (char c : script) {
    const size_t place = kFrequent.find(c);
    if (place < packed.letters.size()) {
      packed.text += packed.letters[place];
    } else if (place != std::string_view::npos || c == '\t') {
      constexpr char kDigits[] = "01234567";
      packed.text += {'\\', '0', kDigits[c >> 6 & 7], kDigits[c >> 3 & 7], kDigits[c & 7]};
    } else {
      packed.text += c;
    }
  }
  return packed;
}

}  // namespace

std::string OneLine(std::string_view shell, std::string_view script) {
  const Packed packed = Pack(script);
  constexpr std::string_view kCodes = "\\012\\134\\047\\041";  // in tr's syntax
  std::string line(shell);
  line += " -c 's=$(printf %b \"$0\"";
  if (!packed.letters.empty()) {
    line += " | tr " + packed.letters + " \"";
    line += kCodes.substr(0, 4 * packed.letters.size());
    line += '"';
  }
  return line + "); eval \"$s\"' '" + packed.text + "'";
}

}  // namespace mailhub::ssh
