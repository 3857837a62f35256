// See preparation.h.
#include "actuator/engine/preparation.h"

#include <algorithm>

#include "actuator/engine/no_answer.h"
#include "actuator/engine/sentences.h"

namespace mailhub::engine {
namespace {

// How long a step's host may be away, or its dead man unconfirmed, before the step fails without
// having begun: as long as all its attempts may take.
Milliseconds Patience(const Step& step) {
  return step.timeout * step.attempts + step.retry_delay * (step.attempts - 1);
}

}  // namespace

bool Unheard(const Run& run, const std::string& host) {
  return std::any_of(run.restored.begin(), run.restored.end(),
                     [&](const auto& entry) { return entry.second.host == host; });
}

Preparation::Preparation(const Context* context, const Run* run, Directories* directories,
                         Leases* leases, const PassedOver* passed_over)
    : context_(*context),
      run_(*run),
      directories_(*directories),
      leases_(*leases),
      passed_over_(*passed_over) {}

void Preparation::Reset() {
  state_ = {};
}

void Preparation::NotBefore(SteadyTime at) {
  if (!state_.due) state_.due = at;
}

std::string Preparation::WhyNot(const Step& step) const {
  return Say<WaitsFor::kNotBegun>(state_.trouble.empty() ? NoAnswer(step.host) : state_.trouble);
}

Readiness Preparation::Work(const Step& step) {
  const EngineClock& clock = *context_.clock;
  const bool waits = context_.mode->Active() && !run_.pause;
  if (!waits) state_.deadline.reset();  // no host is awaited now
  if (state_.effect != 0) {
    return clock.Passed(state_.deadline) ? Readiness::kTimedOut : Readiness::kWaits;
  }
  if (!clock.Due(state_.due)) return Readiness::kWaits;
  if (waits && !state_.deadline) state_.deadline = clock.Attended(Patience(step));
  if (MayBegin(step) && (!step.RunsCommand() || HostIsReady(step))) return Readiness::kReady;
  const bool in_vain =
      state_.effect == 0 && !state_.trouble.empty() && clock.Passed(state_.deadline);
  return in_vain ? Readiness::kTimedOut : Readiness::kWaits;
}

bool Preparation::MayBegin(const Step& step) {
  const auto wait = [&](std::string why) {
    state_.trouble = std::move(why);
    return false;
  };
  if (!context_.mode->Active()) return wait(Say<WaitsFor::kMode>(Name(context_.mode->mode)));
  if (run_.pause) return wait(Say<WaitsFor::kPause>(run_.pause->by));
  if (std::string stop = passed_over_.StopBefore(step); !stop.empty()) return wait(std::move(stop));
  if (const Guard guard = leases_.GuardOf(step); !guard.until) return wait(guard.Why());
  return true;
}

// Its receipts directory is known, no passed-over command can still begin there, and its dead man
// is armed.
bool Preparation::HostIsReady(const Step& step) {
  const auto directory = directories_.find(step.host);
  if (directory == directories_.end()) {
    if (context_.clock->Passed(state_.deadline) && !state_.trouble.empty()) return false;
    RemoteRequest request;
    request.verb = RemoteVerb::kHello;
    request.host = step.host;
    state_.effect = context_.recorder->Ask(std::move(request), run_.id);
    return false;
  }
  if (std::string wait = context_.others->PassedOverOn(step.host); !wait.empty()) {
    state_.trouble = std::move(wait);
    return false;
  }
  if (Unheard(run_, step.host)) {
    state_.trouble = Say<WaitsFor::kActKnown>(step.host);
    return false;
  }
  if (step.dead_man && !run_.leases.contains(step.path)) {
    leases_.Arm(step, directory->second);
    return false;
  }
  return true;
}

std::optional<Readiness> Preparation::Hear(const Step& step, const RemoteDone& done) {
  if (state_.effect != done.id) return std::nullopt;
  state_.effect = 0;
  if (done.reply.receipt) {
    const auto recorded = run_.directories.find(step.host);
    if (recorded != run_.directories.end() && recorded->second != done.reply.directory_id) {
      leases_.Doubt(step.host);
    }
    directories_[step.host] = done.reply.directory_id;
    state_.trouble.clear();
    return Readiness::kWaits;
  }
  const Error& error = done.reply.receipt.error();
  state_.trouble = error.message;
  state_.due = context_.clock->In(context_.config->remote_retry);
  return IsRefusal(error) ? Readiness::kRefused : Readiness::kWaits;
}

}  // namespace mailhub::engine
