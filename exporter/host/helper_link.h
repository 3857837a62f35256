// The link to a host with a POSIX shell: the helper runs at the far end of a channel. A late
// collector gets its own helper and channel, so that it delays no other.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>

#include "exporter/collector/past.h"
#include "exporter/collector/reply.h"
#include "exporter/host/kept_session.h"
#include "exporter/host/link.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

// Owns session and channels.
class HelperLink final : public Link {
 public:
  HelperLink(config::Host host, ssh::SshTarget target, const Clock& clock, LinkObserver& observer);

  std::optional<ProbeFailure> Prepare(SteadyTime deadline) override;
  Collection Collect(SteadyTime since, SteadyTime deadline,
                     const std::function<void(const Collection&)>& so_far) override;
  bool WasStale() const override { return was_stale_; }
  SessionStory Story() const override;
  void Interrupt() override { session_.Interrupt(); }

 private:
  // One helper, its sections, and its pending reply.
  struct Lane {
    std::set<std::string> sections;
    std::unique_ptr<ssh::Channel> channel = {};
    std::string unread = {};  // arrived after the bytes read so far
    bool proven = false;      // this channel has answered a request before
    std::unique_ptr<ReplyReader> owed = {};
    SteadyTime asked = {};
    bool paused = false;  // its pending reply is from an earlier collection
    bool hangs = false;   // and took so long that no scrape waits for it
  };

  std::optional<ProbeFailure> StartHelper(Lane* lane, SteadyTime deadline);
  std::optional<ProbeFailure> Greet(Lane* lane, const std::string& script, const std::string& spec,
                                    SteadyTime deadline);
  std::optional<ProbeFailure> Exchange(Lane* lane, const std::string& text,
                                       const std::string& nonce, SteadyTime deadline,
                                       std::string* answer);
  std::optional<ProbeFailure> Ask(Lane* lane, SteadyTime deadline);
  // `on_part` is called after each part of the reply but its last.
  std::optional<ProbeFailure> Listen(Lane* lane, SteadyTime deadline,
                                     const std::function<void()>& on_part = {});
  void TellParts(const Lane& lane, const std::function<void(const Collection&)>& so_far,
                 Collection* collection);
  std::optional<ProbeFailure> ListenToMain(SteadyTime rescue, SteadyTime last,
                                           const std::function<void(const Collection&)>& so_far,
                                           Collection* collection);
  void ListenToLate(SteadyTime last, const std::function<void(const Collection&)>& so_far,
                    Collection* collection);
  void ExplainHanging(Collection* collection) const;
  void WakeLate(SteadyTime last);
  bool TakePending(Lane* lane, SteadyTime deadline);
  void AskLate(Lane* lane, SteadyTime last);
  void AskAnew(Lane* lane, SteadyTime last);
  bool SetApart();
  void Forget();
  void Leave();  // the session, and forgets it
  ProbeFailure Broken(const Error& error, SteadyTime deadline);
  void Interpret(const std::set<std::string>& sections, const Reply& reply, Collection* collection);
  void WatchUptime(const Reply& reply);
  double UptimeAtBegin(const Reply& reply);

  const config::Host host_;
  const Clock& clock_;
  KeptSession session_;
  Lane main_;
  std::list<Lane> late_;        // one section each, late earlier in this session
  std::set<std::string> told_;  // collectors that are already part of this collection
  Past past_;
  std::string boot_id_;
  double uptime_seconds_ = 0;
  SteadyTime since_{};  // the scrape began
  std::string shown_boot_id_;
  double shown_uptime_seconds_ = 0;
  bool was_stale_ = false;
  bool installed_ = false;  // the host has the helper, and none is sent
};

}  // namespace mailhub::exporter
