// The promises of docs/execution_model.md, judged after every single thing that happens, from what
// the journal says and what the hosts really did. What each part judges is told in its own file:
// guards.h, verbs.h, progress.h, answers.h; here are steps, holds, hosts and the journal itself.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/answers.h"
#include "tests/sim/guards.h"
#include "tests/sim/known.h"
#include "tests/sim/progress.h"

namespace mailhub::sim {

// Confined to one thread.
class Invariants {
 public:
  explicit Invariants(std::shared_ptr<const Playbook> playbook);
  Invariants(const Invariants&) = delete;
  Invariants& operator=(const Invariants&) = delete;

  // A broken promise, as a sentence.
  Complaint See(const Observation& observation);

  // What the journal says now.
  const Known& known() const { return known_; }

 private:
  // What one host is known to be like.
  struct HostFacts {
    uint64_t epoch = 0;
    int64_t lost_ms = INT64_MIN;
    int64_t receipts_lost_ms = INT64_MIN;
    int64_t wrong_key_ms = INT64_MIN;  // last time it was wrong
    bool wrong_key = false;
    std::map<std::string, int64_t> leases;  // armed, since when by the time it was up
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
  Complaint On(const ActuatorIs& is);
  Complaint On(const Asked& asked);
  Complaint On(const Looked& looked);
  Complaint On(const Happened&) { return std::nullopt; }
  Complaint On(const CameToRest&);

  Complaint OnEvent(engine::Run& run, const engine::RunQueued&);
  Complaint OnEvent(engine::Run& run, const engine::RunStarted&);
  Complaint OnEvent(engine::Run& run, const engine::StepStarted& body);
  Complaint OnEvent(engine::Run& run, const engine::StepDone& body);
  Complaint OnEvent(engine::Run& run, const engine::DeadManDisarmed& body);
  Complaint OnEvent(engine::Run& run, const engine::DeadManRestored& body);
  Complaint OnEvent(engine::Run& run, const engine::RunHeld& body);
  Complaint OnEvent(engine::Run& run, const engine::OperatorActed& body);
  Complaint OnEvent(engine::Run& run, const engine::RunEnding&);
  Complaint OnEvent(engine::Run& run, const engine::RunFinished& body);
  template <typename Body>
  Complaint OnEvent(engine::Run&, const Body&) {
    return std::nullopt;
  }
  bool ExpectedHold(const engine::Run& run, const engine::Step& step,
                    engine::HoldReason reason) const;
  bool TookAtLeast(const engine::Run& run, Milliseconds limit) const;
  bool WaitedAtEnd(const std::string& lease, Milliseconds limit) const;

  Known known_;
  Guards guards_;
  Progress progress_;
  Answers answers_;
  uint64_t last_seq_ = 0;
  std::map<std::string, std::string> lock_holders_;
  WallTime decided_at_;  // when the event under judgement was: its commit may have had to wait
  std::map<std::string, WallTime> moved_;       // by run: since when its step stands where it is
  std::map<std::string, WallTime> ends_since_;  // by run, and by lease that was asked on about
  std::set<std::string> keys_done_;
  std::map<std::string, uint64_t> intents_;  // by key: the number of the event that recorded it
  // By key, of steps that were passed over while nobody knew whether they run: the number of that
  // event, and whether their host has begun since what was decided later.
  struct PassedOver {
    std::string host;
    uint64_t seq = 0;
    bool overtaken = false;
  };
  std::map<std::string, PassedOver> passed_over_;
  // Run and path of steps that a person has skipped, and has asked for nothing again since.
  std::set<std::pair<std::string, std::string>> skipped_;
  std::map<std::string, std::optional<int>> exits_;  // by key, of what has ended
  std::map<std::pair<std::string, std::string>, int64_t> last_deeds_ms_;  // by run and host
  std::map<std::string, HostFacts> hosts_;
};

}  // namespace mailhub::sim
