// One SSH connection to one host: run a command and know how it ended, or keep a helper running and
// talk to it. Every call has one deadline of its own, nothing ever blocks beyond it, and a failure
// says whether the command may have run. libssh stays in the .cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/words.h"

namespace mailhub::ssh {

// Whom to connect to. The host key is always checked against known_hosts_file alone, which is read
// as OpenSSH reads it: as `address`, or as `[address]:port` when the port is not 22 (what
// ssh-keyscan -p writes), with hashed names, patterns and @revoked. Certificates of
// @cert-authority are not understood: such a host is refused. The only authentication is
// identity_file (unencrypted private key): no agent, no password, no other key, and no ssh_config
// is read.
struct SshTarget {
  std::string name;     // how messages call the host
  std::string address;  // IP address or name
  int port = 22;
  std::string user;
  std::string identity_file;
  std::string known_hosts_file;
  // What an sshd of many years ago may know instead of what is safe today; offered to this host
  // after the rest. Names of OpenSSH's: a key's type, a key exchange, a cipher or a MAC.
  std::vector<std::string> old_algorithms = {};

  bool operator==(const SshTarget&) const = default;
};

// Why a connection did not come about; these are the exporter's `reason` labels.
enum class ConnectFailure {
  kResolve,    // the name has no address, or the resolver did not answer in time
  kConnect,    // TCP: refused, unreachable
  kHostKey,    // the host's key is unknown, revoked or another one
  kAuth,       // the host does not take the key
  kTimeout,    // the deadline passed, or the program is shutting down, after the address was known
  kProtocol,   // what answers does not speak SSH as we do, or it hung up
  kOwnFiles,   // known_hosts or the key file cannot be used: nothing that the host did
  kOwnLimits,  // this process has no file descriptor left: the host was not asked
};
constexpr auto WordsOf(ConnectFailure) {
  using enum ConnectFailure;
  return Vocabulary<ConnectFailure>({
      {kResolve, "resolve"},
      {kConnect, "connect"},
      {kHostKey, "host_key"},
      {kAuth, "auth"},
      {kTimeout, "timeout"},
      {kProtocol, "protocol"},
      {kOwnFiles, "own_files"},
      {kOwnLimits, "own_limits"},
  });
}
// The reason label: "resolve", "connect", "host_key", "auth", "timeout", "protocol", "own_files",
// "own_limits".

// A failed connect. error.kind: kRefused for host_key and auth (a person must look), kUnreachable
// for the others, kInvalid for own files.
struct ConnectError {
  ConnectFailure reason = ConnectFailure::kProtocol;
  Error error;
};

// Whether both files can be used, as Connect would: kInvalid says which and why. Thread-safe.
Status CheckOwnFiles(const std::string& known_hosts_file, const std::string& identity_file);

// Interrupts waiting calls when the program ends. Thread-safe; must outlive the sessions it was
// given to. Once cancelled it stays so: calls in progress and later ones fail at once as if their
// deadline had passed.
class Cancellation {
 public:
  Cancellation();  // aborts if the process has no file descriptor left
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void Cancel();  // also safe in a signal handler
  bool IsCancelled() const { return cancelled_.load(); }
  int event_fd() const { return event_fd_; }  // readable once cancelled; never read from it

 private:
  int event_fd_;
  std::atomic<bool> cancelled_{false};
};

struct ExecLimits {
  // Kept of each of stdout and stderr; the rest is read and dropped.
  size_t max_output_bytes = size_t{1} << 20;
};

struct ExecResult {
  int exit_status = -1;     // 0..255; -1 when a signal ended the command
  std::string exit_signal;  // "TERM", "KILL", ...; empty when it exited
  std::string out;
  std::string err;
  bool truncated = false;  // out or err was longer than the limit
  // Something the command started still held its output 500 ms after it had ended.
  bool left_running = false;

  bool Succeeded() const { return exit_status == 0; }
};

class Channel;

// Owns one connection. Confined to one thread at a time, its channels included. Destroying it
// disconnects without waiting; channels that outlive it stay valid objects and fail every call.
//
// A peer that vanishes silently is noticed by TCP keepalive within about 20 s; one that is merely
// frozen, by the deadline of the next call. After kUnreachable, after kOutcomeUnknown and when
// Alive() is false, connect anew.
class Session {
 public:
  // Resolves and connects before `deadline`, checks the host key and authenticates before
  // `login_by`. Where that is later, it is for hosts whose logins are slow, as sshd's are that asks
  // a resolver which does not answer; a host that is away is left at `deadline`. `cancel` may be
  // null.
  //
  // Numeric addresses need no resolver. Each name is looked up in a thread of its own, and waiting
  // for it ends at the deadline; a look-up that got no answer by then is left to finish by itself,
  // in memory of its own. When 16 such are outstanding in the process, further names fail at once
  // with kResolve.
  static tl::expected<std::unique_ptr<Session>, ConnectError> Connect(const SshTarget& target,
                                                                      SteadyTime deadline,
                                                                      SteadyTime login_by,
                                                                      const Cancellation* cancel);
  static tl::expected<std::unique_ptr<Session>, ConnectError> Connect(
      const SshTarget& target, SteadyTime deadline, const Cancellation* cancel = nullptr) {
    return Connect(target, deadline, deadline, cancel);
  }
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs `command` through the user's login shell, gives it `input` on stdin, then end of file, and
  // waits for its end.
  //   kUnreachable     the request was not sent: nothing ran
  //   kRefused         the host does not run commands for this user: nothing ran
  //   kOverloaded      too many earlier commands of this session still run on the host: nothing
  //                    ran; connect anew
  //   kOutcomeUnknown  the request was sent and no exit status came back: deadline, lost
  //                    connection, cancellation. The command may still be running; sshd does not
  //                    end it.
  Result<ExecResult> Exec(const std::string& command, std::string_view input,
                          const ExecLimits& limits, SteadyTime deadline);

  // Starts a long-lived command to talk to. Fails as Exec does; kOutcomeUnknown: it may have been
  // started.
  Result<std::unique_ptr<Channel>> OpenChannel(const std::string& command, SteadyTime deadline);

  // Whether the connection looks usable now. Does not wait; reads what has arrived.
  bool Alive();

  // Channels that the host has not closed yet, open ones included. At most 8 may await the host's
  // close.
  size_t OpenChannels() const;

  struct Impl;

 private:
  explicit Session(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

enum class ReadState {
  kData,     // at least one byte was appended
  kTimeout,  // nothing came before the deadline (or cancellation); the channel is as it was
  kEof,      // the command closed its output; nothing will come any more
};

// A running remote command. Confined to its session's thread. Destroying it closes it without
// waiting: the command gets end of file, and whether it ends is its own affair.
class Channel {
 public:
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Writes all of `bytes`. kOutcomeUnknown: a part of it may have arrived, so the channel is of no
  // use any more. A command that ended before it read them is no error here: Read gives what it
  // said, then kEof.
  Status Write(std::string_view bytes, SteadyTime deadline);

  // Appends at most `max` bytes of stdout to *out, as soon as there are any. An error,
  // kOutcomeUnknown, means that the connection is lost.
  Result<ReadState> Read(std::string* out, size_t max, SteadyTime deadline);

  // What the command said on stderr since the last call; at most 8 KiB are kept, the rest is
  // dropped.
  std::string TakeStderr();

  // After end of file: the status, or nothing if the command was killed or has not said.
  std::optional<int> ExitStatus() const;

  struct Impl;

 private:
  friend class Session;
  explicit Channel(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace mailhub::ssh
