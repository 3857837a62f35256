// The helper, embedded at build time: as a script to install on a host, and as text that the
// exporter sends.
#pragma once

#include <string>
#include <string_view>

namespace mailhub::exporter {

// The whole script.
std::string_view HelperScript();

// The command and script by which the exporter sends the helper. The command waits for a line
// "hello NONCE", answers "NONCE send", takes the script from its standard input, answers "NONCE
// ready" and becomes the helper. Nothing else may be sent to it in between. An installed helper,
// which a restricted key starts for any command, answers "NONCE hello 1" instead.
struct HelperText {
  std::string command;  // for any login shell: no line end, no exclamation mark, no quote that a
                        // csh or fish reads differently
  std::string script;
};

// For that spec: the script contains only the parts it needs. Thread-safe, never fails.
const HelperText& HelperFor(std::string_view spec);

}  // namespace mailhub::exporter
