#include "exporter/helper/helper_command.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lib/config/service_managers.h"

namespace mailhub::exporter {
namespace {

// The parts of the script that a host needs.
enum Kind { kPosix, kCommands, kPerl, kKinds };

Kind KindOf(std::string_view spec) {
  const auto has = [spec](std::string_view word) {
    return spec.find("\n" + std::string(word) + " ") != std::string_view::npos;
  };
  if (spec.find("\nplatform posix\n") != std::string_view::npos) return kPosix;
  const bool services = std::ranges::any_of(All<config::ServiceKind>(), [&](auto kind) {
    const std::string_view request = config::ManagerOf(kind).request;
    return !request.empty() && has(request);
  });
  return services || has("check") ? kCommands : kPerl;
}

bool IsFor(std::string_view part, Kind kind) {
  if (part == "all") return true;
  if (part == "linux") return kind != kPosix;
  if (part == "commands") return kind != kPerl;
  return part == (kind == kPosix ? "posix" : kind == kPerl ? "perl" : "");
}

// The script without comments, indentation and parts that this host does not need.
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

// Each line has its end, so that the host can count them; the last line marks the end.
constexpr std::string_view kLastLine = "# whole";

HelperText TextFor(Kind kind) {
  HelperText text;
  text.script = Strip(HelperScript(), kind).append(kLastLine) + '\n';
  const auto lines = std::count(text.script.begin(), text.script.end(), '\n');
  // Only the environment variables that checks may need are kept, because others may change any
  // program's behaviour. Bash, where available, reads files in blocks and has its own clock. `head`
  // may read beyond its lines, so nothing is sent before "ready".
  text.command =
      "exec env -i PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=\"$HOME\" "
      "USER=\"$USER\" LOGNAME=\"$LOGNAME\" sh -c '"
      "read -r n n; printf \"\\n%s send\\n\" \"$n\"; s=$(head -n " +
      std::to_string(lines) + "); case $s in *\"" + std::string(kLastLine) +
      "\") ;; *) exit ;; esac; printf \"\\n%s ready\\n\" \"$n\"; "
      "if [ -x /bin/bash ]; then exec /bin/bash --norc -c \"$s\" mailhub-helper; fi; eval \"$s\"'";
  return text;
}

}  // namespace

const HelperText& HelperFor(std::string_view spec) {
  static const auto texts = [] {
    std::array<HelperText, kKinds> all;
    for (int kind = 0; kind < kKinds; ++kind) all[kind] = TextFor(static_cast<Kind>(kind));
    return all;
  }();
  return texts[KindOf(spec)];
}

}  // namespace mailhub::exporter
