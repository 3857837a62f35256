// The promises of docs/execution_model.md, judged after every single thing that happens, from what
// the journal says and what the hosts really did.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "actuator/engine/run.h"
#include "tests/sim/observation.h"

namespace mailhub::sim {

// Confined to one thread.
class Invariants {
 public:
  // The first broken promise, as a sentence.
  std::optional<std::string> See(const Observation& observation);

  // What the journal says now, by id.
  const std::map<std::string, engine::Run>& runs() const { return runs_; }
  size_t unfinished() const { return unfinished_; }
  engine::Mode mode() const { return mode_; }

 private:
  using Complaint = std::optional<std::string>;
  struct Done {  // what was really done for a step
    int attempt = 0;
    std::optional<int> exit_status;
  };
  // What one host is known to be like.
  struct HostFacts {
    uint64_t epoch = 0;
    int64_t last_deed_ms = INT64_MIN;  // began or ended, by a run
    int64_t lost_ms = INT64_MIN;
    int64_t receipts_lost_ms = INT64_MIN;
    int64_t wrong_key_ms = INT64_MIN;  // last time it was wrong
    bool wrong_key = false;
    std::map<std::string, int64_t> leases;  // armed, since when
    std::set<std::string> down;             // services that a run stopped
  };

  Complaint On(const Recorded& recorded);
  Complaint On(const DeedBegan& deed);
  Complaint On(const DeedEnded& deed);
  Complaint On(const GatePassed& gate);
  Complaint On(const Answered& answered);
  Complaint On(const HostHeard& heard);
  Complaint On(const HostPestered& pestered);
  Complaint On(const HostLost& lost);
  Complaint On(const KeyChanged& changed);
  Complaint On(const LeaseChanged& changed);
  Complaint On(const ServiceChanged& changed);
  Complaint On(const ClockStepped&);
  Complaint On(const CameToRest&);

  Complaint OnEvent(engine::Run& run, const engine::RunStarted&);
  Complaint OnEvent(engine::Run& run, const engine::StepStarted& body);
  Complaint OnEvent(engine::Run& run, const engine::DeadManDisarmed& body);
  Complaint OnEvent(engine::Run& run, const engine::RunHeld& body);
  Complaint OnEvent(engine::Run& run, const engine::RunFinished&);
  template <typename Body>
  Complaint OnEvent(engine::Run&, const Body&) {
    return std::nullopt;
  }
  bool ExpectedHold(const engine::Run& run, const engine::Step& step, engine::HoldReason reason,
                    bool about_lease) const;
  bool TookAtLeast(const engine::Run& run, Milliseconds limit) const;
  Complaint Guarded() const;

  int64_t now_ms_ = 0;
  uint64_t last_seq_ = 0;
  engine::Mode mode_ = engine::Mode::kActive;
  bool clock_stepped_ = false;
  size_t unfinished_ = 0;
  std::map<std::string, engine::Run> runs_;
  std::map<std::string, std::string> lock_holders_;
  WallTime decided_at_;  // when the event under judgement was: its commit may have had to wait
  std::map<std::string, WallTime> progress_;  // by run: since when its step stands where it is
  std::map<std::string, Done> done_;          // by RUN/PATH
  std::set<std::string> keys_done_;
  std::map<std::string, std::optional<int>> exits_;  // by key, of what has ended
  std::set<std::string> restored_;                   // RUN/PATH of dead men that acted
  std::map<std::string, HostFacts> hosts_;
  std::map<std::pair<std::string, std::string>, int> decided_;  // notification, fingerprint
};

}  // namespace mailhub::sim
