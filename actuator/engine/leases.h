// The dead men of one run: armed before a step, renewed while the run lives, taken away once what
// they guard is back. A lease that its run still owes is never taken away; a host's own act is a
// hold.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/context.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// What the leases that concern a step say of it.
struct Guard {
  // Until then none of the dead men can act without our knowing: each host has confirmed its lease
  // for that long. Nothing: one may have acted already. Never: there is none.
  std::optional<SteadyTime> until;
  std::string unconfirmed;  // host of the first lease that is not confirmed; empty with `until`

  std::string Why() const {  // the step may not begin
    return (unconfirmed.empty() ? "a host" : unconfirmed) +
           " has not confirmed its dead man's lease";
  }
};

class Leases {
 public:
  // All must outlive it.
  Leases(const Context* context, const Run* run, Directories* directories);

  // Renews, arms again, takes away, as is due.
  void Work();
  // After the run's end: only what has acted is left to be acknowledged. True when nothing is.
  bool WorkAfterEnd();
  // Records that the step's dead man is armed, and asks its host for it.
  void Arm(const Step& step, const std::string& directory);
  // True if it was awaited here.
  bool Hear(const RemoteDone& done);
  // The host has other receipts than recorded, and its leases were among them: nothing begins until
  // it has been asked.
  void Doubt(const std::string& host);
  // A person has answered `hold`.
  void AfterAnswer(const Hold& hold);

  Guard GuardOf(const Step& step) const;
  // The host has confirmed that the dead man of the step at `path` is armed, and nothing has failed
  // since.
  bool IsWell(const std::string& path) const;
  // Why the first one that does not get on does not; empty: all do.
  std::string Trouble() const;
  std::optional<SteadyTime> NextDeadline() const;

  // While a commit is pending: what is decided and not yet committed must wait; a dead man that is
  // known to be armed need not run out for it.
  void RenewWhilePending(std::vector<Effect>* effects);
  bool NoteRenewal(const RemoteDone& done);  // true if it was one of these

  void AddTo(RunView* view) const;
  // Brings up to date what a view of before the pending commit says of a dead man.
  void Refresh(LeaseView* view) const;

 private:
  struct Progress {
    EffectId effect = 0;
    RemoteVerb verb = RemoteVerb::kRenew;  // what `effect` asked
    std::optional<SteadyTime> due;
    std::string trouble;
    SteadyTime asked;                     // when `effect` was; the host's clock starts no earlier
    std::optional<SteadyTime> confirmed;  // the lease is armed, from then on at least
    // On the attended clock: when a host that does not say that the lease is gone becomes a hold.
    std::optional<SteadyTime> give_up;
    // A renewal beside the ordinary ones, while a commit is pending.
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
