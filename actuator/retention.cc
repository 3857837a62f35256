// See retention.h.
#include "actuator/retention.h"

#include <utility>

#include "actuator/journal/pruner.h"
#include "lib/base/log.h"

namespace mailhub {

Retention::Retention(RetentionOptions options, const Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

bool Retention::Wait(const std::stop_token& stop, Milliseconds time) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

void Retention::Run(const std::stop_token& stop) {
  if (!Wait(stop, options_.first)) return;
  do {
    Pass(stop);
  } while (Wait(stop, options_.between));
}

// With a connection for each pass: between them the file has no user beside its writer.
void Retention::Pass(const std::stop_token& stop) {
  auto pruner = journal::Pruner::Open(options_.journal, options_.journal_id);
  if (!pruner) {
    LogWarn("Nothing old is removed from the journal", {{"why", pruner.error().message}});
    return;
  }
  const WallTime now = clock_->Now();
  const journal::KeepSince keep{.decisions = now - options_.keep_decisions,
                                .runs = now - options_.keep_runs};
  Result<bool> more = true;
  do {
    more = pruner->Step(keep);
  } while (more && *more && Wait(stop, options_.pause));
  if (!more) LogWarn("The journal's pruning has ended early", {{"why", more.error().message}});
  if (pruner->removed_events() > 0) {
    LogInfo("Removed old events from the journal",
            {{"events", std::to_string(pruner->removed_events())},
             {"runs", std::to_string(pruner->removed_runs())}});
  }
}

}  // namespace mailhub
