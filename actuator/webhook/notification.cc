// See notification.h.
#include "actuator/webhook/notification.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "actuator/webhook/rfc3339.h"
#include "lib/base/printable.h"

namespace mailhub::webhook {
namespace {

namespace dom = simdjson::dom;

tl::unexpected<Error> Bad(const std::string& what) {
  return Fail(ErrorKind::kInvalid, what);
}

tl::unexpected<Error> TooLarge(const std::string& what) {
  return Fail(ErrorKind::kRefused, what);
}

// Alertmanager always sends these fields; a receiver's template may omit them.
constexpr const char* kTemplated =
    "not Alertmanager's own format; remove `payload` or `body` from its receiver";

Result<std::string_view> FindString(const dom::object& object, const char* name) {
  std::string_view text;
  const simdjson::error_code error = object[name].get(text);
  if (error == simdjson::NO_SUCH_FIELD) {
    return Bad(std::string(name) + " is missing: " + kTemplated);
  }
  if (error != simdjson::SUCCESS) return Bad(std::string(name) + " must be a string");
  return text;
}

// "4"; or 4, as a template writes it.
Status CheckVersion(const dom::object& body) {
  const std::string must = "version must be \"4\", Alertmanager's webhook format; found ";
  dom::element version;
  if (body["version"].get(version) != simdjson::SUCCESS) {
    return Bad(std::string("version is missing; expected \"4\": ") + kTemplated);
  }
  std::string_view text;
  int64_t number = 0;
  const bool is_text = version.get(text) == simdjson::SUCCESS;
  if (!is_text && version.get(number) != simdjson::SUCCESS) {
    return Bad(must + "neither text nor a number");
  }
  if (is_text ? text == "4" : number == 4) return {};
  if (is_text ? text == "1" : number == 1) {
    return Bad(
        must +
        "\"1\", as Grafana's alerting sends it: let Grafana notify an Alertmanager, and that "
        "one this program");
  }
  return Bad(must + (is_text ? "\"" + Excerpt(text, 40) + "\"" : std::to_string(number)));
}

// The format of model.Fingerprint. It names the alert's episode, so it is checked.
bool IsFingerprint(std::string_view text) {
  return text.size() == 16 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Status ReadLabels(const dom::object& labels, std::map<std::string, std::string>* out) {
  if (labels.size() > kMostLabels) {
    return Bad("has more than " + std::to_string(kMostLabels) + " labels");
  }
  for (const auto& [key, value] : labels) {
    const std::string name(key);
    if (name.empty() || name.size() > kLongestLabelName) {
      return Bad("a label's name must have 1 to " + std::to_string(kLongestLabelName) + " bytes");
    }
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS)
      return Bad("label " + Excerpt(name) + " must be a string");
    if (text.size() > kLongestLabelValue) {
      return Bad("label " + Excerpt(name) + " is longer than " +
                 std::to_string(kLongestLabelValue) + " bytes");
    }
    out->emplace(name, text);
  }
  return {};
}

// Sets the fields up to the first mistake.
Status ReadAlert(const dom::element& json, engine::Alert* alert) {
  dom::object object;
  if (json.get(object) != simdjson::SUCCESS) return Bad("must be an object");
  dom::object labels;
  if (object["labels"].get(labels) != simdjson::SUCCESS) return Bad("labels must be an object");
  if (Status s = ReadLabels(labels, &alert->labels); !s) return s;
  const Result<std::string_view> fingerprint = FindString(object, "fingerprint");
  if (!fingerprint) return Fail(fingerprint.error());
  if (!IsFingerprint(*fingerprint)) return Bad("fingerprint must be 16 lower-case hex digits");
  alert->fingerprint = *fingerprint;
  const Result<std::string_view> starts_at = FindString(object, "startsAt");
  if (!starts_at) return Fail(starts_at.error());
  const Result<WallTime> start = ParseRfc3339(*starts_at);
  if (!start) return Fail("startsAt", start.error());
  alert->starts_at = *start;
  const Result<std::string_view> status = FindString(object, "status");
  if (!status) return Fail(status.error());
  if (*status != "firing" && *status != "resolved") {
    return Bad("status must be \"firing\" or \"resolved\"");
  }
  alert->firing = *status == "firing";
  return {};
}

// Absent in notifications of old Alertmanagers.
Result<uint64_t> ReadTruncated(const dom::object& body) {
  uint64_t truncated = 0;
  const simdjson::error_code error = body["truncatedAlerts"].get(truncated);
  if (error != simdjson::SUCCESS && error != simdjson::NO_SUCH_FIELD) {
    return Bad("truncatedAlerts must be a number, 0 or more");
  }
  return truncated;
}

}  // namespace

Result<engine::Notification> ParseNotification(std::string_view body) {
  if (body.size() > kMostBytes) {
    return TooLarge("the body is longer than " + std::to_string(kMostBytes) + " bytes");
  }
  dom::parser parser;
  dom::element json;
  // The parser refuses a depth equal to this limit.
  simdjson::error_code error = parser.allocate(std::max<size_t>(body.size(), 1), kDeepest + 1);
  if (error == simdjson::SUCCESS) error = parser.parse(body.data(), body.size()).get(json);
  if (error == simdjson::MEMALLOC) return Fail(ErrorKind::kOverloaded, "out of memory");
  if (error == simdjson::DEPTH_ERROR) {
    return Bad("the body is nested deeper than " + std::to_string(kDeepest) + " levels");
  }
  if (error != simdjson::SUCCESS) return Bad("the body is not JSON");
  dom::object object;
  if (json.get(object) != simdjson::SUCCESS) return Bad("the body must be a JSON object");
  if (Status version = CheckVersion(object); !version) return Fail(version.error());
  const Result<uint64_t> truncated = ReadTruncated(object);
  if (!truncated) return Fail(truncated.error());
  dom::array alerts;
  if (object["alerts"].get(alerts) != simdjson::SUCCESS) return Bad("alerts must be a list");
  if (alerts.size() > kMostAlerts) {
    return TooLarge("has more than " + std::to_string(kMostAlerts) + " alerts");
  }

  engine::Notification notification;
  notification.truncated = *truncated;
  notification.alerts.reserve(alerts.size());
  for (const dom::element item : alerts) {
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
