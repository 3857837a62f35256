// The actuator's own metrics, as one page for Prometheus: counters since the start, and the
// engine's present state. prometheus-cpp stays in the .cc.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/api/receivers.h"
#include "actuator/engine/event.h"
#include "actuator/engine/view.h"
#include "lib/base/words.h"
#include "lib/metrics/families.h"

namespace mailhub::api {

// The outcome of one delivery to the webhook. (Its alerts are counted from their AlertDecided
// events.)
enum class NotificationDecision {
  kAccepted,      // committed
  kInvalid,       // broken JSON, wrong version, too large
  kUnauthorized,  // missing or wrong credentials
  kOverloaded,    // inbox full, or the journal cannot be written; Alertmanager sends again
};
constexpr auto WordsOf(NotificationDecision) {
  using enum NotificationDecision;
  return Vocabulary<NotificationDecision>({
      {kAccepted, "accepted"},
      {kInvalid, "invalid"},
      {kUnauthorized, "unauthorized"},
      {kOverloaded, "overloaded"},
  });
}

// Why a delivery was refused for good: sending it again does not help.
enum class NotificationRefusal { kTooLarge, kMalformed, kUnauthorized };
constexpr auto WordsOf(NotificationRefusal) {
  using enum NotificationRefusal;
  return Vocabulary<NotificationRefusal>({
      {kTooLarge, "too_large"},
      {kMalformed, "malformed"},
      {kUnauthorized, "unauthorized"},
  });
}

// Thread-safe; every call is short and does no I/O. Never fails: an event of an unknown run is
// counted from the event's own fields. Bounded: it remembers the unfinished runs and at most 2,000
// series of each kind; further series are left out.
class ActuatorMetrics {
 public:
  using PreciseSeconds = std::chrono::duration<double>;

  explicit ActuatorMetrics(std::string version);
  ~ActuatorMetrics();
  ActuatorMetrics(const ActuatorMetrics&) = delete;
  ActuatorMetrics& operator=(const ActuatorMetrics&) = delete;

  // Call once, after the replay and before the first EventCommitted. Sets the last durations and
  // successes (from Backend::History) and the unfinished runs.
  void Restore(const std::vector<engine::PastRun>& history, const engine::View& view);

  // Call for every event after its commit, in order; not for events replayed at the start.
  void EventCommitted(const engine::Event& event);

  void JournalCommitted(PreciseSeconds took);
  void JournalFailed();
  void NotificationDecided(NotificationDecision decision);
  void NotificationRefused(NotificationRefusal reason);
  // Counts the webhook's HTTP status.
  void WebhookAnswered(int code);
  // Until the first reload the configuration counts as loaded.
  void ConfigReloaded(bool successfully);

  // All of the page, without process_*.
  metrics::Families Collect(const engine::View& view,
                            const std::vector<ReceiverStatus>& receivers = {}) const;
  // The same with process_*, in the text exposition format, sorted; the same state gives the same text.
  std::string Render(const engine::View& view,
                     const std::vector<ReceiverStatus>& receivers = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailhub::api
