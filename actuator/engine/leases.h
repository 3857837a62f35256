// The dead men of one run. They are armed before a step, renewed while the run lives, and disarmed
// once the guarded service is back. A lease that its run still owes is never disarmed; when a host
// has acted by itself, the run holds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/context.h"
#include "actuator/engine/sentences.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// What the leases for a step say about it.
struct Guard {
  // Until then no dead man can act unnoticed: each host has confirmed its lease for that long.
  // Nothing: one may have acted already. Never: there is none.
  std::optional<SteadyTime> until;
  std::string unconfirmed;  // host of the first lease that is not confirmed; empty with `until`

  std::string Why() const {  // the step may not begin
    return Say<WaitsFor::kLease>(unconfirmed.empty() ? "a host" : unconfirmed);
  }
};

class Leases {
 public:
  // All must outlive it.
  Leases(const Context* context, const Run* run, Directories* directories);

  // Renews, arms again and disarms, as is due.
  void Work();
  // After the run's end, only dead men that acted need an acknowledgement. True when none is left.
  bool WorkAfterEnd();
  // Records that the step's dead man is armed, and asks its host for it.
  void Arm(const Step& step, const std::string& directory);
  // True if this part awaited the answer.
  bool Hear(const RemoteDone& done);
  // The host has other receipts than recorded, and its leases were among them. Nothing begins until
  // the host has answered.
  void Doubt(const std::string& host);
  // A person has answered `hold`.
  void AfterAnswer(const Hold& hold);

  Guard GuardOf(const Step& step) const;
  // The host has confirmed that the dead man of the step at `path` is armed, and nothing has failed
  // since.
  bool IsWell(const std::string& path) const;
  // The reason of the first lease without progress; empty: all make progress.
  std::string Trouble() const;
  std::optional<SteadyTime> NextDeadline() const;

  // While a commit is pending: new decisions must wait for it, but a dead man that is armed, or may
  // be, because its host's answer waits, too, must not run out meanwhile. Where none is armed, the
  // request changes nothing.
  void RenewWhilePending(std::vector<Effect>* effects);
  bool NoteRenewal(const RemoteDone& done);  // true if it was one of these

  void AddTo(RunView* view) const;
  // Updates the dead man in a view that is older than the pending commit.
  void Refresh(DeadManView* view) const;

 private:
  struct Progress {
    EffectId effect = 0;
    RemoteVerb verb = RemoteVerb::kRenew;  // the verb of `effect`
    std::optional<SteadyTime> due;
    std::string trouble;
    SteadyTime asked;                     // sending of `effect`; the host's clock starts no earlier
    std::optional<SteadyTime> confirmed;  // the lease is armed, from then on at least
    // On the attended clock: from then on, a host that does not confirm the lease's removal becomes
    // a hold.
    std::optional<SteadyTime> give_up;
    // An additional renewal, while a commit is pending.
    EffectId extra = 0;
    SteadyTime extra_asked;
  };

  void Ask(const std::string& path, RemoteVerb verb);
  void AcknowledgeRestored();
  void TakeAway(const std::string& path, Progress* progress);
  void HoldWhatIsStillStopped();
  void OnReply(const std::string& path, const RemoteReply& reply);
  void OnFailure(const std::string& path, const Error& error);
  void Over(const std::string& path, std::optional<int> exit_status);
  const Lease& Of(const std::string& path) const;
  bool Concerns(const std::string& path, const Step& step) const;
  bool Confirmed(const std::string& path, const Lease& lease) const;

  const Context& context_;
  const Run& run_;
  Directories& directories_;
  std::map<std::string, Progress> progress_;  // by step path
};

}  // namespace mailhub::engine
