// Parses Alertmanager's webhook body (version 4) into an engine::Notification. simdjson stays in
// the .cc.
#pragma once

#include <cstddef>
#include <string_view>

#include "actuator/engine/engine.h"
#include "lib/base/result.h"

namespace mailhub::webhook {

// Limits of one notification. A large one is accepted because alerts carry annotations; only a
// small part is kept.
inline constexpr size_t kMostBytes = size_t{32} << 20;
inline constexpr int kDeepest = 32;
inline constexpr size_t kMostAlerts = 5'000;
inline constexpr size_t kMostLabels = 64;
inline constexpr size_t kLongestLabelName = 128;
inline constexpr size_t kLongestLabelValue = 4'096;

// kInvalid with a sentence that names the field when the notification itself is wrong; kRefused
// when it exceeds the limits: it may be smaller when sent again. A single wrong alert has its
// defect and its place in `malformed`, and hides no other. Ignores unknown fields. Leaves the
// result's `id` empty. Thread-safe; memory use is bounded by the body's size.
Result<engine::Notification> ParseNotification(std::string_view body);

}  // namespace mailhub::webhook
