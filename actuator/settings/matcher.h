// Matchers as Alertmanager's configuration writes them: alertname="DirectoryMemoryHigh",
// instance=~"mailhub[0-9]+".
#pragma once

#include <string>
#include <string_view>

#include "actuator/engine/trigger.h"
#include "lib/base/result.h"

namespace mailhub::settings {

// A label's name: letters, digits and _, not beginning with a digit; or any UTF-8 in double quotes,
// as Alertmanager 0.27 and later write it. kInvalid says what was expected.
Result<std::string> ParseLabelName(std::string_view text);

// LABEL OP VALUE with LABEL as above, OP one of = != =~ !~ and VALUE in double quotes (\" \\ \n
// inside) or bare. kInvalid says what was expected; also for a regular expression that is none or
// longer than 256 characters.
Result<engine::Matcher> ParseMatcher(std::string_view text);

}  // namespace mailhub::settings
