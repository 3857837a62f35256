// Keeps one SSH session between probes. After a refusal it waits before the next attempt: a wrong
// key is not tried every second.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "exporter/host/link.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/ssh/session.h"

namespace mailhub::exporter {

// Owns the session. Confined to one thread at a time; only Interrupt() may be called from any.
class KeptSession {
 public:
  KeptSession(ssh::SshTarget target, const Clock& clock, LinkObserver& observer)
      : target_(std::move(target)), clock_(clock), observer_(observer) {}
  ~KeptSession() { Drop(); }
  KeptSession(const KeptSession&) = delete;
  KeptSession& operator=(const KeptSession&) = delete;

  // Ensures a session that looks alive. Sets *is_new when it is new. An unreachable host is tried
  // each time. After a refusal by the host or by us, it waits up to half a minute (after a failed
  // login: a minute) and returns the same failure meanwhile. A login may end 30 s after the
  // deadline.
  std::optional<ProbeFailure> Ensure(SteadyTime deadline, bool* is_new);

  ssh::Session* get() const { return session_.get(); }
  // Of the last Ensure.
  SessionStory Story() const { return story_; }
  void Drop();
  void Interrupt() { cancel_.Cancel(); }

 private:
  const ssh::SshTarget target_;
  const Clock& clock_;
  LinkObserver& observer_;
  ssh::Cancellation cancel_;
  std::unique_ptr<ssh::Session> session_;
  Backoff backoff_{Milliseconds(1'000), Milliseconds(30'000)};
  // sshd since 9.8 counts 5 s for each failed login, and locks out an address at 15 s; the actuator
  // on this machine shares the address.
  Backoff login_backoff_{Milliseconds(10'000), Milliseconds(60'000)};
  SteadyTime not_before_{};
  ProbeFailure last_failure_;
  SessionStory story_;
};

}  // namespace mailhub::exporter
