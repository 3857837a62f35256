// libssh's own connect would read the user's ssh_config, resolve names without a deadline, and
// switch a given socket back to blocking mode. So it gets a connected socket, no configuration, and
// the mode is set again afterwards.
#include "lib/ssh/handshake.h"

#include <fcntl.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "lib/base/base64.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

tl::unexpected<ConnectError> Failed(ConnectFailure reason, ErrorKind kind, std::string message) {
  return tl::make_unexpected(ConnectError{reason, Error{kind, std::move(message)}});
}

// Most bytes from a host before the login, its lines before the version included. An sshd needs
// some 4 KiB, and more for long keys and a long banner.
constexpr uint64_t kMostBeforeLogin = uint64_t{256} << 10;

using Step = tl::expected<void, ConnectError>;

// In OpenSSH's order, with the types in known_hosts first: a host with several keys then shows one
// of these.
std::string HostKeyAlgorithms(const std::vector<std::string>& known) {
  constexpr std::array<const char*, 6> kAll = {"ssh-ed25519",         "ecdsa-sha2-nistp256",
                                               "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                                               "rsa-sha2-512",        "rsa-sha2-256"};
  const auto is_known = [&](std::string_view algorithm) {
    return std::ranges::any_of(known, [&](std::string_view type) {
      const bool both_rsa =
          algorithm.starts_with("rsa-") && (type.starts_with("rsa-") || type == "ssh-rsa");
      return both_rsa || type == algorithm;
    });
  };
  std::string list;
  for (const bool wanted : {true, false}) {
    for (const char* algorithm : kAll) {
      if (is_known(algorithm) == wanted) list.append(list.empty() ? "" : ",").append(algorithm);
    }
  }
  return list;
}

// The old algorithms that libssh accepts for `option`, in a list that begins with a comma. Each
// name has one meaning; SSH_OPTIONS_HOSTKEYS is for keys.
struct OldName {
  const char* name;
  ssh_options_e option;
};
constexpr std::array<OldName, 10> kOldNames = {{
    {"ssh-rsa", SSH_OPTIONS_HOSTKEYS},
    {"diffie-hellman-group14-sha1", SSH_OPTIONS_KEY_EXCHANGE},
    {"diffie-hellman-group-exchange-sha1", SSH_OPTIONS_KEY_EXCHANGE},
    {"diffie-hellman-group1-sha1", SSH_OPTIONS_KEY_EXCHANGE},
    {"aes256-cbc", SSH_OPTIONS_CIPHERS_C_S},
    {"aes192-cbc", SSH_OPTIONS_CIPHERS_C_S},
    {"aes128-cbc", SSH_OPTIONS_CIPHERS_C_S},
    {"3des-cbc", SSH_OPTIONS_CIPHERS_C_S},
    {"hmac-sha1", SSH_OPTIONS_HMAC_C_S},
    {"hmac-sha1-etm@openssh.com", SSH_OPTIONS_HMAC_C_S},
}};
std::string OldOnes(const std::vector<std::string>& wanted, ssh_options_e option) {
  std::string list;
  for (const OldName& old : kOldNames) {
    if (old.option == option && std::ranges::find(wanted, old.name) != wanted.end()) {
      list.append(",").append(old.name);
    }
  }
  return list;
}

// As `ssh-keygen -lf` names it, so that a person can compare.
std::string NameOf(ssh_key key) {
  unsigned char* hash = nullptr;
  size_t size = 0;
  if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) return "";
  char* const text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  ssh_clean_pubkey_hash(&hash);
  if (text == nullptr) return "";
  std::string name = ssh_key_type_to_char(ssh_key_type(key));
  name.append(" ").append(text);
  ssh_string_free_char(text);
  return name;
}

class Handshaker {
 public:
  Handshaker(const SshTarget& target, const OwnFiles& own, ssh_session session, SteadyTime deadline,
             const Cancellation* cancel)
      : target_(target), own_(own), session_(session), deadline_(deadline), cancel_(cancel) {
    ssh_set_counters(session_, &counted_, nullptr);
  }
  ~Handshaker() { ssh_set_counters(session_, nullptr, nullptr); }
  Handshaker(const Handshaker&) = delete;
  Handshaker& operator=(const Handshaker&) = delete;

