// The link to one host's runner: keeps an SSH session, installs the runner, and does one exchange
// at a time.
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
  // The host's command to start the runner; tests use other shells and directories.
  std::string directory = "/var/lib/mailhub-runner";
  std::string shell = "sh";
  std::string arguments;  // after the script's path

  Milliseconds connect_timeout{5'000};
  Milliseconds login_timeout{30'000};     // once connected
  Milliseconds exchange_timeout{15'000};  // beyond the request's own waiting time
  Milliseconds run_wait{1'000};           // how long kRun waits for the command's end
  Milliseconds cancel_grace{5'000};
  Milliseconds first_pause{100};  // after a failed connect; doubles
  Milliseconds longest_pause{5'000};
  // After a failed login. sshd since 9.8 locks out an address with many failed logins; the exporter
  // on this machine shares the address.
  Milliseconds first_login_pause{10'000};
  Milliseconds longest_login_pause{60'000};
};

// Owns the session. Confined to one thread. Connects at a request when not connected; after a
// failed connect, requests fail at once until a pause is over.
class HostLink {
 public:
  // `cancel` ends calls early and must outlive the link.
  HostLink(std::string host, LinkOptions options, const ssh::Cancellation* cancel);
  ~HostLink();
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;

  // One request, one reply; failures as RemoteReply says. `target` is used to connect; a changed
  // target drops the session. A runner that an administrator installed is only started, never sent.
  // A request past its begin_before is not sent: kUnreachable.
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
