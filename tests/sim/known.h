// The state of journal and playbook, shared by all judges.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "actuator/engine/run.h"
#include "tests/sim/observation.h"
#include "tests/sim/plans.h"

namespace mailhub::sim {

using Complaint = std::optional<std::string>;

struct Key {
  std::string run;
  std::string path;
  int attempt = 0;  // 0: of a lease
};
// "RUN/PATH/ATTEMPT".
Key SplitAttempt(const std::string& key);
// "RUN/PATH".
Key SplitLease(const std::string& key);

struct Known {
  explicit Known(std::shared_ptr<const Playbook> playbook_in) : playbook(std::move(playbook_in)) {}

  // Plans are judged by the runbooks themselves, not by the journal's copies.
  const engine::Plan& PlanOf(const engine::Run& run) const;
  const engine::Step& StepOf(const engine::Run& run, const std::string& path) const;
  const engine::Run* Find(const std::string& run) const;
  // Whether the service that the lease of the step at `path` guards was restarted, as far as
  // recorded.
  bool LeaseIsOver(const engine::Run& run, const std::string& path) const;
  // Whether that person may answer the question of `step`.
  bool MayAnswer(const engine::Run& run, const engine::Step& step, const Person& person) const;
  // Number of the event that began the run's waiting for this; 0 if the run does not wait.
  uint64_t HoldEvent(const engine::Run& run, const std::string& path,
                     std::optional<engine::HoldReason> reason = {}) const;

  std::shared_ptr<const Playbook> playbook;
  int64_t now_ms = 0;
  int64_t up_ms = 0;       // the part of it in which the actuator was up
  int64_t stepped_ms = 0;  // how far its wall clock has stepped
  WallTime Wall() const { return FromUnixMs(1'700'000'000'000 + now_ms + stepped_ms); }
  engine::Mode mode = engine::Mode::kActive;
  bool clock_stepped = false;
  std::map<std::string, engine::Run> runs;
  std::set<std::string> unfinished;
  std::map<std::string, Asked> asked;  // by the name of the request
  // The request that the event carries out; null: no person's.
  const Asked* AskedFor(const engine::OperatorActed& body) const;
  // Numbers of the events that held a run, by run and number of the hold.
  std::map<std::pair<std::string, int>, uint64_t> hold_events;
};

// Whether the event restarts the time of the run's step. Not so: a dead man's begin and end, a
// pause, and the end of a passed-over command. Call before the run is given the event.
bool MovesOn(const engine::Run& run, const engine::Event& event);

const engine::StepState* StateOf(const engine::Run& run, const std::string& path);

}  // namespace mailhub::sim