  Step Configure(int fd) {
    const bool no_config = false;
    const auto set = [this](ssh_options_e option, const void* value) {
      return ssh_options_set(session_, option, value) == SSH_OK;
    };
    const std::string algorithms =
        HostKeyAlgorithms(own_.known_hosts.TypesOf(target_.address, target_.port)) +
        OldOnes(target_.old_algorithms, SSH_OPTIONS_HOSTKEYS);
    // Only for libssh's own known_hosts, which is not used; it refuses some names.
    const unsigned port = static_cast<unsigned>(target_.port);
    const bool done =
        set(SSH_OPTIONS_PROCESS_CONFIG, &no_config) && set(SSH_OPTIONS_HOST, "host") &&
        set(SSH_OPTIONS_PORT, &port) && set(SSH_OPTIONS_USER, target_.user.c_str()) &&
        set(SSH_OPTIONS_HOSTKEYS, algorithms.c_str()) && set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null") &&
        set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") && set(SSH_OPTIONS_FD, &fd);
    if (!done) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kInvalid,
                    Said("cannot set up a session"));
    }
    if (!AddOldAlgorithms()) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kInvalid,
                    Said("cannot offer the old algorithms"));
    }
    ssh_set_blocking(session_, 0);
    return {};
  }

  // After the safe algorithms, which come first if the host knows one. libssh accepts only whole
  // lists, and ignores unknown names.
  bool AddOldAlgorithms() {
    const auto set = [this](const char* safe, ssh_options_e from,
                            std::initializer_list<ssh_options_e> to) {
      const std::string old = OldOnes(target_.old_algorithms, from);
      return old.empty() || std::ranges::all_of(to, [&](ssh_options_e option) {
               return ssh_options_set(session_, option, (safe + old).c_str()) == SSH_OK;
             });
    };
    return set("ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
               "rsa-sha2-512,rsa-sha2-256",
               SSH_OPTIONS_HOSTKEYS, {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES}) &&
           set("curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
               "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group18-sha512,"
               "diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
               "diffie-hellman-group14-sha256",
               SSH_OPTIONS_KEY_EXCHANGE, {SSH_OPTIONS_KEY_EXCHANGE}) &&
           set("chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
               "aes256-ctr,aes192-ctr,aes128-ctr",
               SSH_OPTIONS_CIPHERS_C_S, {SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C}) &&
           set("hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,"
               "hmac-sha2-512",
               SSH_OPTIONS_HMAC_C_S, {SSH_OPTIONS_HMAC_C_S, SSH_OPTIONS_HMAC_S_C});
  }

  Step ExchangeKeys() {
    int outcome = SSH_AGAIN;
    while ((outcome = ssh_connect(session_)) == SSH_AGAIN) {
      if (Step step = Wait("while exchanging keys"); !step) return step;
    }
    if (outcome == SSH_OK) return {};
    std::string said = Said("SSH handshake failed");
    // A peer without a common algorithm hangs up, and libssh may notice that first.
    if (std::string_view(ssh_get_error(session_)).starts_with("Socket error")) {
      said +=
          "; if it does so each time, it may know none of the algorithms that are offered "
          "(old_algorithms in the site file)";
    }
    return Failed(ConnectFailure::kProtocol, ErrorKind::kUnreachable, std::move(said));
  }

  // sshd hangs up, or sends one of these lines instead of its version, when it is too busy or has
  // had too many failures from here.
  Step AwaitGreeting(int fd) {
    constexpr std::array<std::string_view, 2> kNotNow = {"Not allowed at this time",
                                                         "Exceeded MaxStartups"};
    switch (WaitFor(fd, POLLIN, deadline_, cancel_)) {
      case Wake::kReady:
        break;
      case Wake::kDeadline:
        return Failed(ConnectFailure::kTimeout, ErrorKind::kUnreachable,
                      target_.name + ": no answer in time while exchanging keys");
      case Wake::kCancelled:
        return Failed(ConnectFailure::kTimeout, ErrorKind::kUnreachable,
                      target_.name + ": shutting down while exchanging keys");
    }
    std::array<char, 64> bytes{};
    const ssize_t size = recv(fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (size <= 0) {
      return Failed(ConnectFailure::kConnect, ErrorKind::kUnreachable,
                    target_.name +
                        ": the host hung up before it said anything (sshd's MaxStartups "
                        "or PerSourcePenalties?)");
    }
    const std::string_view said(bytes.data(), static_cast<size_t>(size));
    for (const std::string_view line : kNotNow) {
      if (!said.starts_with(line)) continue;
      return Failed(ConnectFailure::kConnect, ErrorKind::kUnreachable,
                    target_.name + ": sshd turns us away for now: " + std::string(line));
    }
    return {};
  }

  Step CheckHostKey(ConnectTrace* trace) {
    ssh_key shown = nullptr;
    if (ssh_get_server_publickey(session_, &shown) != SSH_OK) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kUnreachable,
                    Said("cannot tell the host's key"));
    }
    const SshKey key(shown);
    trace->host_key = NameOf(key.get());
    char* encoded = nullptr;
    if (ssh_pki_export_pubkey_base64(key.get(), &encoded) != SSH_OK) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kUnreachable,
                    target_.name + ": the host's key is none that can be compared");
    }
    const auto bytes = DecodeBase64(encoded);
    ssh_string_free_char(encoded);
    size_t line = 0;
    const HostKeyVerdict verdict =
        own_.known_hosts.Judge(target_.address, target_.port, bytes.value_or(""), &line);
    trace->host_key_good = verdict == HostKeyVerdict::kGood;
    if (trace->host_key_good) return {};
    return Failed(ConnectFailure::kHostKey, ErrorKind::kRefused,
                  target_.name + ": " + WhyNot(verdict, line));
  }

  Step Authenticate() {
    int outcome = SSH_AUTH_AGAIN;
    while ((outcome = ssh_userauth_publickey(session_, nullptr, own_.key.get())) ==
           SSH_AUTH_AGAIN) {
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
    if (counted_.in_bytes > kMostBeforeLogin) {
      return Failed(ConnectFailure::kProtocol, ErrorKind::kUnreachable,
                    target_.name + ": the host says too much " + when);
    }
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

  std::string WhyNot(HostKeyVerdict verdict, size_t line) const {
    const std::string& file = target_.known_hosts_file;
    const std::string place = file + ":" + std::to_string(line);
    const std::string host = target_.port == 22
                                 ? target_.address
                                 : "[" + target_.address + "]:" + std::to_string(target_.port);
    switch (verdict) {
      case HostKeyVerdict::kRevoked:
        return "the host key of " + host + " is revoked by " + place;
      case HostKeyVerdict::kOther:
        return "the host key of " + host + " is not the one in " + place;
      case HostKeyVerdict::kAuthority:
        return "no host key of " + host + " in " + file + ", only @cert-authority in line " +
               std::to_string(line) + ": certificates are not understood, add the host's own key";
      case HostKeyVerdict::kUnknown:
      case HostKeyVerdict::kGood:
        break;
    }
    return "no host key of " + host + " in " + file;
  }

  const SshTarget& target_;
  const OwnFiles& own_;
  const ssh_session session_;
  ssh_counter_struct counted_{};
  const SteadyTime deadline_;
  const Cancellation* const cancel_;
};

}  // namespace

