// The link to a Windows host. There is no helper: it queries each service with `sc` on a channel of
// the kept session.
#pragma once

#include "exporter/host/kept_session.h"
#include "exporter/host/link.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

// Owns the session.
class WindowsLink final : public Link {
 public:
  WindowsLink(config::Host host, ssh::SshTarget target, const Clock& clock, LinkObserver& observer)
      : host_(std::move(host)), clock_(clock), session_(std::move(target), clock, observer) {}

  std::optional<ProbeFailure> Prepare(SteadyTime deadline) override;
  Collection Collect(SteadyTime since, SteadyTime deadline,
                     const std::function<void(const Collection&)>& so_far) override;
  bool WasStale() const override { return was_stale_; }
  SessionStory Story() const override { return session_.Story(); }
  void Interrupt() override { session_.Interrupt(); }

 private:
  std::optional<ProbeFailure> AskServices(SteadyTime deadline, Collection* collection);

  const config::Host host_;
  const Clock& clock_;
  KeptSession session_;
  bool proven_ = false;
  bool was_stale_ = false;
};

}  // namespace mailhub::exporter
