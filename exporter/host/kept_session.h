// One SSH session, kept between probes, and patience with hosts that refuse us: a wrong key is not
// tried every second.
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

  // Makes sure that there is a session that looks alive. Sets *is_new when it had to be made. A
  // host that is merely away is tried each time; one that refused us, or that we refused, only
  // after a wait that grows to half a minute (after a failed login: a minute), and until then the
  // same failure is the answer. A login may end 30 s after the deadline.
  std::optional<ProbeFailure> Ensure(SteadyTime deadline, bool* is_new);

  ssh::Session* get() const { return session_.get(); }
  void Drop();
  void Interrupt() { cancel_.Cancel(); }

 private:
  const ssh::SshTarget target_;
  const Clock& clock_;
  LinkObserver& observer_;
  ssh::Cancellation cancel_;
  std::unique_ptr<ssh::Session> session_;
  Backoff backoff_{Milliseconds(1'000), Milliseconds(30'000)};
  // sshd since 9.8 counts 5 s for each login that fails, and shuts out an address that has come to
  // 15 s: also the actuator's, if it runs beside us.
  Backoff login_backoff_{Milliseconds(10'000), Milliseconds(60'000)};
  SteadyTime not_before_{};
  ProbeFailure last_failure_;
};

}  // namespace mailhub::exporter
