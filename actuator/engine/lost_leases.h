// Dead men of one run whose state is unknown: their hosts have other receipts now, or a person no
// longer waits for them. If a host shows the directory of such a lease again, the dead man is
// disarmed, or it has acted.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actuator/engine/context.h"

namespace mailhub::engine {

class LostLeases {
 public:
  // Both must outlive it.
  LostLeases(const Context* context, const Run* run);

  // Asks for them, as is due. True while an answer is awaited.
  bool Work();
  // True if this part awaited the answer.
  bool Hear(const RemoteDone& done);
  std::optional<SteadyTime> NextDeadline() const;

 private:
  struct Progress {
    EffectId effect = 0;
    RemoteVerb verb = RemoteVerb::kRenew;  // the next request
    std::optional<SteadyTime> due;
    std::optional<SteadyTime> give_up;  // on the attended clock
    bool in_vain = false;  // its receipts were missing for so long that the asking has ended
  };

  void OnReply(const LeaseName& name, const RemoteReply& reply);
  // The dead man was armed again under the same key: the newer lease comes first.
  bool Covered(const std::string& path) const;

  const Context& context_;
  const Run& run_;
  std::map<LeaseName, Progress> progress_;  // of those in Run::given_up
};

}  // namespace mailhub::engine
