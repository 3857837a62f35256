// See gate_wait.h.
#include "actuator/engine/gate_wait.h"

#include <algorithm>

#include "actuator/engine/no_answer.h"

namespace mailhub::engine {
namespace {

std::string Describe(const GateReading& reading) {
  std::string text = Name(reading.state);
  if (!reading.why.empty()) text += ": " + reading.why;
  return text;
}

}  // namespace

GateWait::GateWait(const Context* context, const Run* run) : context_(*context), run_(*run) {}

void GateWait::Reset() {
  state_ = {};
}

GateVerdict GateWait::Work(const Step& step) {
  const EngineClock& clock = *context_.clock;
  const Gate& gate = *step.gate;
  const bool waits = state_.effect != 0 || !state_.mark_effects.empty();
  const bool time_to_ask = clock.Due(state_.due);
  if ((waits || (state_.asked && time_to_ask)) && clock.Passed(state_.deadline)) {
    return GateVerdict::kTimedOut;
  }
  if (state_.effect != 0 || !time_to_ask) return GateVerdict::kWaits;
  if (!state_.began) {
    state_.began = clock.steady();
    // The marks are new, so evidence from after them needs its time.
    const Milliseconds reach = gate.window + gate.hold_for;
    state_.deadline =
        clock.Deadline(run_.steps.at(step.path).since, gate.timeout, reach * 2 + kLeastLook);
    state_.asked = false;
  }
  for (const std::string& host : gate.about) {
    if (state_.marks.contains(host) || state_.mark_effects.contains(host)) continue;
    RemoteRequest request;
    request.verb = RemoteVerb::kHello;
    request.host = host;
    state_.mark_effects[host] = context_.recorder->Ask(std::move(request), run_.id);
  }
  if (!state_.mark_effects.empty()) return GateVerdict::kWaits;
  GateQuestion question{gate, state_.marks, clock.steady() - *state_.began};
  state_.effect = context_.recorder->Ask(std::move(question), run_.id);
  return GateVerdict::kWaits;
}

std::optional<GateVerdict> GateWait::Hear(const RemoteDone& done) {
  const auto asked = std::find_if(state_.mark_effects.begin(), state_.mark_effects.end(),
                                  [&](const auto& entry) { return entry.second == done.id; });
  if (asked == state_.mark_effects.end()) return std::nullopt;
  const std::string host = asked->first;
  state_.mark_effects.erase(asked);
  if (done.reply.receipt) {
    state_.marks[host] = done.reply.mark;
    state_.trouble.clear();
    return GateVerdict::kWaits;
  }
  const Error& error = done.reply.receipt.error();
  state_.asked = true;
  state_.trouble = host + ": " + error.message;
  state_.due = context_.clock->In(context_.config->remote_retry);
  return IsRefusal(error) ? GateVerdict::kRefused : GateVerdict::kWaits;
}

std::optional<GateVerdict> GateWait::Hear(const GateDone& done) {
  if (state_.effect != done.id) return std::nullopt;
  state_.effect = 0;
  state_.reading = done.reading;
  // Opens only after a person's answer, if the condition still holds then.
  if (!run_.holds.empty()) return GateVerdict::kWaits;
  state_.asked = true;
  state_.due = context_.clock->In(context_.config->poll_gate);
  state_.trouble.clear();
  switch (done.reading.state) {
    case GateState::kOpen:
      return GateVerdict::kOpen;
    case GateState::kInvalid:
      return GateVerdict::kInvalid;
    case GateState::kRebooted:
      // The reboot may have undone the action; the condition itself tells, with evidence from after
      // it.
      state_.marks.clear();
      return GateVerdict::kWaits;
    case GateState::kUnreachable:
      state_.due = context_.clock->In(context_.config->remote_retry);
      state_.trouble = Describe(done.reading);
      return GateVerdict::kWaits;
    case GateState::kFalse:
    case GateState::kStale:
      return GateVerdict::kWaits;
  }
  return GateVerdict::kWaits;
}

std::string GateWait::Detail() const {
  if (state_.reading) return Describe(*state_.reading);
  if (!state_.trouble.empty()) return state_.trouble;
  return NoAnswer(state_.mark_effects.empty() ? "Prometheus" : state_.mark_effects.begin()->first);
}

}  // namespace mailhub::engine
