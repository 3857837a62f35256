// For tests: holds a trial against what the same notification then did.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "actuator/engine/trial.h"

namespace mailhub::engine {

// The first difference as a sentence; empty: none. `events`: the output of Engine::Handle for the
// notification. Only the ids of new runs may differ, and they must be told apart alike.
inline std::string DifferenceFrom(const std::vector<AlertTrial>& trials,
                                  const std::string& notification,
                                  const std::vector<Event>& events) {
  std::map<std::string, const RunQueued*> queued;  // by the real id
  std::map<std::string, std::string> real;         // made-up id -> real id
  size_t at = 0;
  for (const Event& event : events) {
    if (const auto* run = std::get_if<RunQueued>(&event.body)) queued[event.run] = run;
    const auto* decided = std::get_if<AlertDecided>(&event.body);
    // Waiting alerts may be decided again in the same turn: those belong to no notification.
    if (decided == nullptr || decided->notification != notification) continue;
    const std::string where = "alert " + std::to_string(at) + ": ";
    if (at == trials.size()) return where + "was not tried";
    const AlertTrial& trial = trials[at++];
    AlertDecided expected = trial.decided;
    const bool new_run = queued.contains(decided->run);
    if (trial.new_run != new_run) return where + "a new run in one only";
    if (new_run) {
      const auto [known, fresh] = real.try_emplace(trial.decided.run, decided->run);
      if (known->second != decided->run) return where + "another new run";
      if (!trial.parameters || !*trial.parameters ||
          **trial.parameters != queued[decided->run]->plan.parameters) {
        return where + "other parameters";
      }
      const bool starts = decided->decision == Decision::kStartedRun;
      if (starts && trial.only_if != queued[decided->run]->only_if) {
        return where + "another only_if: " + trial.only_if;
      }
      expected.run = decided->run;
    }
    const bool same =
        expected.fingerprint == decided->fingerprint && expected.alertname == decided->alertname &&
        expected.labels == decided->labels && expected.firing == decided->firing &&
        expected.starts_at == decided->starts_at && expected.trigger == decided->trigger &&
        expected.decision == decided->decision && expected.detail == decided->detail &&
        expected.run == decided->run && expected.newest_start == decided->newest_start;
    if (!same) {
      return where + "tried: " + Name(expected.decision) + " (" + expected.detail +
             "), then: " + Name(decided->decision) + " (" + decided->detail + ")";
    }
  }
  return at == trials.size() ? "" : "an alert was tried and not decided";
}

}  // namespace mailhub::engine
