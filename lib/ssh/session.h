// One SSH connection to one host. It runs commands and reports how they ended, or keeps a helper
// running and exchanges data with it. Every call has its own deadline and never blocks beyond it; a
// failure says whether the command may have run. libssh stays in the .cc.
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

// The host to connect to. The host key is checked only against known_hosts_file, read as OpenSSH
// reads it: under `address`, or `[address]:port` when the port is not 22 (as ssh-keyscan -p
// writes), with hashed names, patterns and @revoked. Certificates of @cert-authority are not
// supported: such a host is refused. The only authentication is identity_file (unencrypted private
// key): no agent, no password, no other key, no ssh_config.
struct SshTarget {
  std::string name;     // the host's name in messages
  std::string address;  // IP address or name
  int port = 22;
  std::string user;
  std::string identity_file;
  std::string known_hosts_file;
  // Algorithms of very old sshds that are unsafe today; offered to this host after the others.
  // OpenSSH's names of a key type, a key exchange, a cipher or a MAC.
  std::vector<std::string> old_algorithms = {};

  bool operator==(const SshTarget&) const = default;
};

// Why a connection failed; these are the exporter's `reason` labels.
enum class ConnectFailure {
  kResolve,    // the name has no address, or the resolver did not answer in time
  kConnect,    // TCP: refused, unreachable
  kHostKey,    // the host's key is unknown, revoked or a different one
  kAuth,       // the host does not accept our key
  kTimeout,    // the deadline passed or the program ends, after the address was known
  kProtocol,   // the peer's SSH is incompatible or none, or it hung up
  kOwnFiles,   // known_hosts or the key file is unusable: not the host's fault
  kOwnLimits,  // this process has no file descriptor left: the host was not contacted
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

// How far Connect came, for people who look for a mistake. A stage that was not begun has no time.
struct ConnectTrace {
  std::optional<Milliseconds> dial = {};          // look-up and TCP
  std::optional<Milliseconds> key_exchange = {};  // until the host has shown its key
  std::optional<Milliseconds> login = {};         // from there on
  std::string host_key = {};   // "ssh-ed25519 SHA256:...", as ssh-keygen -lf; empty: none was shown
  bool host_key_good = false;  // it is the one in known_hosts
};

// Whether Connect can use both files: kInvalid names the file and the reason. Thread-safe.
Status CheckOwnFiles(const std::string& known_hosts_file, const std::string& identity_file);

// Interrupts waiting calls when the program ends. Thread-safe; must outlive the sessions that use
// it. Cannot be undone: present and later calls fail at once as at their deadline.
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
  // Kept bytes of stdout and of stderr each; the rest is read and dropped.
  size_t max_output_bytes = size_t{1} << 20;
};

struct ExecResult {
  int exit_status = -1;     // 0..255; -1 when a signal ended the command
  std::string exit_signal;  // "TERM", "KILL", ...; empty when it exited
  std::string out;
  std::string err;
  bool truncated = false;  // out or err was longer than the limit
  // A process of the command still held its output 500 ms after the command's end.
  bool left_running = false;

  bool Succeeded() const { return exit_status == 0; }
};

class Channel;

// Owns one connection. Confined to one thread at a time, its channels included. Destroying it
// disconnects without waiting; channels that outlive it stay valid objects and fail every call.
//
// TCP keepalive notices a vanished peer within about 20 s; the next call's deadline notices a
// frozen one. After kUnreachable, after kOutcomeUnknown and when Alive() is false, connect anew.
class Session {
 public:
  // Resolves and connects before `deadline`, checks the host key and authenticates before
  // `login_by`. A later `login_by` is for hosts with slow logins, for example an sshd whose
  // resolver does not answer; an unreachable host is given up at `deadline`. `cancel` may be null.
  //
  // Numeric addresses need no resolver. Each name is looked up in its own thread, and the wait for
  // it ends at the deadline; a look-up without an answer by then finishes alone, in its own memory.
  // While 16 such are outstanding in the process, further names fail at once with kResolve.
  //
  // `trace` may be null; else it is filled, whatever the result.
  static tl::expected<std::unique_ptr<Session>, ConnectError> Connect(
      const SshTarget& target, SteadyTime deadline, SteadyTime login_by, const Cancellation* cancel,
      ConnectTrace* trace = nullptr);
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

  // Starts a long-lived command with a channel. Fails as Exec does; kOutcomeUnknown: it may have
  // been started.
  Result<std::unique_ptr<Channel>> OpenChannel(const std::string& command, SteadyTime deadline);

  // Whether the connection looks usable now. Does not wait; reads data that has arrived.
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
  kTimeout,  // no data before the deadline (or cancellation); the channel is unchanged
  kEof,      // the command closed its output; no more data will come
};

// A running remote command. Confined to its session's thread. Destroying it closes it without
// waiting: the command gets end of file, but may go on.
class Channel {
 public:
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Writes all of `bytes`. kOutcomeUnknown: a part may have arrived; do not use the channel any
  // more. If the command ended before it read them, this is no error: Read gives its output, then
  // kEof.
  Status Write(std::string_view bytes, SteadyTime deadline);

  // Appends at most `max` bytes of stdout to *out, as soon as there are any. An error,
  // kOutcomeUnknown, means that the connection is lost.
  Result<ReadState> Read(std::string* out, size_t max, SteadyTime deadline);

  // The command's stderr since the last call; at most 8 KiB are kept, the rest is dropped.
  std::string TakeStderr();

  // After end of file: the status; nothing if the command was killed or the status is missing.
  std::optional<int> ExitStatus() const;

  struct Impl;

 private:
  friend class Session;
  explicit Channel(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace mailhub::ssh
