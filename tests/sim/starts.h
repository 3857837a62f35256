// Judges the starts of runs: at a suitable time, and only if they fit into it. It reckons durations
// by itself, from the journal's facts.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "tests/sim/known.h"

namespace mailhub::sim {

// Confined to one thread.
class Starts {
 public:
  explicit Starts(const Known* known) : known_(known) {}

  // Call before the run is given the event.
  Complaint Record(const engine::Run& run, const engine::RunStarted&, WallTime at) const;
  void Record(const engine::Run& run, const engine::RunFinished& body);
  void Record(const engine::Run& run, const engine::OperatorActed& body);
  // Whether a queued run must wait now for its time.
  bool MustWait(const engine::Run& run) const;

 private:
  bool Suits(const engine::Run& run, WallTime at) const;
  Milliseconds Needed(const engine::Run& run) const;
  engine::Suitable SuitableFor(const engine::Run& run) const;

  const Known* const known_;
  std::map<std::pair<std::string, std::string>, std::deque<Milliseconds>> took_;  // runbook, target
  std::set<std::string> at_once_;  // runs that a person wanted at any time
};

}  // namespace mailhub::sim
