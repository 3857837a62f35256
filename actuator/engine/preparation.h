// Checks the conditions before a step's attempt begins: the mode, no pause, nothing that must end
// first, its host's receipts directory, its dead man.
#pragma once

#include <optional>
#include <string>

#include "actuator/engine/asking.h"
#include "actuator/engine/context.h"
#include "actuator/engine/leases.h"
#include "actuator/engine/passed_over.h"

namespace mailhub::engine {

enum class Readiness {
  kWaits,
  kReady,
  kTimedOut,  // it has waited as long as all attempts may take
  kRefused,   // its host refuses, and asking again changes nothing
};

class Preparation {
 public:
  // All must outlive it.
  Preparation(const Context* context, const Run* run, Directories* directories, Leases* leases,
              const PassedOver* passed_over);

  // The attempt does not begin before `at`. An earlier call takes precedence.
  void NotBefore(SteadyTime at);
  Readiness Work(const Step& step);
  // Nothing: the answer was not awaited here.
  std::optional<Readiness> Hear(const Step& step, const RemoteDone& done);
  void Reset();

  // Why it waits, or has waited in vain.
  std::string Trouble() const { return state_.trouble; }
  std::string WhyNot(const Step& step) const;
  // Receipts directory of its host, once the step is ready.
  std::string DirectoryOf(const Step& step) const { return directories_.at(step.host); }
  bool Begun() const { return state_.effect != 0 || state_.due; }
  std::optional<SteadyTime> NextDeadline() const { return state_.NextDeadline(context_, run_); }

 private:
  bool MayBegin(const Step& step);
  bool HostIsReady(const Step& step);

  const Context& context_;
  const Run& run_;
  Directories& directories_;
  Leases& leases_;
  const PassedOver& passed_over_;
  Asking state_;
};

// Whether a dead man has acted there and its host does not know yet that we know. Until then the
// host refuses every command of the run.
bool Unheard(const Run& run, const std::string& host);

}  // namespace mailhub::engine
