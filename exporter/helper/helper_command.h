// The helper as the command that starts it: embedded at build time, packed into one line that any
// login shell passes on.
#pragma once

#include <string>

namespace mailhub::exporter {

// Starts the helper with its script as an argument, so that standard input carries requests only.
// The line holds no line end, quote or exclamation mark that a csh, fish or the like would read
// differently. Thread-safe, never fails.
const std::string& HelperCommand();

}  // namespace mailhub::exporter
