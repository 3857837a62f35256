// Makes a script a command line for any login shell.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::ssh {

// `shell` -c '...': runs the script. The line has no line end, tab or exclamation mark, and no
// quote that csh, fish or the like would read differently. Never fails.
std::string OneLine(std::string_view shell, std::string_view script);

}  // namespace mailhub::ssh
