#include "exporter/helper/helper_command.h"

#include <string_view>

namespace mailhub::exporter {
namespace {

// The script without its comments and indentation.
std::string Strip(std::string_view script) {
  std::string stripped;
  while (!script.empty()) {
    const size_t end = script.find('\n');
    std::string_view line = script.substr(0, end);
    script.remove_prefix(end == std::string_view::npos ? script.size() : end + 1);
    const size_t text = line.find_first_not_of(' ');
    if (text == std::string_view::npos || line[text] == '#') continue;
    stripped.append(line.substr(text)) += '\n';
  }
  return stripped;
}

struct Packed {
  std::string text;     // as printf's %b reads it
  std::string letters;  // which then stand for line end, backslash and quote; there may be fewer
};

// An SSH server need not take more than 32 KiB in one request, so what is frequent is a letter that
// the script does without, where there is one.
Packed Pack(const std::string& script) {
  constexpr std::string_view kFrequent = "\n\\'";
  Packed packed;
  for (char letter = 'A'; letter <= 'Z' && packed.letters.size() < kFrequent.size(); ++letter) {
    if (script.find(letter) == std::string::npos) packed.letters += letter;
  }
  for (char c : script) {
    const size_t place = kFrequent.find(c);
    if (place < packed.letters.size()) {
      packed.text += packed.letters[place];
    } else if (place != std::string_view::npos || c == '!' || c == '\t') {
      constexpr char kDigits[] = "01234567";
      packed.text += {'\\', '0', kDigits[c >> 6 & 7], kDigits[c >> 3 & 7], kDigits[c & 7]};
    } else {
      packed.text += c;
    }
  }
  return packed;
}

}  // namespace

const std::string& HelperCommand() {
  // Of the account's environment, which may change what any program does, only what checks may
  // stand on comes along. Bash, where there is one, reads files in blocks and has a clock of its
  // own.
  static const std::string command = [] {
    const Packed packed = Pack(Strip(HelperScript()));
    constexpr std::string_view kCodes = "\\012\\134\\047";  // as tr reads them
    const std::string letters = packed.letters.empty()
                                    ? ""
                                    : " | tr " + packed.letters + " \"" +
                                          std::string(kCodes.substr(0, 4 * packed.letters.size())) +
                                          "\"";
    return "exec env -i PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=\"$HOME\" "
           "USER=\"$USER\" LOGNAME=\"$LOGNAME\" sh -c 's=$(printf %b \"$0\"" +
           letters +
           "); if [ -x /bin/bash ]; then exec /bin/bash --norc -c \"$s\" mailhub-helper; fi; "
           "eval \"$s\"' '" +
           packed.text + "'";
  }();
  return command;
}

}  // namespace mailhub::exporter
