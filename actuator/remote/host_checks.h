// Looks at hosts before a run: with a session of its own, which no run waits for, and without any
// change on the host.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actuator/engine/ports.h"
#include "actuator/remote/host_link.h"
#include "lib/base/guarded.h"
#include "lib/config/site.h"
#include "lib/ssh/session.h"

namespace mailhub::remote {

// Thread-safe.
class HostChecks final : public engine::HostCheckPort {
 public:
  explicit HostChecks(std::shared_ptr<const config::Site> site, LinkOptions options = {});

  // One login, at most. A host that refuses it has one failed login more.
  engine::HostReport Check(const engine::HostCheck& check) override;

  void UseSite(std::shared_ptr<const config::Site> site);  // for a reload
  void Cancel() { cancel_.Cancel(); }  // ends open checks; none can be made later

 private:
  const LinkOptions options_;
  ssh::Cancellation cancel_;
  Guarded<std::shared_ptr<const config::Site>> site_;
};

}  // namespace mailhub::remote
