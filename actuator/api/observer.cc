// See observer.h.
#include "actuator/api/observer.h"

#include "lib/base/log.h"

namespace mailhub::api {

void MetricsObserver::Committed(std::span<const engine::Event> events, Took took) {
  metrics_->JournalCommitted(took);
  for (const engine::Event& event : events) {
    metrics_->EventCommitted(event);
    for (const LogLine& line : log_.Lines(event)) Log(line.level, line.message, line.fields);
  }
}

void MetricsObserver::CommitFailed(const Error& error) {
  metrics_->JournalFailed();
  LogError("The journal cannot be written", {{"why", error.message}});
}

}  // namespace mailhub::api
