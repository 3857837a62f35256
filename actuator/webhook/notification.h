// What Alertmanager posts (webhook format, version 4), checked and brought into the engine's terms.
// simdjson stays in the .cc.
#pragma once

#include <cstddef>
#include <string_view>

#include "actuator/engine/engine.h"
#include "lib/base/result.h"

namespace mailhub::webhook {

// Bounds of one notification. What is kept of it is small; what is sent may be large, because every
// alert comes with its annotations, which nobody here needs.
inline constexpr size_t kMostBytes = size_t{32} << 20;
inline constexpr int kDeepest = 32;
inline constexpr size_t kMostAlerts = 5'000;
inline constexpr size_t kMostLabels = 64;
inline constexpr size_t kLongestLabelName = 128;
inline constexpr size_t kLongestLabelValue = 4'096;

// kInvalid with a sentence that names the field when the notification itself is wrong; kRefused
// when it is larger than the bounds: sent again it may be smaller. A single
// alert that is says so in `malformed`, with its place in the list, and hides no other. Unknown
// fields are ignored. `id` of the result is left empty. Thread-safe; memory used is bounded
// by the body's size.
Result<engine::Notification> ParseNotification(std::string_view body);

}  // namespace mailhub::webhook
