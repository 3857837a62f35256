// The way to one host's runner: a kept SSH session, the runner put in place on it, one exchange at
// a time.
#pragma once

#include <memory>
#include <string>

#include "actuator/engine/remote.h"
#include "actuator/remote/protocol.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/config/site.h"
#include "lib/ssh/session.h"

namespace mailhub::remote {

struct LinkOptions {
  // How the host starts the runner; tests give other shells and directories.
  std::string directory = "/var/lib/mailhub-runner";
  std::string shell = "sh";
  std::string arguments;  // after the script's path

  Milliseconds connect_timeout{5'000};
  Milliseconds login_timeout{30'000};     // once connected
  Milliseconds exchange_timeout{15'000};  // beyond what the request itself waits for
  Milliseconds run_wait{1'000};           // how long kRun waits for the command's end
  Milliseconds cancel_grace{5'000};
  Milliseconds first_pause{100};  // after a failed connect; doubles
  Milliseconds longest_pause{5'000};
  // After a login that failed: sshd since 9.8 shuts out an address that fails often, and with it
  // the exporter, if that runs beside us.
  Milliseconds first_login_pause{10'000};
  Milliseconds longest_login_pause{60'000};
};

// Owns the session. Confined to one thread. Connects when asked and not connected; after a failed
// connect further requests fail at once until a pause is over.
class HostLink {
 public:
  // `cancel` ends calls early and must outlive the link.
  HostLink(std::string host, LinkOptions options, const ssh::Cancellation* cancel);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  // One request, one reply; failures as RemoteReply says. `target` is used when it has to connect;
  // another one than before drops the session. An installed runner is only started, never put. What
  // may not begin any more is not sent: kUnreachable.
  engine::RemoteReply Ask(const engine::RemoteRequest& request, const Identity& identity,
                          bool takeover, const ssh::SshTarget& target, config::RunnerForm form);

 private:
  struct Answer;

  Status Connect(const ssh::SshTarget& target);
  Status PutRunner();
  Answer Exchange(const engine::RemoteRequest& request, const Identity& identity,
                  remote::Exchange exchange);
  void TellOfLease(const engine::RemoteReply& reply);
  Milliseconds Patience(const engine::RemoteRequest& request) const;
  std::string RunnerPath() const;
  std::string RunnerCommand() const;

  const std::string host_;
  const LinkOptions options_;
  const ssh::Cancellation* const cancel_;
  const RealClock clock_;
  std::unique_ptr<ssh::Session> session_;
  ssh::SshTarget target_;
  config::RunnerForm form_ = config::RunnerForm::kUploaded;
  Backoff backoff_;
  Backoff login_backoff_;
  SteadyTime pause_until_{};
  Error last_failure_;
  std::string said_of_lease_;
};

}  // namespace mailhub::remote
