// See host_link.h.
#include "actuator/remote/host_link.h"

#include <algorithm>
#include <random>
#include <utility>

#include "actuator/remote/runner_place.h"
#include "actuator/remote/runner_script.h"
#include "lib/base/log.h"
#include "lib/ssh/one_line.h"

namespace mailhub::remote {
namespace {

using engine::RemoteReply;
using engine::RemoteVerb;

constexpr size_t kPiece = 8192;

RemoteReply Failed(ErrorKind kind, std::string message) {
  RemoteReply reply;
  reply.receipt = Fail(kind, std::move(message));
  return reply;
}

bool IsTooLate(const engine::RemoteRequest& request, SteadyTime now) {
  return request.begin_before && now >= *request.begin_before;
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

// The result of one exchange. Without a reply, `failure` says whether the request was sent.
struct HostLink::Answer {
  std::optional<RemoteReply> reply;
  Error failure;
  bool no_runner = false;   // the channel ended without output: the script may be missing
  bool never_sent = false;  // nothing can have happened
  bool session_lost = false;
  bool too_late = false;  // not sent: the request may not begin any more
};

HostLink::HostLink(std::string host, LinkOptions options, const ssh::Cancellation* cancel)
    : host_(std::move(host)),
      options_(std::move(options)),
      cancel_(cancel),
      backoff_(options_.first_pause, options_.longest_pause),
      login_backoff_(options_.first_login_pause, options_.longest_login_pause) {}

HostLink::~HostLink() = default;

Milliseconds HostLink::Patience(const engine::RemoteRequest& request) const {
  switch (request.verb) {
    case RemoteVerb::kRun:
      return options_.exchange_timeout + options_.run_wait;
    case RemoteVerb::kLaunch:  // the runner waits up to 10 s for the job to claim its key
      return options_.exchange_timeout + Milliseconds(10'000);
    case RemoteVerb::kCancel:
      return options_.exchange_timeout + options_.cancel_grace;
    default:
      return options_.exchange_timeout;
  }
}

RemoteReply HostLink::Ask(const engine::RemoteRequest& request, const Identity& identity,
                          bool takeover, const ssh::SshTarget& target, config::RunnerForm form) {
  remote::Exchange exchange;
  exchange.nonce = RandomHex(64);
  exchange.takeover = takeover;
  if (request.verb == RemoteVerb::kRun) exchange.wait = options_.run_wait;
  if (request.verb == RemoteVerb::kCancel) exchange.grace = options_.cancel_grace;
  if (const auto text = EncodeRequest(request, identity, exchange); !text) {
    return Failed(text.error().kind, host_ + ": " + text.error().message);
  }

  const std::string too_late =
      host_ + ": not sent: it was decided too long ago, and the host could not be asked in time";
  if (IsTooLate(request, clock_.Steady())) return Failed(ErrorKind::kUnreachable, too_late);
  if (session_ && (!session_->Alive() || target != target_ || form != form_)) {
    session_.reset();
  }
  form_ = form;
  // A second try only if the first certainly did not reach a runner: the session was dead or full,
  // or the script was gone. Keys make even an error in that harmless.
  for (int tries = 0;; ++tries) {
    const bool kept = session_ != nullptr;
    if (!kept) {
      if (const Status connected = Connect(target); !connected) {
        return Failed(connected.error().kind, connected.error().message);
      }
    }
    Answer answer = Exchange(request, identity, exchange);
    if (answer.session_lost) session_.reset();
    if (answer.too_late) return Failed(ErrorKind::kUnreachable, too_late);
    if (answer.reply) {
      TellOfLease(*answer.reply);
      return std::move(*answer.reply);
    }
    const bool again =
        tries == 0 && !cancel_->IsCancelled() && ((answer.never_sent && kept) || answer.no_runner);
    if (!again) return Failed(answer.failure.kind, answer.failure.message);
    session_.reset();
  }
}

// Logs the host's note about an armed dead man: no action is needed.
void HostLink::TellOfLease(const RemoteReply& reply) {
  if (!reply.receipt || reply.lease != engine::LeaseState::kArmed) return;
  if (reply.lease_detail == said_of_lease_) return;
  said_of_lease_ = reply.lease_detail;
  if (!said_of_lease_.empty()) {
    LogWarn("a dead man is armed, but", {{"host", host_}, {"detail", said_of_lease_}});
  }
}

Status HostLink::Connect(const ssh::SshTarget& target) {
  if (clock_.Steady() < pause_until_ && target == target_) return Fail(last_failure_);
  target_ = target;
  Status done;
  const SteadyTime connect_by = clock_.Steady() + options_.connect_timeout;
  auto session =
      ssh::Session::Connect(target, connect_by, connect_by + options_.login_timeout, cancel_);
  bool login_failed = false;
  if (session) {
    session_ = std::move(*session);
    if (form_ == config::RunnerForm::kUploaded) done = PutRunner();
    if (!done) session_.reset();
  } else {
    done = Fail(session.error().error);
    login_failed = session.error().reason == ssh::ConnectFailure::kAuth;
  }
  if (done) {
    backoff_.Reset();
    login_backoff_.Reset();
    pause_until_ = {};
    return done;
  }
  last_failure_ = done.error();
  Backoff& backoff = login_failed ? login_backoff_ : backoff_;
  pause_until_ = clock_.Steady() + backoff.Next(std::random_device{}());
  LogWarn("cannot reach a host's runner",
          {{"host", host_}, {"kind", Name(last_failure_.kind)}, {"error", last_failure_.message}});
  return done;
}

// Ensures that the host has this program's runner, complete, and that only the account can change
// it. If that is impossible a person must look; other failures, like a full disk, may pass.
Status HostLink::PutRunner() {
  const std::string here = "mailhub-runner-is-here\n";
  const std::string may_not = "mailhub-runner-may-not: ";
  const std::string look =
      std::string(StrictScript()) + "umask 077; d=" + options_.directory +
      "; f=" + RunnerPath(options_) + "\nno() { echo \"" + may_not + "$1\"; exit; }\n" +
      "same() { [ \"$(sha256sum <\"$1\" 2>/dev/null)\" = \"" + RunnerDigest() + "  -\" ]; }\n" +
      "may() { strict \"$d\" && return; [ -n \"$strict_unseen\" ] || no \"$strict_problem\"\n" +
      "echo \"$strict_problem\" >&2; exit; }\n" + "[ ! -e \"$d\" ] || may\n";
  const std::string found =
      "command -v sha256sum >/dev/null || no \"there is no sha256sum\"\n"
      "same \"$f\" && echo mailhub-runner-is-here";
  const std::string put =
      "p=$d/bin; until [ -e \"$p\" ]; do p=${p%/*}; done\n"
      "[ -w \"$p\" ] || no \"$(id -un) may not write to $p\"\n"
      "mkdir -p \"$d/bin\" || exit; may\n"
      "n=$f.new.$$; chmod 700 \"$d\" && cat >\"$n\" && same \"$n\" && sync \"$n\" && mv -f \"$n\" "
      "\"$f\" && "
      "sync \"$d/bin\" && echo mailhub-runner-is-here || rm -f \"$n\"";
  const SteadyTime deadline = clock_.Steady() + options_.exchange_timeout;
  std::string complaint;
  for (const bool upload : {false, true}) {
    const auto done = session_->Exec(ssh::OneLine("exec sh", look + (upload ? put : found)),
                                     upload ? RunnerScript() : std::string_view(), {}, deadline);
    if (!done) {
      // The script was perhaps uploaded, but no request has been sent yet.
      const bool refused = done.error().kind == ErrorKind::kRefused;
      return Fail(refused ? ErrorKind::kRefused : ErrorKind::kUnreachable, done.error().message);
    }
    if (done->out.find(here) != std::string::npos) {
      if (upload) LogInfo("runner installed", {{"host", host_}, {"path", RunnerPath(options_)}});
      return {};
    }
    const size_t at = done->out.find(may_not);
    if (at != std::string::npos) {
      return Fail(ErrorKind::kRefused,
                  host_ + ": the runner cannot be put into " + options_.directory +
                      "/bin: " + FirstLine(done->out.substr(at + may_not.size())));
    }
    complaint = FirstLine(done->err);
  }
  return Fail(ErrorKind::kUnreachable, host_ + ": the runner cannot be put into " +
                                           options_.directory + "/bin: " + complaint);
}

HostLink::Answer HostLink::Exchange(const engine::RemoteRequest& request, const Identity& identity,
                                    remote::Exchange exchange) {
  const SteadyTime deadline = clock_.Steady() + Patience(request);
  Answer answer;
  const auto lost = [&](const Error& error, bool sent) {
    answer.session_lost = true;
    answer.never_sent = !sent;
    const ErrorKind kind = sent                                ? ErrorKind::kOutcomeUnknown
                           : error.kind == ErrorKind::kRefused ? ErrorKind::kRefused
                                                               : ErrorKind::kUnreachable;
    answer.failure = Error{kind, error.message};
  };
  auto channel = session_->OpenChannel(RunnerCommand(options_, form_), deadline);
  if (!channel) {
    // The runner may have started, but it has no request.
    lost(channel.error(), false);
    return answer;
  }
  // The last chance to hold back the request: queueing and connecting are over. Without a request
  // the runner ends and does nothing.
  const SteadyTime now = clock_.Steady();
  if (IsTooLate(request, now)) {
    answer.too_late = true;
    return answer;
  }
  // From here on the runner counts the time: its process exists, so it began to count before now.
  if (request.begin_before) {
    exchange.within = std::chrono::ceil<Milliseconds>(*request.begin_before - now);
  }
  const Result<std::string> text = EncodeRequest(request, identity, exchange);
  const SteadyTime write_by = std::min(deadline, request.begin_before.value_or(deadline));
  if (const Status written = (*channel)->Write(*text, write_by); !written) {
    lost(written.error(), true);
    return answer;
  }
  ReplyReader reader(exchange.nonce, ToBeTold(request.verb, exchange.takeover));
  while (true) {
    std::string bytes;
    const Result<ssh::ReadState> state = (*channel)->Read(&bytes, kPiece, deadline);
    if (!state) {
      lost(state.error(), true);
      return answer;
    }
    if (*state == ssh::ReadState::kTimeout) {
      lost(Error{ErrorKind::kOutcomeUnknown, host_ + ": no answer from the runner in time"}, true);
      return answer;
    }
    if (*state == ssh::ReadState::kData && reader.Feed(bytes)) {
      answer.reply = reader.Take(host_);
      return answer;
    }
    if (*state == ssh::ReadState::kEof) {
      lost(Error{ErrorKind::kOutcomeUnknown, host_ + ": the runner ended without an answer: " +
                                                 FirstLine((*channel)->TakeStderr())},
           true);
      answer.no_runner = !reader.Begun();
      return answer;
    }
  }
}

}  // namespace mailhub::remote
