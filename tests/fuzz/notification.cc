// Alertmanager's webhook body.
#include "actuator/webhook/notification.h"

#include <nlohmann/json.hpp>
#include <string>

#include "lib/base/printable.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using engine::Alert;
using nlohmann::json;

// 2026-11-25T10:00:00.123Z; only the milliseconds vary here.
std::string Time(WallTime time) {
  using namespace std::chrono;  // NOLINT: a calendar's words
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

bool HasFourDigitYear(WallTime time) {
  const int year = static_cast<int>(
      std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year());
  return year >= 1 && year <= 9999;
}

void DemandSound(const Alert& alert) {
  Demand(alert.fingerprint.size() == 16, "a fingerprint has 16 characters", alert.fingerprint);
  Demand(alert.labels.size() <= webhook::kMostLabels, "an alert has at most 64 labels");
  for (const auto& [name, value] : alert.labels) {
    Demand(!name.empty() && name.size() <= webhook::kLongestLabelName,
           "a label's name has 1 to 128 bytes", name);
    Demand(value.size() <= webhook::kLongestLabelValue, "a label's value has at most 4,096 bytes",
           name);
    Demand(IsUtf8(name) && IsUtf8(value), "a label is UTF-8", name);
  }
}

json Written(const engine::Notification& notification) {
  json alerts = json::array();
  for (const Alert& alert : notification.alerts) {
    if (!alert.malformed.empty() || !HasFourDigitYear(alert.starts_at)) continue;
    json labels = json::object();
    for (const auto& [name, value] : alert.labels) labels[name] = value;
    alerts.push_back({{"status", alert.firing ? "firing" : "resolved"},
                      {"labels", labels},
                      {"startsAt", Time(alert.starts_at)},
                      {"fingerprint", alert.fingerprint}});
  }
  return {{"version", "4"}, {"truncatedAlerts", notification.truncated}, {"alerts", alerts}};
}

}  // namespace

void TryNotification(std::string_view bytes) {
  const auto notification = webhook::ParseNotification(bytes);
  if (!notification) {
    const ErrorKind kind = notification.error().kind;
    Demand(kind == ErrorKind::kInvalid || kind == ErrorKind::kRefused,
           "a bad notification is invalid, a too large one refused");
    return DemandGoodMessage(notification.error());
  }
  Demand(notification->id.empty(), "a notification has no id yet");
  Demand(notification->alerts.size() <= webhook::kMostAlerts, "there are at most 5,000 alerts");
  for (const Alert& alert : notification->alerts) {
    if (alert.malformed.empty()) {
      DemandSound(alert);
    } else {
      DemandGoodMessage(alert.malformed);
      Demand(alert.malformed.starts_with("alerts["), "a malformed alert has its place",
             alert.malformed);
    }
  }

  const json written = Written(*notification);
  const auto again = webhook::ParseNotification(written.dump());
  if (!again)
    return Demand(false, "a notification that was written is read", again.error().message);
  Demand(again->truncated == notification->truncated,
         "truncatedAlerts is the same when read again");
  Demand(again->alerts.size() == written["alerts"].size(), "no alert is lost");
  Demand(Written(*again) == written, "a notification is the same when it is written and read",
         written.dump());
}

}  // namespace mailhub::fuzz
