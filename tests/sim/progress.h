// Judges the progress of runs. Each unfinished run moves, waits for a named thing with a deadline,
// or holds. Time-outs count only attended time. Alerts are silenced only while the run acts.
#pragma once

#include <map>
#include <string>

#include "tests/sim/known.h"
#include "tests/sim/starts.h"

namespace mailhub::sim {

// Confined to one thread.
class Progress {
 public:
  Progress(const Known* known, const Starts* starts) : known_(known), starts_(starts) {}

  // Time has come to known->now_ms; judges the state that lasted until then.
  Complaint Pass();
  void See(const ActuatorIs& is) {
    watched_.interruptions += up_ && !is.up ? 1 : 0;
    up_ = is.up;
  }
  Complaint See(const Looked& looked) const;
  // Call before the run is given the event.
  void Record(const engine::Event& event);
  Complaint Hold(const engine::Run& run, const engine::RunHeld& body) const;
  Complaint Finish(const engine::Run& run, WallTime at);
  // A run says how long it has worked. A step of the clock is no work, unless the actuator was away.
  Complaint Worked(const engine::Run& run, const engine::RunFinished& body);

  int64_t up_ms() const { return watched_.up_ms; }

 private:
  // How long the actuator was up, how long of that it was active, and how often it was interrupted.
  struct Watched {
    int64_t up_ms = 0;
    int64_t active_ms = 0;
    int64_t interruptions = 0;
  };
  struct Since {
    Watched progress;  // time of the run's last move, the actuator's start or the mode's change
    Watched question;  // likewise, of a question; a person's slowness does not move it
    int64_t working_ms = 0;  // neither held, paused nor asking
    int64_t asked_ms = 0;    // in which a person was asked
    int64_t begun = 0;       // interruptions until the run started
  };
  Complaint Judge(const engine::Run& run, const Since& since) const;
  Complaint JudgeQuestion(const engine::Run& run, const Since& since) const;
  bool IsBlocked(const engine::Run& run) const;
  // Why alerts about the run's hosts must not be silenced; nothing: it acts.
  Complaint WhyHeard(const engine::Run& run) const;

  const Known* const known_;
  const Starts* const starts_;
  bool up_ = false;
  int64_t last_ms_ = 0;
  Watched watched_;
  std::map<std::string, Since> since_;              // by run
  std::map<std::string, int64_t> longest_work_ms_;  // by runbook, of runs that succeeded
};

}  // namespace mailhub::sim
