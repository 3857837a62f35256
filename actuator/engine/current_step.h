// The current step of one run: prepare, commit the intent, act, settle, verify. It reads the next
// action from the step's recorded state each time, so a restart continues where the journal ends.
#pragma once

#include <optional>
#include <string>

#include "actuator/engine/attempt.h"
#include "actuator/engine/context.h"
#include "actuator/engine/gate_wait.h"
#include "actuator/engine/leases.h"
#include "actuator/engine/passed_over.h"
#include "actuator/engine/preparation.h"

namespace mailhub::engine {

class CurrentStep {
 public:
  // All must outlive it.
  CurrentStep(const Context* context, const Run* run, Directories* directories, Leases* leases,
              const PassedOver* passed_over);

  void Work(const Step& step);
  // True if this part awaited the answer.
  bool Hear(const RemoteDone& done);
  bool Hear(const GateDone& done);
  // Records the step's result.
  void Done(const Step& step, StepResult result, const std::string& detail);
  // Forgets all state of this program's life; the next action comes from recorded state.
  void Reset();

  std::string Trouble() const;  // why there is no progress; empty: there is progress
  const std::optional<GateReading>& Reading() const { return gate_.Reading(); }
  // Until when the question of a `confirm` may be answered; nothing: for ever, or it asks none.
  std::optional<WallTime> AskedUntil() const;
  std::string Running() const;  // path of the step whose command is known to run; empty: none
  // Adds to the view what this program is doing about the step, beyond its events.
  void AddTo(const Step& step, StepView* view) const;
  std::optional<SteadyTime> NextDeadline() const;

 private:
  void Begin(const Step& step, int attempt);
  void AfterSettled(const Step& step);
  void AfterUnknown(const Step& step);
  void AfterFailure(const Step& step);
  void WaitForGate(const Step& step);
  void WaitForAnswer(const Step& step);
  void OnReadiness(const Step& step, Readiness readiness);
  void OnVerdict(const Step& step, GateVerdict verdict);
  void Fail(const Step& step, HoldReason reason, const std::string& detail);
  void FocusOn(const std::string& path, int attempt);
  const Step* Mine() const;
  StepPhase PhaseOf(const Step& step, const StepState* state) const;

  const Context& context_;
  const Run& run_;
  Preparation preparation_;
  Attempt attempt_;
  GateWait gate_;
  std::string path_;  // the step of this state
  int number_ = 0;    // and its attempt
  bool gate_timed_out_ = false;
  std::optional<SteadyTime> answer_by_;  // of a question; on the attended clock
};

}  // namespace mailhub::engine
