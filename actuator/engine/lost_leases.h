// Dead men of one run that nobody can vouch for: their hosts have other receipts now, or a person
// waits for them no more. Should a host show the directory again that one was armed in, it is taken
// away, or has acted.
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

  // Asks for them, as is due. True while one is awaited.
  bool Work();
  // True if it was awaited here.
  bool Hear(const RemoteDone& done);
  std::optional<SteadyTime> NextDeadline() const;

 private:
  struct Progress {
    EffectId effect = 0;
    RemoteVerb verb = RemoteVerb::kRenew;  // what is asked next
    std::optional<SteadyTime> due;
    std::optional<SteadyTime> give_up;  // on the attended clock
    bool in_vain = false;  // its receipts were not seen for so long that nobody asks any more
  };

  void OnReply(const LeaseName& name, const RemoteReply& reply);
  // It was armed anew under the same key: that one comes first.
  bool Covered(const std::string& path) const;

  const Context& context_;
  const Run& run_;
  std::map<LeaseName, Progress> progress_;  // of those in Run::given_up
};

}  // namespace mailhub::engine
