// The actuator's own metrics: what has been counted since it started, and what the engine shows
// right now, as one page for Prometheus. prometheus-cpp stays in the .cc.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/engine/event.h"
#include "actuator/engine/view.h"
#include "lib/base/words.h"

namespace mailhub::api {

// What became of one delivery to the webhook as a whole. (Its alerts are counted from their
// AlertDecided events.)
enum class NotificationDecision {
  kAccepted,      // committed
  kInvalid,       // broken JSON, wrong version, too large
  kUnauthorized,  // missing or wrong credentials
  kOverloaded,    // inbox full, or the journal cannot be written; Alertmanager comes again
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

// Why a delivery was refused in a way that sending it again does not mend.
enum class NotificationRefusal { kTooLarge, kMalformed, kUnauthorized };
constexpr auto WordsOf(NotificationRefusal) {
  using enum NotificationRefusal;
  return Vocabulary<NotificationRefusal>({
      {kTooLarge, "too_large"},
      {kMalformed, "malformed"},
      {kUnauthorized, "unauthorized"},
  });
}

// Thread-safe; every call is short and does no I/O. Never fails: an event about a run that it has
// not heard of is counted as far as the event itself tells. Bounded: it remembers the unfinished
// runs, and at most 2,000 series of each kind; what comes after that is left out.
class ActuatorMetrics {
 public:
  using PreciseSeconds = std::chrono::duration<double>;

  explicit ActuatorMetrics(std::string version);
  ~ActuatorMetrics();
  ActuatorMetrics(const ActuatorMetrics&) = delete;
  ActuatorMetrics& operator=(const ActuatorMetrics&) = delete;

  // Once, after the replay and before the first EventCommitted: last durations and successes from
  // the past (as Backend::History gives it), and who the unfinished runs are.
  void Restore(const std::vector<PastRun>& history, const engine::View& view);

  // Every event, after its commit and in its order; not those replayed at start.
  void EventCommitted(const engine::Event& event);

  void JournalCommitted(PreciseSeconds took);
  void JournalFailed();
  void NotificationDecided(NotificationDecision decision);
  void NotificationRefused(NotificationRefusal reason);
  // The webhook's HTTP status, whatever it was.
  void WebhookAnswered(int code);
  // A reload was tried; until the first one the configuration counts as loaded.
  void ConfigReloaded(bool successfully);

  // The text exposition format, sorted, the same for the same state.
  std::string Render(const engine::View& view) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailhub::api
