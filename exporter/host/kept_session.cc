#include "exporter/host/kept_session.h"

#include <random>

namespace mailhub::exporter {
namespace {

// Time for a login beyond the connection's.
constexpr Milliseconds kLoginPatience{30'000};

// Whether only a person's action can help, and no early retry.
bool NeedsAPerson(ssh::ConnectFailure reason) {
  return reason == ssh::ConnectFailure::kHostKey || reason == ssh::ConnectFailure::kAuth ||
         reason == ssh::ConnectFailure::kProtocol;
}

}  // namespace

std::optional<ProbeFailure> KeptSession::Ensure(SteadyTime deadline, bool* is_new) {
  *is_new = false;
  if (session_ != nullptr) {
    if (session_->Alive()) {
      story_.how = SessionStory::How::kKept;
      return std::nullopt;
    }
    Drop();
  }
  if (const SteadyTime now = clock_.Steady(); now < not_before_) {
    story_.how = SessionStory::How::kNotTried;
    story_.next_try = not_before_ - now;
    return last_failure_;
  }
  story_ = {.how = SessionStory::How::kFailed, .since = clock_.Now()};
  auto connected =
      ssh::Session::Connect(target_, deadline, deadline + kLoginPatience, &cancel_, &story_.trace);
  if (!connected) {
    const auto& error = connected.error();
    observer_.OnConnect(Name(error.reason));
    last_failure_ = {error.reason, error.error.message};
    if (error.reason == ssh::ConnectFailure::kAuth) {
      not_before_ = clock_.Steady() + login_backoff_.Next(std::random_device{}());
    } else if (NeedsAPerson(error.reason)) {
      not_before_ = clock_.Steady() + backoff_.Next(std::random_device{}());
    }
    return last_failure_;
  }
  story_.how = SessionStory::How::kNew;
  observer_.OnConnect(kSucceeded);
  observer_.OnSessions(+1);
  backoff_.Reset();
  login_backoff_.Reset();
  session_ = std::move(*connected);
  *is_new = true;
  return std::nullopt;
}

void KeptSession::Drop() {
  if (session_ == nullptr) return;
  session_.reset();
  observer_.OnSessions(-1);
}

}  // namespace mailhub::exporter
