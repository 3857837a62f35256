// Matchers as Alertmanager's configuration writes them: alertname="DirectoryMemoryHigh",
// instance=~"mailhub[0-9]+".
#pragma once

#include <string_view>

#include "actuator/engine/trigger.h"
#include "lib/base/result.h"

namespace mailhub::settings {

// LABEL OP VALUE with OP one of = != =~ !~ and VALUE in double quotes (\" \\ \n inside) or bare.
// kInvalid says what was expected; also for a regular expression that is none or longer than 256
// characters.
Result<engine::Matcher> ParseMatcher(std::string_view text);

}  // namespace mailhub::settings
