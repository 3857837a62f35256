// Reads fields of the API's JSON, for the files that fill the models. A null or missing field is
// empty, unless it is needed; what is missing or has a wrong type is thrown, and Parse() makes it an
// error.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "actuator/ctl/model.h"
#include "lib/base/result.h"

namespace mailhub::ctl {

using Json = nlohmann::ordered_json;

// A missing essential field.
struct Lacks : std::runtime_error {
  explicit Lacks(const char* key) : std::runtime_error(std::string(key) + " is missing") {}
};

inline const Json kNull;

inline const Json& At(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? kNull : *found;
}
inline std::string Text(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_null() ? "" : value.get<std::string>();
}
inline std::optional<double> Number(const Json& json, const char* key) {
  const Json& value = At(json, key);
  if (value.is_null()) return std::nullopt;
  return value.get<double>();
}
inline int Int(const Json& json, const char* key) {
  return static_cast<int>(Number(json, key).value_or(0));
}
inline uint64_t Whole(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_null() ? 0 : value.get<uint64_t>();
}
inline bool Bool(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return !value.is_null() && value.get<bool>();
}
// Each throws if there is none.
inline const Json& Needed(const Json& json, const char* key) {
  const Json& value = At(json, key);
  if (value.is_null()) throw Lacks(key);
  return value;
}
inline std::string NeededText(const Json& json, const char* key) {
  auto text = Needed(json, key).get<std::string>();
  if (text.empty()) throw Lacks(key);
  return text;
}
template <typename T>
T NeededNumber(const Json& json, const char* key) {
  const Json& value = Needed(json, key);
  if (!value.is_number()) throw Lacks(key);
  return value.get<T>();
}
inline const Json& NeededList(const Json& json, const char* key) {
  const Json& value = Needed(json, key);
  if (!value.is_array()) throw Lacks(key);
  return value;
}

inline std::vector<std::string> Strings(const Json& json, const char* key) {
  const Json& value = At(json, key);
  return value.is_null() ? std::vector<std::string>() : value.get<std::vector<std::string>>();
}

// "start" of plans and of alerts' trials; nothing when it is null.
inline std::optional<Start> ToStart(const Json& json) {
  if (json.is_null()) return std::nullopt;
  Start start;
  start.unknown = Text(json, "unknown");
  start.refused = Text(json, "refused");
  if (start.unknown.empty()) start.now = Needed(json, "now").get<bool>();
  start.starts_at = Text(json, "startsAt");
  start.waiting_for = Text(json, "waitingFor");
  start.reserved_s = Number(json, "reservedSeconds").value_or(0);
  start.reserved_from = Text(json, "reservedFrom");
  return start;
}

// A wrong type or a missing field is thrown; here it becomes a value.
template <typename Read>
auto Parse(const std::string& data, Read read) -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(data));
  } catch (const std::exception& e) {
    return Fail(
        ErrorKind::kInvalid,
        std::string("the answer is not what this version of mailhubctl knows: ") + e.what());
  }
}

template <typename T>
Result<std::vector<T>> ParseList(const std::string& data, const char* key, T (*one)(const Json&)) {
  return Parse(data, [&](const Json& json) {
    std::vector<T> list;
    for (const Json& entry : NeededList(json, key)) list.push_back(one(entry));
    return list;
  });
}

}  // namespace mailhub::ctl
