// The link to a host with a POSIX shell: the helper, running at the far end of one channel for as
// long as it works.
#pragma once

#include <memory>
#include <string>

#include "exporter/collector/reply.h"
#include "exporter/host/kept_session.h"
#include "exporter/host/link.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

// Owns session and channel.
class HelperLink final : public Link {
 public:
  HelperLink(config::Host host, ssh::SshTarget target, const Clock& clock, LinkObserver& observer);

  std::optional<Trouble> Prepare(SteadyTime deadline) override;
  Look Collect(SteadyTime deadline) override;
  bool WasStale() const override { return was_stale_; }
  void Interrupt() override { session_.Interrupt(); }

 private:
  std::optional<Trouble> StartHelper(SteadyTime deadline);
  std::optional<Trouble> AwaitHello(const std::string& nonce, SteadyTime deadline);
  std::optional<Trouble> ReadReply(ReplyReader* reader, SteadyTime deadline);
  Trouble Broken(const Error& error, SteadyTime deadline);
  Look Interpret(const Reply& reply) const;

  const config::Host host_;
  const Clock& clock_;
  KeptSession session_;
  std::unique_ptr<ssh::Channel> channel_;
  std::string unread_;   // arrived after what has been read
  bool proven_ = false;  // this channel has answered a request before
  bool was_stale_ = false;
};

}  // namespace mailhub::exporter
