// What Alertmanager posts (webhook format, version 4), checked and brought into the engine's terms.
// nlohmann stays in the .cc.
#pragma once

#include <cstddef>
#include <string_view>

#include "actuator/engine/engine.h"
#include "lib/base/result.h"

namespace mailhub::webhook {

// Bounds of one notification. Alertmanager itself stays far below them.
inline constexpr size_t kMostBytes = size_t{1} << 20;
inline constexpr int kDeepest = 32;
inline constexpr size_t kMostAlerts = 5'000;
inline constexpr size_t kMostLabels = 64;
inline constexpr size_t kLongestLabelName = 128;
inline constexpr size_t kLongestLabelValue = 4'096;

// kInvalid with a sentence that names the field when the notification itself is wrong. A single
// alert that is says so in `malformed`, with its place in the list, and hides no other. Unknown
// fields are ignored. `id` of the result is left empty. Thread-safe; memory used is bounded
// by the body's size.
Result<engine::Notification> ParseNotification(std::string_view body);

}  // namespace mailhub::webhook
