// A script as a command for a host whose login shell may be any.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::ssh {

// `shell` -c '...': what puts the script into $s and then does `run`. Where there is a `filter`, a
// command, the script goes through it first. Both are shell text without quotes of the single kind.
// The line holds no line end, tab or exclamation mark, and no quote that a csh,
// fish or the like would read differently. Never fails.
std::string OneLine(std::string_view shell, std::string_view script,
                    std::string_view run = "eval \"$s\"", std::string_view filter = "");

}  // namespace mailhub::ssh
