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

// Opens the file once, while it is surely the one that the journal has open: another one that is
// put in its place later is not touched.
void Retention::Run(const std::stop_token& stop) {
  auto pruner = journal::Pruner::Open(options_.journal, options_.journal_id);
  if (!pruner) {
    LogWarn("Nothing old is removed from the journal", {{"why", pruner.error().message}});
    return;
  }
  if (!Wait(stop, options_.first)) return;
  do {
    Pass(stop, &*pruner);
  } while (Wait(stop, options_.between));
}

void Retention::Pass(const std::stop_token& stop, journal::Pruner* pruner) {
  const uint64_t events = pruner->removed_events();
  const uint64_t runs = pruner->removed_runs();
  const WallTime now = clock_->Now();
  const journal::KeepSince keep{.decisions = now - options_.keep_decisions,
                                .runs = now - options_.keep_runs};
  Result<bool> more = true;
  do {
    more = pruner->Step(keep);
  } while (more && *more && Wait(stop, options_.pause));
  if (!more) LogWarn("The journal's pruning has ended early", {{"why", more.error().message}});
  if (pruner->removed_events() > events) {
    LogInfo("Removed old events from the journal",
            {{"events", std::to_string(pruner->removed_events() - events)},
             {"runs", std::to_string(pruner->removed_runs() - runs)}});
  }
}

}  // namespace mailhub