void SshFree::operator()(ssh_session_struct* session) const {
  ssh_free(session);
}

tl::expected<SshHandle, ConnectError> Handshake(const SshTarget& target, const OwnFiles& own,
                                                int fd, SteadyTime deadline,
                                                const Cancellation* cancel, ConnectTrace* trace) {
  SshHandle session(ssh_new());
  if (session == nullptr) {
    close(fd);
    return Failed(ConnectFailure::kProtocol, ErrorKind::kInternal, target.name + ": out of memory");
  }
  Handshaker handshake(target, own, session.get(), deadline, cancel);
  const SteadyTime start = SteadyNow();
  Step begun = handshake.Configure(fd);
  if (begun) begun = handshake.AwaitGreeting(fd);
  if (!begun) {
    close(fd);
    trace->key_exchange = SteadyNow() - start;
    return tl::make_unexpected(begun.error());
  }
  // ssh_connect owns the socket from its first call on; ssh_free closes it.
  const Step exchanged = handshake.ExchangeKeys();
  trace->key_exchange = SteadyNow() - start;
  if (!exchanged) return tl::make_unexpected(exchanged.error());
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
    return Failed(ConnectFailure::kProtocol, ErrorKind::kInternal,
                  target.name + ": " + std::strerror(errno));
  }
  if (Step step = handshake.CheckHostKey(trace); !step) return tl::make_unexpected(step.error());
  const SteadyTime key_checked = SteadyNow();
  const Step logged_in = handshake.Authenticate();
  trace->login = SteadyNow() - key_checked;
  if (!logged_in) return tl::make_unexpected(logged_in.error());
  return session;
}

}  // namespace mailhub::ssh
