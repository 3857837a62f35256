// Judges whether runs get on: each unfinished run moves, waits for something named with a deadline,
// or holds; time-outs come after time in which the actuator looked; and alerts are silenced only
// while the run acts.
#pragma once

#include <map>
#include <string>

#include "tests/sim/known.h"

namespace mailhub::sim {

// Confined to one thread.
class Progress {
 public:
  explicit Progress(const Known* known) : known_(known) {}

  // Time has come to known->now_ms; of what lasted until then.
  Complaint Pass();
  void See(const ActuatorIs& is) {
    watched_.interruptions += up_ && !is.up ? 1 : 0;
    up_ = is.up;
  }
  Complaint See(const Looked& looked) const;
  // Before the run knows of the event.
  void Record(const engine::Event& event);
  Complaint Hold(const engine::Run& run, const engine::RunHeld& body) const;
  Complaint Finish(const engine::Run& run, WallTime at);

  int64_t up_ms() const { return watched_.up_ms; }

 private:
  // How long the actuator was up, of that how long it was active, and how often it was interrupted.
  struct Watched {
    int64_t up_ms = 0;
    int64_t active_ms = 0;
    int64_t interruptions = 0;
  };
  struct Since {
    Watched progress;  // when the run last moved, or the actuator started, or the mode changed
    int64_t working_ms = 0;  // neither held, paused nor asking
    int64_t asked_ms = 0;    // in which a person was asked
  };
  Complaint Judge(const engine::Run& run, const Since& since) const;
  bool IsBlocked(const engine::Run& run) const;
  // Why alerts about the run's hosts must be heard; nothing: it acts.
  Complaint WhyHeard(const engine::Run& run) const;

  const Known* const known_;
  bool up_ = false;
  int64_t last_ms_ = 0;
  Watched watched_;
  std::map<std::string, Since> since_;              // by run
  std::map<std::string, int64_t> longest_work_ms_;  // by runbook, of runs that succeeded
};

}  // namespace mailhub::sim
