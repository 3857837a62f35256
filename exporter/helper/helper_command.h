// The helper, embedded at build time: as a script to install on a host, and as the command that
// brings it along.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::exporter {

// The script, whole.
std::string_view HelperScript();

// Starts the helper with its script as an argument, so that standard input carries requests only;
// first that spec, since the script has only what this one needs. The line holds no line end, quote
// or exclamation mark that a csh, fish or the like would read differently. Thread-safe, never
// fails.
const std::string& HelperCommand(std::string_view spec);

}  // namespace mailhub::exporter
