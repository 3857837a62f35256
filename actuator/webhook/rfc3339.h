// Parses Alertmanager's time stamps: "2018-08-03T09:52:26.739266876+02:00".
#pragma once

#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::webhook {

// RFC 3339 with upper-case T and Z, years 1 to 9999, any number of fractional digits (cut to
// milliseconds), offsets up to 23:59, second 60 counted as the next minute's first. kInvalid quotes
// the text.
Result<WallTime> ParseRfc3339(std::string_view text);

}  // namespace mailhub::webhook
