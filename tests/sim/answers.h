// Judges the decisions about alerts: each answered notification is decided once, and a decision
// that starts nothing has a true reason.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/known.h"

namespace mailhub::sim {

// Confined to one thread.
class Answers {
 public:
  explicit Answers(const Known* known) : known_(known) {}

  Complaint See(const Answered& answered) const;
  // Call before the run is given the event.
  Complaint Record(const engine::Event& event);

 private:
  struct Finished {
    int64_t at_ms = 0;
    WallTime wall;
  };
  Complaint Decided(const engine::Event& event, const engine::AlertDecided& body);
  Complaint AfterItsEnd(WallTime at, const engine::AlertDecided& body);
  Complaint Leans(const engine::AlertDecided& body) const;
  Complaint Cools(const engine::Event& event, const engine::AlertDecided& body) const;

  void Dropped(const std::string& run);
  Complaint Afresh(const engine::AlertDecided& body) const;
  Complaint TriesAgain(WallTime at, const engine::AlertDecided& body);

  struct Join {
    std::string run;
    std::string trigger;
  };
  // What has answered an alert since it began, as far as the journal tells.
  struct Tried {
    std::string run;
    bool started = false;  // the run is its own
    bool waits = false;    // its last decision began no run
    int further = 0;       // runs after one that had succeeded
  };
  const Known* const known_;
  std::map<std::string, Tried> tried_;         // by fingerprint
  std::map<std::string, WallTime> succeeded_;  // by run
  // By fingerprint and start: when its end was last reported.
  std::map<std::string, std::map<WallTime, WallTime>> ends_;
  std::map<std::pair<std::string, std::string>, int> decided_;      // notification, fingerprint
  std::map<std::string, uint64_t> last_action_;                     // by run: the event's number
  std::map<std::pair<std::string, std::string>, uint64_t> joined_;  // run, fingerprint: likewise
  std::set<std::string> acted_;                                     // runs that began a command
  std::map<std::string, Join> joins_;                               // by fingerprint, of open ones
  // Fingerprints that had joined a run which was dropped for another alert's reason.
  std::set<std::string> unheard_;
  std::map<std::pair<std::string, std::string>, Finished> finished_;  // by runbook and target
  int64_t started_ms_ = 0;                                            // the actuator, last
};

}  // namespace mailhub::sim
