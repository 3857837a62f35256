// libssh's own connect would read the user's ssh_config, resolve names without a deadline and, on a
// socket it was given, switch back to blocking mode. So it gets a connected socket, no
// configuration, and the mode is set again afterwards.
#include "lib/ssh/handshake.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

tl::unexpected<ConnectError> Failed(ConnectFailure reason, ErrorKind kind, std::string message) {
  return tl::make_unexpected(ConnectError{reason, Error{kind, std::move(message)}});
}

using Step = tl::expected<void, ConnectError>;

class Handshaker {
 public:
  Handshaker(const SshTarget& target, ssh_session session, SteadyTime deadline,
             const Cancellation* cancel)
      : target_(target), session_(session), deadline_(deadline), cancel_(cancel) {}

  Step Configure(int fd) {
    const bool no_config = false;
    const int strict = 1;
    const auto set = [this](ssh_options_e option, const void* value) {
      return ssh_options_set(session_, option, value) == SSH_OK;
    };
    const unsigned port = static_cast<unsigned>(target_.port);
    const bool done = set(SSH_OPTIONS_PROCESS_CONFIG, &no_config) &&
                      set(SSH_OPTIONS_HOST, target_.address.c_str()) &&
                      set(SSH_OPTIONS_PORT, &port) && set(SSH_OPTIONS_USER, target_.user.c_str()) &&
                      set(SSH_OPTIONS_STRICTHOSTKEYCHECK, &strict) &&
                      set(SSH_OPTIONS_KNOWNHOSTS, target_.known_hosts_file.c_str()) &&
                      set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") && set(SSH_OPTIONS_FD, &fd);
    if (!done) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kInvalid,
                    Said("cannot set up a session"));
    }
    ssh_set_blocking(session_, 0);
    return {};
  }

  Step ExchangeKeys() {
    int outcome = SSH_AGAIN;
    while ((outcome = ssh_connect(session_)) == SSH_AGAIN) {
      if (Step step = Wait("while exchanging keys"); !step) return step;
    }
    if (outcome == SSH_OK) return {};
    return Failed(ConnectFailure::kProtocol, ErrorKind::kUnreachable, Said("SSH handshake failed"));
  }

  Step CheckHostKey() {
    const auto refuse = [this](const std::string& why) {
      return Failed(ConnectFailure::kHostKey, ErrorKind::kRefused, target_.name + ": " + why);
    };
    const std::string& file = target_.known_hosts_file;
    if (access(file.c_str(), R_OK) != 0)
      return refuse("cannot read " + file + ": " + std::strerror(errno));
    const std::string host = target_.port == 22
                                 ? target_.address
                                 : "[" + target_.address + "]:" + std::to_string(target_.port);
    switch (ssh_session_is_known_server(session_)) {
      case SSH_KNOWN_HOSTS_OK:
        return {};
      case SSH_KNOWN_HOSTS_CHANGED:
        return refuse("the host key of " + host + " is not the one in " + file);
      case SSH_KNOWN_HOSTS_OTHER:
        return refuse("the host key of " + host + " is of another type than those in " + file);
      case SSH_KNOWN_HOSTS_UNKNOWN:
      case SSH_KNOWN_HOSTS_NOT_FOUND:
        return refuse("no host key of " + host + " in " + file);
      case SSH_KNOWN_HOSTS_ERROR:
        break;
    }
    return refuse(std::string("cannot check the host key: ") + ssh_get_error(session_));
  }

  Step Authenticate() {
    ssh_key loaded = nullptr;
    if (ssh_pki_import_privkey_file(target_.identity_file.c_str(), nullptr, nullptr, nullptr,
                                    &loaded) != SSH_OK) {
      return Failed(ConnectFailure::kAuth, ErrorKind::kInvalid,
                    target_.name + ": cannot use the private key " + target_.identity_file);
    }
    const std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)> key(loaded, &ssh_key_free);
    int outcome = SSH_AUTH_AGAIN;
    while ((outcome = ssh_userauth_publickey(session_, nullptr, key.get())) == SSH_AUTH_AGAIN) {
      if (Step step = Wait("while authenticating"); !step) return step;
    }
    if (outcome == SSH_AUTH_SUCCESS) return {};
    if (outcome == SSH_AUTH_ERROR && ssh_is_connected(session_) == 0) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kUnreachable,
                    Said("lost while authenticating"));
    }
    return Failed(ConnectFailure::kAuth, ErrorKind::kRefused,
                  target_.name + ": does not take the key " + target_.identity_file + " for user " +
                      target_.user);
  }

 private:
  Step Wait(const std::string& when) {
    const int flags = ssh_get_poll_flags(session_);
    const short events = (flags & SSH_WRITE_PENDING) != 0 ? POLLIN | POLLOUT : POLLIN;
    switch (WaitFor(ssh_get_fd(session_), events, deadline_, cancel_)) {
      case Wake::kReady:
        return {};
      case Wake::kDeadline:
        return Failed(ConnectFailure::kTimeout, ErrorKind::kUnreachable,
                      target_.name + ": no answer in time " + when);
      case Wake::kCancelled:
        break;
    }
    return Failed(ConnectFailure::kTimeout, ErrorKind::kUnreachable,
                  target_.name + ": shutting down " + when);
  }

  std::string Said(const std::string& what) {
    return target_.name + ": " + what + ": " + ssh_get_error(session_);
  }

  const SshTarget& target_;
  const ssh_session session_;
  const SteadyTime deadline_;
  const Cancellation* const cancel_;
};

}  // namespace

void SshFree::operator()(ssh_session_struct* session) const {
  ssh_free(session);
}

tl::expected<SshHandle, ConnectError> Handshake(const SshTarget& target, int fd,
                                                SteadyTime deadline, const Cancellation* cancel) {
  SshHandle session(ssh_new());
  if (session == nullptr) {
    close(fd);
    return Failed(ConnectFailure::kProtocol, ErrorKind::kInternal, target.name + ": out of memory");
  }
  Handshaker handshake(target, session.get(), deadline, cancel);
  if (Step step = handshake.Configure(fd); !step) {
    close(fd);
    return tl::make_unexpected(step.error());
  }
  // From its first call on, ssh_connect has the socket for its own; ssh_free closes it.
  if (Step step = handshake.ExchangeKeys(); !step) return tl::make_unexpected(step.error());
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    return Failed(ConnectFailure::kProtocol, ErrorKind::kInternal,
                  target.name + ": " + std::strerror(errno));
  }
  if (Step step = handshake.CheckHostKey(); !step) return tl::make_unexpected(step.error());
  if (Step step = handshake.Authenticate(); !step) return tl::make_unexpected(step.error());
  return session;
}

}  // namespace mailhub::ssh
