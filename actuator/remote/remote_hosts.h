// Sends the engine's requests to hosts. Each host has its own worker and kept SSH session, so that
// a slow host delays no other.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "actuator/engine/ports.h"
#include "actuator/engine/remote.h"
#include "actuator/remote/host_link.h"
#include "actuator/remote/protocol.h"
#include "lib/base/guarded.h"
#include "lib/config/site.h"
#include "lib/ssh/session.h"

namespace mailhub::remote {

// Owns the workers. Thread-safe. Carries out one host's requests in order, but for cancels: each may
// last its grace and more, and a dead man's renewal must not wait for that. They have a worker and a
// session of their own.
class RemoteHosts final : public engine::RemotePort {
 public:
  explicit RemoteHosts(std::shared_ptr<const config::Site> site, LinkOptions options = {});
  ~RemoteHosts() override;  // stops
  RemoteHosts(const RemoteHosts&) = delete;
  RemoteHosts& operator=(const RemoteHosts&) = delete;

  // This actuator's identity for the hosts. Call before the first Submit().
  void Begin(const std::string& journal_id, uint64_t epoch) override;
  // For a reload. Waiting requests use the new site, too.
  void UseSite(std::shared_ptr<const config::Site> site);

  // Never blocks. Calls `done` exactly once: from the host's worker, or before it returns with
  // kInvalid (no such host; a Windows host, which has no shell for steps) or kOverloaded (64
  // requests already wait for this host). After Stop() it calls nothing. A request that has waited
  // until its begin_before is not sent: kUnreachable.
  void Submit(const engine::RemoteRequest& request, Done done) override;

  // Makes the host obey this journal from now on instead of any other. A request that is delayed
  // beyond `begin_before` changes nothing. Else as Submit().
  void TakeOver(const std::string& host, SteadyTime begin_before, Done done) override;

  // Interrupts all requests and returns within 2 s. No callback runs after its return.
  void Stop();

 private:
  class Worker;
  using Lane = std::pair<std::string, bool>;  // a host, and whether it is for cancels
  struct State {
    std::shared_ptr<const config::Site> site;
    Identity identity;
    std::map<Lane, std::unique_ptr<Worker>> workers;
    bool stopped = false;
  };

  void Enqueue(const engine::RemoteRequest& request, bool takeover, Done done);

  const LinkOptions options_;
  ssh::Cancellation cancel_;
  Guarded<State> state_;
};

}  // namespace mailhub::remote
