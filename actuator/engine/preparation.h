// What must be so before a step's attempt begins: the mode, no pause, nothing that it must come
// after, its host's receipts directory, its dead man.
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
  kTimedOut,  // it has waited for as long as all attempts may take
  kRefused,   // its host refuses, and to ask again changes nothing
};

class Preparation {
 public:
  // All must outlive it.
  Preparation(const Context* context, const Run* run, Directories* directories, Leases* leases,
              const PassedOver* passed_over);

  // Nothing is done before `at`, unless that was said already.
  void NotBefore(SteadyTime at);
  Readiness Work(const Step& step);
  // Nothing: it was not awaited here.
  std::optional<Readiness> Hear(const Step& step, const RemoteDone& done);
  void Reset();

  // Why it waits, or has waited in vain.
  std::string Trouble() const { return state_.trouble; }
  std::string WhyNot(const Step& step) const;
  // Receipts directory of its host; once it is ready.
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

// Whether a dead man has acted there, and the host has not heard yet that this is known. It refuses
// every command of the run until then.
bool Unheard(const Run& run, const std::string& host);

}  // namespace mailhub::engine
