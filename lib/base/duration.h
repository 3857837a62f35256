// Durations in Prometheus's notation: "90s", "15m", "1h30m", "4h", "35d", "500ms".
#pragma once

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub {

// Units y w d h m s ms, each at most once and in this order, as Prometheus takes them. "0" is
// allowed. kInvalid with the expected form, also for anything above 10 years.
Result<Milliseconds> ParseDuration(std::string_view text);

// The shortest form that ParseDuration reads back: "1h30m". Zero is "0s".
std::string FormatDuration(Milliseconds duration);

}  // namespace mailhub
