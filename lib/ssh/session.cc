// libssh in non-blocking mode. This file does all waiting itself (one deadline per call), and takes
// arriving data through channel callbacks, so that output just before a lost connection is kept.
#include "lib/ssh/session.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <poll.h>

#include <algorithm>
#include <list>

#include "lib/ssh/dial.h"
#include "lib/ssh/handshake.h"
#include "lib/ssh/wait.h"

namespace mailhub::ssh {
namespace {

constexpr size_t kMaxClosing = 6;  // sshd allows 10 channels by default, in use or not
constexpr size_t kMaxUnreadBytes = size_t{4} << 20;  // of a Channel without a reader
constexpr size_t kMaxStderrBytes = size_t{8} << 10;  // of a Channel
// libssh keeps a buffer of the longest slice's size for the session's lifetime.
constexpr size_t kWriteSlice = size_t{2} << 10;
constexpr Milliseconds kGraceAfterExit{500};
constexpr Milliseconds kPatienceForClosing{1000};

// The received data of one channel. libssh keeps the address of `callbacks` and of this, so it
// never moves.
struct Heard {
  ssh_channel channel = nullptr;
  ssh_channel_callbacks_struct callbacks{};
  size_t out_limit = 0;
  size_t err_limit = 0;
  std::string out;
  std::string err;
  bool out_truncated = false;
  bool err_truncated = false;
  bool eof = false;     // no more output will come
  bool closed = false;  // the host is done with the channel
  std::optional<int> exit_status;
  std::string exit_signal;
  SteadyTime last_news;

  bool Ended() const { return exit_status.has_value() || !exit_signal.empty(); }
};

Heard& Self(void* user) {
  return *static_cast<Heard*>(user);
}

int OnData(ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr, void* user) {
  Heard& heard = Self(user);
  std::string& to = is_stderr != 0 ? heard.err : heard.out;
  const size_t limit = is_stderr != 0 ? heard.err_limit : heard.out_limit;
  const size_t room = limit > to.size() ? limit - to.size() : 0;
  to.append(static_cast<const char*>(data), std::min<size_t>(size, room));
  if (size > room) (is_stderr != 0 ? heard.err_truncated : heard.out_truncated) = true;
  heard.last_news = SteadyNow();
  return static_cast<int>(size);
}

void OnEof(ssh_session, ssh_channel, void* user) {
  Self(user).eof = true;
}

void OnClose(ssh_session, ssh_channel, void* user) {
  Self(user).eof = true;
  Self(user).closed = true;
}

void OnExitStatus(ssh_session, ssh_channel, int status, void* user) {
  Self(user).exit_status = status;
  Self(user).last_news = SteadyNow();
}

void OnExitSignal(ssh_session, ssh_channel, const char* signal, int, const char*, const char*,
                  void* user) {
  Self(user).exit_signal = signal != nullptr && *signal != '\0' ? signal : "unknown";
  Self(user).last_news = SteadyNow();
}

using HeardPtr = std::unique_ptr<Heard>;

}  // namespace

struct Session::Impl {
  std::string name;
  const Cancellation* cancel = nullptr;
  SshHandle session;
  ssh_event event = nullptr;
  bool lost = false;
  std::string lost_because;
  bool unfit = false;  // still connected, but with a channel of unknown state
  size_t live = 0;     // channels in use
  std::list<HeardPtr> closing;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { Disconnect(); }

  void Disconnect() {
    if (session == nullptr) return;
    if (event != nullptr) ssh_event_free(event);
    event = nullptr;
    session.reset();  // frees all its channels
    closing.clear();
    Lose("the session was closed");
  }

  void Lose(std::string why) {
    if (!lost) lost_because = std::move(why);
    lost = true;
  }

  // Receives arrived data and sends pending data, without waiting. False when the connection is
  // lost.
  bool Pump() {
    if (lost) return false;
    if (ssh_event_dopoll(event, 0) == SSH_ERROR || ssh_is_connected(session.get()) == 0) {
      Lose(ssh_get_error(session.get()));
      return false;
    }
    for (auto it = closing.begin(); it != closing.end();) {
      if ((*it)->closed) {
        ssh_channel_free((*it)->channel);
        it = closing.erase(it);
      } else {
        ++it;
      }
    }
    return true;
  }

