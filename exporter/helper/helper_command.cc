#include "exporter/helper/helper_command.h"

#include <string_view>

namespace mailhub::exporter {
namespace {

// The script without its comments, written as printf's %b reads it.
std::string Pack(std::string_view script) {
  std::string packed;
  while (!script.empty()) {
    const size_t end = script.find('\n');
    std::string_view line = script.substr(0, end);
    script.remove_prefix(end == std::string_view::npos ? script.size() : end + 1);
    const size_t text = line.find_first_not_of(' ');
    if (text == std::string_view::npos || line[text] == '#') continue;
    for (char c : line.substr(text)) {
      switch (c) {
        case '\\':
          packed += "\\0134";
          break;
        case '\'':
          packed += "\\0047";
          break;
        case '!':
          packed += "\\0041";
          break;
        case '\t':
          packed += "\\t";
          break;
        default:
          packed += c;
      }
    }
    packed += "\\n";
  }
  return packed;
}

}  // namespace

const std::string& HelperCommand() {
  // Bash, where there is one, reads files in blocks and has a clock of its own. Told that it is no
  // first shell, and not of SSH, it leaves its start-up files alone.
  static const std::string command =
      "exec env PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin sh -c 's=$(printf %b \"$0\"); if "
      "[ -x /bin/bash ]; then unset SSH_CLIENT SSH2_CLIENT; "
      "SHLVL=9; export SHLVL; exec /bin/bash --norc -c \"$s\" mailhub-helper; fi; eval \"$s\"' '" +
      Pack(HelperScript()) + "'";
  return command;
}

}  // namespace mailhub::exporter
