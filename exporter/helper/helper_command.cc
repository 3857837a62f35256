#include "exporter/helper/helper_command.h"

#include <array>
#include <iterator>
#include <string_view>

#include "lib/ssh/one_line.h"

namespace mailhub::exporter {
namespace {

// Which parts of the script a host has use for.
enum Kind { kPosix, kCommands, kPerl, kKinds };

Kind KindOf(std::string_view spec) {
  const auto has = [spec](std::string_view word) {
    return spec.find("\n" + std::string(word) + " ") != std::string_view::npos;
  };
  if (spec.find("\nplatform posix\n") != std::string_view::npos) return kPosix;
  return has("unit") || has("sysv") || has("check") ? kCommands : kPerl;
}

bool IsFor(std::string_view part, Kind kind) {
  if (part == "all") return true;
  if (part == "linux") return kind != kPosix;
  if (part == "commands") return kind != kPerl;
  return part == (kind == kPosix ? "posix" : kind == kPerl ? "perl" : "");
}

// The script without comments, indentation and the parts that are for others.
std::string Strip(std::string_view script, Kind kind) {
  constexpr std::string_view kMark = "# For: ";
  std::string stripped;
  bool wanted = true;
  while (!script.empty()) {
    const size_t end = script.find('\n');
    std::string_view line = script.substr(0, end);
    script.remove_prefix(end == std::string_view::npos ? script.size() : end + 1);
    if (line.starts_with(kMark)) wanted = IsFor(line.substr(kMark.size()), kind);
    const size_t text = line.find_first_not_of(' ');
    if (!wanted || text == std::string_view::npos || line[text] == '#') continue;
    stripped.append(line.substr(text)) += '\n';
  }
  return stripped;
}

// Words that the script often has; each travels as an accent, which the script is without, and a
// letter.
constexpr std::string_view kWords[] = {"process", "return", "/proc/",    "path",   "read", "name",
                                       "case ",   "file",   " continue", "stat",   "esac", "line",
                                       "folder",  "printf", "defined ",  "while ", " in ", " if ",
                                       "from",    "done",   "trouble",   "mount"};

std::string Code(size_t word) {
  return {'`', static_cast<char>('a' + word)};
}

std::string ShortenWords(std::string script) {
  for (size_t i = 0; i < std::size(kWords); ++i) {
    for (size_t at = 0; (at = script.find(kWords[i], at)) != std::string::npos; ++at) {
      script.replace(at, kWords[i].size(), Code(i));
    }
  }
  return script;
}

// Makes words of them again.
std::string LengthenWords() {
  std::string command = "sed \"";
  for (size_t i = 0; i < std::size(kWords); ++i) {
    command += "s,\\" + Code(i) + "," + std::string(kWords[i]) + ",g;";
  }
  return command + "\"";
}

// Of the account's environment, which may change what any program does, only what checks may stand
// on comes along. Bash, where there is one, reads files in blocks and has a clock of its own.
std::string CommandFor(Kind kind) {
  return ssh::OneLine(
      "exec env -i PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=\"$HOME\" "
      "USER=\"$USER\" LOGNAME=\"$LOGNAME\" sh",
      ShortenWords(Strip(HelperScript(), kind)),
      "if [ -x /bin/bash ]; then exec /bin/bash --norc -c \"$s\" mailhub-helper; fi; eval \"$s\"",
      LengthenWords());
}

}  // namespace

const std::string& HelperCommand(std::string_view spec) {
  static const auto commands = [] {
    std::array<std::string, kKinds> all;
    for (int kind = 0; kind < kKinds; ++kind) all[kind] = CommandFor(static_cast<Kind>(kind));
    return all;
  }();
  return commands[KindOf(spec)];
}

}  // namespace mailhub::exporter