  Wake Wait(SteadyTime deadline) {
    const int flags = ssh_get_poll_flags(session.get());
    const short events = (flags & SSH_WRITE_PENDING) != 0 ? POLLIN | POLLOUT : POLLIN;
    return WaitFor(ssh_get_fd(session.get()), events, deadline, cancel);
  }

  tl::unexpected<Error> Failed(ErrorKind kind, const std::string& what) {
    return Fail(kind, name + ": " + what);
  }
  tl::unexpected<Error> FailedLost(ErrorKind kind) {
    return Failed(kind, "connection lost: " + lost_because);
  }
  tl::unexpected<Error> FailedWait(ErrorKind kind, Wake wake, const std::string& when) {
    return Failed(
        kind,
        std::string(wake == Wake::kCancelled ? "shutting down " : "no answer in time ") + when);
  }

  Result<HeardPtr> Open(SteadyTime deadline);
  Status RequestExec(Heard& heard, const std::string& command, SteadyTime deadline);
  Result<HeardPtr> Start(const std::string& command, size_t out_limit, size_t err_limit,
                         SteadyTime deadline);
  Result<ExecResult> RunToEnd(Heard& heard, std::string_view input, SteadyTime deadline);
  bool Feed(Heard& heard, std::string_view* input, bool* input_done);
  void Close(HeardPtr heard);
};

// Opens a channel with its callbacks. Nothing of the command has been sent.
Result<HeardPtr> Session::Impl::Open(SteadyTime deadline) {
  if (!Pump()) return FailedLost(ErrorKind::kUnreachable);
  const SteadyTime patience = std::min(deadline, SteadyNow() + kPatienceForClosing);
  while (!unfit && closing.size() >= kMaxClosing && Wait(patience) == Wake::kReady) {
    if (!Pump()) return FailedLost(ErrorKind::kUnreachable);
  }
  if (unfit || closing.size() >= kMaxClosing) {
    return Failed(ErrorKind::kOverloaded, "earlier commands of this session still run on the host");
  }
  auto heard = std::make_unique<Heard>();
  heard->channel = ssh_channel_new(session.get());
  if (heard->channel == nullptr) return Failed(ErrorKind::kInternal, ssh_get_error(session.get()));
  ssh_callbacks_init(&heard->callbacks);
  heard->callbacks.userdata = heard.get();
  heard->callbacks.channel_data_function = OnData;
  heard->callbacks.channel_eof_function = OnEof;
  heard->callbacks.channel_close_function = OnClose;
  heard->callbacks.channel_exit_status_function = OnExitStatus;
  heard->callbacks.channel_exit_signal_function = OnExitSignal;
  ssh_set_channel_callbacks(heard->channel, &heard->callbacks);
  int outcome = SSH_AGAIN;
  while ((outcome = ssh_channel_open_session(heard->channel)) == SSH_AGAIN) {
    const Wake wake = Wait(deadline);
    if (wake == Wake::kReady) continue;
    unfit = true;  // the host may still open it, and no code would close it
    ssh_channel_free(heard->channel);
    return FailedWait(ErrorKind::kUnreachable, wake, "while opening a channel");
  }
  if (outcome == SSH_OK) return heard;
  const std::string why = ssh_get_error(session.get());
  ssh_channel_free(heard->channel);
  if (!Pump()) return FailedLost(ErrorKind::kUnreachable);
  return Failed(ErrorKind::kOverloaded, "the host opens no further channel: " + why);
}

// From here on the command may have been started, unless the host denies it.
Status Session::Impl::RequestExec(Heard& heard, const std::string& command, SteadyTime deadline) {
  int outcome = SSH_AGAIN;
  while ((outcome = ssh_channel_request_exec(heard.channel, command.c_str())) == SSH_AGAIN) {
    const Wake wake = Wait(deadline);
    if (wake != Wake::kReady)
      return FailedWait(ErrorKind::kOutcomeUnknown, wake, "while starting the command");
  }
  if (outcome == SSH_OK) return {};
  const bool denied = ssh_get_error_code(session.get()) == SSH_REQUEST_DENIED;
  if (!Pump()) return FailedLost(ErrorKind::kOutcomeUnknown);
  if (denied) return Failed(ErrorKind::kRefused, "the host refuses to run commands");
  return Failed(ErrorKind::kOutcomeUnknown, ssh_get_error(session.get()));
}

Result<HeardPtr> Session::Impl::Start(const std::string& command, size_t out_limit,
                                      size_t err_limit, SteadyTime deadline) {
  if (command.empty() || command.find('\0') != std::string::npos) {
    return Failed(ErrorKind::kInvalid, "a command is not empty and has no NUL byte");
  }
  if (cancel != nullptr && cancel->IsCancelled()) {
    return FailedWait(ErrorKind::kUnreachable, Wake::kCancelled, "before the command began");
  }
  auto heard = Open(deadline);
  if (!heard) return heard;
  (*heard)->out_limit = out_limit;
  (*heard)->err_limit = err_limit;
  ++live;
  if (Status status = RequestExec(**heard, command, deadline); !status) {
    Close(std::move(*heard));
    return Fail(status.error());
  }
  return heard;
}

// Sends as much input as the host accepts now, then end of file. False when nothing could be sent.
bool Session::Impl::Feed(Heard& heard, std::string_view* input, bool* input_done) {
  if (*input_done) return false;
  if (heard.closed || heard.Ended()) {
    *input_done = true;  // the reader is gone
    return false;
  }
  if (!input->empty()) {
    const auto slice = static_cast<uint32_t>(std::min(input->size(), kWriteSlice));
    const int written = ssh_channel_write(heard.channel, input->data(), slice);
    if (written > 0) input->remove_prefix(static_cast<size_t>(written));
    if (written < 0)
      *input_done = true;  // a closed channel; the next Pump notices a lost connection
    return written > 0;
  }
  *input_done = true;
  ssh_channel_send_eof(heard.channel);
  return true;
}

Result<ExecResult> Session::Impl::RunToEnd(Heard& heard, std::string_view input,
                                           SteadyTime deadline) {
  bool input_done = false;
  bool left_running = false;
  while (true) {
    const bool connected = Pump();
    if (heard.Ended() && heard.eof) break;
    if (!connected) {
      if (heard.Ended()) break;  // the status came; only the end of the output did not
      return FailedLost(ErrorKind::kOutcomeUnknown);
    }
    if (heard.closed)
      return Failed(ErrorKind::kOutcomeUnknown, "the command ended without saying how");
    if (Feed(heard, &input, &input_done)) continue;
    const SteadyTime until =
        heard.Ended() ? std::min(deadline, heard.last_news + kGraceAfterExit) : deadline;
    const Wake wake = Wait(until);
    if (wake == Wake::kReady) continue;
    if (!heard.Ended())
      return FailedWait(ErrorKind::kOutcomeUnknown, wake, "while the command ran");
    left_running = true;
    break;
  }
  ExecResult result;
  result.exit_status = heard.exit_signal.empty() ? heard.exit_status.value_or(-1) : -1;
  result.exit_signal = heard.exit_signal;
  result.out = std::move(heard.out);
  result.err = std::move(heard.err);
  result.truncated = heard.out_truncated || heard.err_truncated;
  result.left_running = left_running;
  return result;
}

// libssh forgets a channel only when both sides have closed it, so it is kept until the host closes
// it.
void Session::Impl::Close(HeardPtr heard) {
  --live;
  if (session == nullptr) return;  // went with it
  heard->out_limit = heard->err_limit = 0;
  heard->out.clear();
  heard->err.clear();
  if (!lost) ssh_channel_close(heard->channel);
  closing.push_back(std::move(heard));
  Pump();
}

Session::Session(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Session::~Session() {
  impl_->Disconnect();
}

tl::expected<std::unique_ptr<Session>, ConnectError> Session::Connect(const SshTarget& target,
                                                                      SteadyTime deadline,
                                                                      SteadyTime login_by,
                                                                      const Cancellation* cancel,
                                                                      ConnectTrace* trace) {
  ConnectTrace untold;
  if (trace == nullptr) trace = &untold;
  *trace = {};
  const auto failed = [&](ConnectError error) {
    error.error.message = target.name + ": " + error.error.message;
    return tl::make_unexpected(std::move(error));
  };
  const auto own = ReadOwnFiles(target.known_hosts_file, target.identity_file);
  if (!own) return failed(own.error());
  const SteadyTime begun = SteadyNow();
  auto fd = Dial(target.address, target.port, deadline, cancel);
  trace->dial = SteadyNow() - begun;
  if (!fd) return failed(fd.error());
  auto handle = Handshake(target, *own, *fd, login_by, cancel, trace);
  if (!handle) return tl::make_unexpected(handle.error());
  auto impl = std::make_shared<Impl>();
  impl->name = target.name;
  impl->cancel = cancel;
  impl->session = std::move(*handle);
  impl->event = ssh_event_new();
  if (impl->event == nullptr || ssh_event_add_session(impl->event, impl->session.get()) != SSH_OK) {
    return tl::make_unexpected(ConnectError{
        ConnectFailure::kProtocol, Error{ErrorKind::kInternal, target.name + ": out of memory"}});
  }
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<ExecResult> Session::Exec(const std::string& command, std::string_view input,
                                 const ExecLimits& limits, SteadyTime deadline) {
  auto heard = impl_->Start(command, limits.max_output_bytes, limits.max_output_bytes, deadline);
  if (!heard) return Fail(heard.error());
  auto result = impl_->RunToEnd(**heard, input, deadline);
  impl_->Close(std::move(*heard));
  return result;
}

bool Session::Alive() {
  return impl_->Pump() && !impl_->unfit && impl_->closing.size() < kMaxClosing;
}

size_t Session::OpenChannels() const {
  return impl_->live + impl_->closing.size();
}

struct Channel::Impl {
  std::shared_ptr<Session::Impl> link;
  HeardPtr heard;
};

Result<std::unique_ptr<Channel>> Session::OpenChannel(const std::string& command,
                                                      SteadyTime deadline) {
  auto heard = impl_->Start(command, kMaxUnreadBytes, kMaxStderrBytes, deadline);
  if (!heard) return Fail(heard.error());
  auto channel = std::make_shared<Channel::Impl>(Channel::Impl{impl_, std::move(*heard)});
  return std::unique_ptr<Channel>(new Channel(std::move(channel)));
}

Channel::Channel(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Channel::~Channel() {
  impl_->link->Close(std::move(impl_->heard));
}

Status Channel::Write(std::string_view bytes, SteadyTime deadline) {
  Session::Impl& link = *impl_->link;
  Heard& heard = *impl_->heard;
  ErrorKind kind = ErrorKind::kUnreachable;  // until the first byte is on its way
  while (true) {
    if (!link.Pump()) return link.FailedLost(kind);
    if (heard.closed) return {};  // it may have said why before it ended
    if (bytes.empty()) {
      const int flushed = ssh_blocking_flush(link.session.get(), 0);
      if (flushed == SSH_OK) return {};
      if (flushed == SSH_ERROR) return link.Failed(kind, ssh_get_error(link.session.get()));
    } else {
      const auto slice = static_cast<uint32_t>(std::min(bytes.size(), kWriteSlice));
      const int written = ssh_channel_write(heard.channel, bytes.data(), slice);
      if (written < 0) return link.Failed(kind, ssh_get_error(link.session.get()));
      if (written > 0) {
        kind = ErrorKind::kOutcomeUnknown;
        bytes.remove_prefix(static_cast<size_t>(written));
        continue;
      }
    }
    const Wake wake = link.Wait(deadline);
    if (wake != Wake::kReady) return link.FailedWait(kind, wake, "while writing");
  }
}

Result<ReadState> Channel::Read(std::string* out, size_t max, SteadyTime deadline) {
  Session::Impl& link = *impl_->link;
  Heard& heard = *impl_->heard;
  while (true) {
    const bool connected = link.Pump();
    if (heard.out_truncated) {
      return link.Failed(ErrorKind::kOutcomeUnknown, "the command wrote more than anybody read");
    }
    if (!heard.out.empty()) {
      const size_t size = std::min(max, heard.out.size());
      out->append(heard.out, 0, size);
      heard.out.erase(0, size);
      return ReadState::kData;
    }
    if (heard.eof) return ReadState::kEof;
    if (!connected) return link.FailedLost(ErrorKind::kOutcomeUnknown);
    if (link.Wait(deadline) != Wake::kReady) return ReadState::kTimeout;
  }
}

std::string Channel::TakeStderr() {
  return std::exchange(impl_->heard->err, {});
}

std::optional<int> Channel::ExitStatus() const {
  return impl_->heard->exit_status;
}

}  // namespace mailhub::ssh
