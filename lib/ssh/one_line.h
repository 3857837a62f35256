// A script as a command for a host whose login shell may be any.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::ssh {

// `shell` -c '...': what runs the script. The line holds no line end, tab or exclamation mark, and
// no quote that a csh, fish or the like would read differently. Never fails.
std::string OneLine(std::string_view shell, std::string_view script);

}  // namespace mailhub::ssh
