// See notification.h.
#include "actuator/webhook/notification.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "actuator/webhook/rfc3339.h"

namespace mailhub::webhook {
namespace {

using Json = nlohmann::json;

tl::unexpected<Error> Bad(const std::string& what) {
  return Fail(ErrorKind::kInvalid, what);
}

// Looked at before parsing, so that nothing deep is ever built. Brackets inside strings do not
// count.
bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

const Json* Find(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

Result<std::string> FindString(const Json& object, const char* name) {
  const Json* value = Find(object, name);
  if (value == nullptr || !value->is_string()) {
    return Bad(std::string(name) + " must be a string");
  }
  return value->get<std::string>();
}

// As model.Fingerprint prints itself. It names the alert's episode, so its shape is not left to
// chance.
bool IsFingerprint(const std::string& text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Status ReadLabels(const Json& labels, std::map<std::string, std::string>* out) {
  if (!labels.is_object()) return Bad("labels must be an object");
  if (labels.size() > kMostLabels) {
    return Bad("has more than " + std::to_string(kMostLabels) + " labels");
  }
  for (const auto& [name, value] : labels.items()) {
    if (name.empty() || name.size() > kLongestLabelName) {
      return Bad("a label's name must have 1 to " + std::to_string(kLongestLabelName) + " bytes");
    }
    if (!value.is_string()) return Bad("label " + name + " must be a string");
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > kLongestLabelValue) {
      return Bad("label " + name + " is longer than " + std::to_string(kLongestLabelValue) +
                 " bytes");
    }
    out->emplace(name, text);
  }
  return {};
}

// Fills in what can be read until the first mistake.
Status ReadAlert(const Json& json, engine::Alert* alert) {
  if (!json.is_object()) return Bad("must be an object");
  const Json* labels = Find(json, "labels");
  if (labels == nullptr) return Bad("labels must be an object");
  if (Status s = ReadLabels(*labels, &alert->labels); !s) return s;
  Result<std::string> fingerprint = FindString(json, "fingerprint");
  if (!fingerprint) return Fail(fingerprint.error());
  if (!IsFingerprint(*fingerprint)) return Bad("fingerprint must be 16 lower-case hex digits");
  alert->fingerprint = std::move(*fingerprint);
  const Result<std::string> starts_at = FindString(json, "startsAt");
  if (!starts_at) return Fail(starts_at.error());
  const Result<WallTime> start = ParseRfc3339(*starts_at);
  if (!start) return Fail("startsAt", start.error());
  alert->starts_at = *start;
  const Result<std::string> status = FindString(json, "status");
  if (!status) return Fail(status.error());
  if (*status != "firing" && *status != "resolved") {
    return Bad("status must be \"firing\" or \"resolved\"");
  }
  alert->firing = *status == "firing";
  return {};
}

// Absent in notifications of old Alertmanagers.
Result<uint64_t> ReadTruncated(const Json& body) {
  const Json* truncated = Find(body, "truncatedAlerts");
  if (truncated == nullptr) return 0;
  if (!truncated->is_number_unsigned()) return Bad("truncatedAlerts must be a number, 0 or more");
  return truncated->get<uint64_t>();
}

}  // namespace

Result<engine::Notification> ParseNotification(std::string_view body) {
  if (body.size() > kMostBytes) {
    return Bad("the body is longer than " + std::to_string(kMostBytes) + " bytes");
  }
  if (IsTooDeep(body)) {
    return Bad("the body is nested deeper than " + std::to_string(kDeepest) + " levels");
  }
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Bad("the body is not JSON");
  if (!json.is_object()) return Bad("the body must be a JSON object");
  const Result<std::string> version = FindString(json, "version");
  if (!version) return Fail(version.error());
  if (*version != "4") return Bad("version must be \"4\", the webhook format this program speaks");
  const Result<uint64_t> truncated = ReadTruncated(json);
  if (!truncated) return Fail(truncated.error());
  const Json* alerts = Find(json, "alerts");
  if (alerts == nullptr || !alerts->is_array()) return Bad("alerts must be a list");
  if (alerts->size() > kMostAlerts) {
    return Bad("has more than " + std::to_string(kMostAlerts) + " alerts");
  }

  engine::Notification notification;
  notification.truncated = *truncated;
  notification.alerts.reserve(alerts->size());
  for (const Json& item : *alerts) {
    engine::Alert alert;
    if (const Status read = ReadAlert(item, &alert); !read) {
      alert.malformed =
          "alerts[" + std::to_string(notification.alerts.size()) + "]: " + read.error().message;
    }
    notification.alerts.push_back(std::move(alert));
  }
  return notification;
}

}  // namespace mailhub::webhook
