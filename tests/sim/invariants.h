// Judges the promises of docs/execution_model.md after every single event, from the journal and the
// hosts' real actions. guards.h, verbs.h, progress.h and answers.h judge their parts; here are
// steps, holds, hosts and the journal itself.
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
#include "tests/sim/starts.h"

namespace mailhub::sim {

// Confined to one thread.
class Invariants {
 public:
  explicit Invariants(std::shared_ptr<const Playbook> playbook);
  Invariants(const Invariants&) = delete;
  Invariants& operator=(const Invariants&) = delete;

  // A broken promise, as a sentence.
  Complaint See(const Observation& observation);

  // The journal's present state.
  const Known& known() const { return known_; }

 private:
  // The known state of one host.
  struct HostFacts {
    uint64_t epoch = 0;
    int64_t lost_ms = INT64_MIN;
    int64_t receipts_lost_ms = INT64_MIN;
    int64_t wrong_key_ms = INT64_MIN;  // last time that the key was wrong
    bool wrong_key = false;
    std::map<std::string, int64_t> leases;  // armed leases, with their begin in uptime
  };

  Complaint On(const Recorded& recorded);
  Complaint On(const DeedBegan& deed);
  Complaint On(const DeedEnded& deed);
  Complaint On(const GatePassed& gate);
  Complaint On(const Answered& answered);
  Complaint On(const TriedOtherwise& tried);
  Complaint On(const HostHeard& heard);
  Complaint On(const HostPestered& pestered);
  Complaint On(const HostLost& lost);
  Complaint On(const KeyChanged& changed);
  Complaint On(const LeaseChanged& changed);
  Complaint On(const ServiceChanged& changed);
  Complaint On(const ClockStepped& stepped);
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
  Starts starts_;
  Progress progress_;
  Answers answers_;
  uint64_t last_seq_ = 0;
  std::map<std::string, std::string> lock_holders_;
  WallTime decided_at_;                    // of the judged event: its commit may have had to wait
  std::map<std::string, WallTime> moved_;  // by run: begin of its step's present state
  std::map<std::string, WallTime> ends_since_;  // by run, and by lease that was asked for later
  std::set<std::string> keys_done_;
  std::map<std::string, uint64_t> intents_;  // by key: the number of the event that recorded it
  // By key, of steps that were passed over while it was unknown whether they run: the number of
  // that event, and whether their host has begun a later decision since.
  struct PassedOver {
    std::string host;
    uint64_t seq = 0;
    bool overtaken = false;
  };
  std::map<std::string, PassedOver> passed_over_;
  // Run and path of steps that a person skipped and has not asked for since.
  std::set<std::pair<std::string, std::string>> skipped_;
  std::set<std::pair<std::string, std::string>> confirmed_;  // run, path: by a person
  std::map<std::string, std::optional<int>> exits_;          // by key, of ended commands
  std::map<std::pair<std::string, std::string>, int64_t> last_deeds_ms_;  // by run and host
  std::map<std::string, HostFacts> hosts_;
};

}  // namespace mailhub::sim
