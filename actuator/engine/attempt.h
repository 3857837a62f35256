// One attempt of a step whose intent is recorded. Asks the host until the receipt arrives or can
// never arrive.
#pragma once

#include <optional>
#include <string>

#include "actuator/engine/asking.h"
#include "actuator/engine/context.h"
#include "actuator/engine/leases.h"

namespace mailhub::engine {

class Attempt {
 public:
  // All must outlive it.
  Attempt(const Context* context, const Run* run, Directories* directories, Leases* leases);

  void Work(const Step& step);
  // True if this part awaited the answer.
  bool Hear(const Step& step, const RemoteDone& done);
  void Reset();

  bool Running() const { return state_.running; }  // the host said so
  std::string Trouble() const { return state_.trouble; }
  std::string Output() const { return state_.output; }  // of a command that runs: its last part
  std::optional<SteadyTime> NextDeadline() const { return state_.NextDeadline(context_, run_); }

 private:
  struct State : Asking {
    RemoteVerb verb = RemoteVerb::kStatus;  // what `effect` asked
    bool asked = false;                     // at least one answer or failure came
    bool running = false;
    bool cancel_sent = false;
    bool ending = false;  // of a cancelled run: the command is being ended
    std::string output;
  };

  RemoteRequest NextRequest(const Step& step);
  void OnOverdue(const Step& step);
  void GiveTimeToEnd();
  bool MayReach(const Step& step) const;
  void OnFailure(const Step& step, const Error& error);
  void OnReceipt(const Step& step, const Receipt& receipt);
  void OnNotBegun(const Step& step);
  void Settle(const Step& step, const Receipt& receipt, bool lost);

  const Context& context_;
  const Run& run_;
  Directories& directories_;
  Leases& leases_;
  State state_;
};

}  // namespace mailhub::engine
