// Commands of one run that a person passed over while it was unknown whether they run: the request
// may still be on its way. Each key is made void as soon as its host is reachable, even after the
// run's end. Until the host has answered, no run begins anything else there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "actuator/engine/context.h"
#include "actuator/engine/leases.h"

namespace mailhub::engine {

class PassedOver {
 public:
  // All must outlive it.
  PassedOver(const Context* context, const Run* run, Directories* directories, Leases* leases);

  // Asks, as is due. True while a host's answer is awaited.
  bool Work();
  // True if this part awaited the answer.
  bool Hear(const RemoteDone& done);
  // The step on `host` whose command may still begin. A command known to run cannot begin late;
  // `running` is the path of one that another part knows to run. Null: none.
  const Step* MayStillBegin(const std::string& host, const std::string& running) const;
  // Why `step`, which restarts what a stop has stopped, must wait for the stop's end. Empty: it
  // need not.
  std::string StopBefore(const Step& step) const;
  std::optional<SteadyTime> NextDeadline() const;

 private:
  using AttemptName = std::pair<std::string, int>;  // path and attempt
  struct Progress {
    EffectId effect = 0;
    std::optional<SteadyTime> due;
    std::optional<SteadyTime> give_up;  // on the attended clock
    bool runs = false;                  // its host said so: it will not begin any more
    bool lost = false;                  // nor can it begin where its host has other receipts
    std::string trouble;                // why its host's answer is missing
    bool in_vain = false;               // its host is no longer listed, and is not asked
  };

  void OnReply(const AttemptName& name, const RemoteReply& reply);
  void OnFailure(const Step& step, Progress* progress, const Error& error);
  void Settle(const Step& step, const Receipt& receipt, bool lost);
  AttemptName LastOf(const std::string& path) const;

  const Context& context_;
  const Run& run_;
  Directories& directories_;
  Leases& leases_;
  std::map<AttemptName, Progress> progress_;
};

}  // namespace mailhub::engine
