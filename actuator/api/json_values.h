// Times, durations and words as JSON values, for the render*.cc files.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "actuator/api/render.h"
#include "lib/base/clock.h"

namespace mailhub::api {

using Json = nlohmann::ordered_json;

inline std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

inline Json Time(const std::optional<WallTime>& time) {
  return time && *time != WallTime() ? Json(FormatUtc(*time)) : Json(nullptr);
}
inline Json SecondsOf(const std::optional<Milliseconds>& duration) {
  return duration ? Json(ToSeconds(*duration)) : Json(nullptr);
}
inline Json NumberOf(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? Json(*number) : Json(nullptr);
}
template <typename Enum>
Json NameOf(const std::optional<Enum>& value) {
  return value ? Json(Name(*value)) : Json(nullptr);
}

// Never negative, because wall time may step.
inline std::optional<Milliseconds> Between(const std::optional<WallTime>& from, WallTime to) {
  if (!from) return std::nullopt;
  return std::max(Milliseconds(0), to - *from);
}

}  // namespace mailhub::api
