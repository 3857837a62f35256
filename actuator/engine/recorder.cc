// See recorder.h.
#include "actuator/engine/recorder.h"

#include <utility>

#include "actuator/engine/require.h"

namespace mailhub::engine {

Recorder::Recorder(const EngineClock* clock, std::function<void(const Event&)> fold)
    : clock_(clock), fold_(std::move(fold)) {}

void Recorder::Replay(const Event& event) {
  Require(event.seq >= next_seq_, "journal events come in their order");
  next_seq_ = event.seq + 1;
  fold_(event);
}

void Recorder::Emit(const std::string& run, EventBody body) {
  Event event{next_seq_++, clock_->wall(), run, std::move(body)};
  fold_(event);
  out_.events.push_back(std::move(event));
}

EffectId Recorder::Ask(Question question, const std::string& run) {
  const EffectId id = NextId();
  asked_[id] = run;
  out_.effects.push_back({id, std::move(question)});
  return id;
}

std::optional<std::string> Recorder::TakeAsker(EffectId id) {
  auto asked = asked_.extract(id);
  if (asked.empty()) return std::nullopt;
  return std::move(asked.mapped());
}

Output Recorder::Take() {
  return std::exchange(out_, Output());
}

}  // namespace mailhub::engine
