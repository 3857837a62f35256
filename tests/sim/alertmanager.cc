// See alertmanager.h.
#include "tests/sim/alertmanager.h"

namespace mailhub::sim {
namespace {

constexpr int64_t kLongestRecordingLagMs = 120'000;
constexpr int64_t kMostClockAheadMs = 600'000;
constexpr int64_t kEpochMs = 1'700'000'000'000;

}  // namespace

Alertmanager::Alertmanager(World* world, const Playbook* playbook)
    : world_(world), playbook_(playbook) {
  if (world_->Chance(0.5)) recording_lag_ms_ = world_->Between(0, kLongestRecordingLagMs);
  if (world_->Chance(world_->faults.strange_clock)) {
    clock_ahead_ms_ = world_->Between(-kMostClockAheadMs, kMostClockAheadMs);
  }
}

void Alertmanager::Add(engine::Notification* notification, const std::string& name,
                       const std::string& instance, bool firing, int64_t since_ms) {
  engine::Alert alert;
  alert.firing = firing;
  alert.fingerprint = name + instance;
  alert.labels = {{"alertname", name}, {"instance", instance}};
  alert.starts_at = FromUnixMs(kEpochMs + since_ms);
  notification->alerts.push_back(std::move(alert));
}

// Alerts depend on recording rules, which lag behind their data.
void Alertmanager::AddShipped(engine::Notification* notification) {
  const int64_t seen_ms = world_->now_ms() - recording_lag_ms_;
  const bool stale =
      world_->machines.Value({"mailhub1", "file_mtime_timestamp_seconds aliases"}, seen_ms) == 100;
  const bool big =
      world_->machines.Value({"x500", "process_resident_memory_bytes eddy"}, seen_ms) > 500e6;
  // A restarted Prometheus gives a new start to an alert that never ended.
  const auto since_ms = [this] { return -world_->Between(0, 1) * 60'000; };
  Add(notification, "TablesStale", "mailhub1", stale, since_ms());
  if (big || world_->Chance(0.3)) Add(notification, "DirectoryTooBig", "x500", big, since_ms());
  if (world_->Chance(0.1)) Add(notification, "TablesStale", "no-such-host", true, since_ms());
}

void Alertmanager::AddMadeUp(engine::Notification* notification) {
  if (world_->Chance(0.1)) world_->machines.Need(world_->Chance(0.5), world_->now_ms());
  for (const engine::Trigger& trigger : playbook_->triggers()) {
    const std::string instance = world_->Chance(0.7) ? "box1" : "box2";
    const std::string fingerprint = trigger.name + instance;
    const auto firing = firing_.find(fingerprint);
    if (firing == firing_.end()) {
      if (!world_->Chance(0.25)) continue;
      firing_[fingerprint] = world_->now_ms() + clock_ahead_ms_;
      Add(notification, trigger.name, instance, true, firing_[fingerprint]);
    } else if (world_->Chance(0.1)) {
      Add(notification, trigger.name, instance, false, firing->second);
      firing_.erase(firing);
    } else {
      Add(notification, trigger.name, instance, true, firing->second);
    }
  }
}

engine::Notification Alertmanager::Notify() {
  engine::Notification notification;
  notification.id = "n" + std::to_string(++notifications_);
  if (playbook_->made_up()) {
    AddMadeUp(&notification);
  } else {
    AddShipped(&notification);
  }
  if (world_->Chance(0.1)) Add(&notification, "NobodyKnowsThis", "x500", true, 0);
  return notification;
}

engine::Notification Alertmanager::Again(engine::Notification notification) {
  notification.id = "n" + std::to_string(++notifications_);
  return notification;
}

}  // namespace mailhub::sim
