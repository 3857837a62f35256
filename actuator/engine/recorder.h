// The engine's output: records and folds each event at once, and numbers each question so that the
// answer reaches the run that asked.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "actuator/engine/engine_clock.h"
#include "actuator/engine/output.h"

namespace mailhub::engine {

class Recorder {
 public:
  // `clock` must outlive it. `fold` applies an event to the engine's state.
  Recorder(const EngineClock* clock, std::function<void(const Event&)> fold);

  // An event that the journal already has. Events may be left out; their order must not change.
  void Replay(const Event& event);
  // `run` is empty if the event is not about a run.
  void Emit(const std::string& run, EventBody body);
  EffectId Ask(Question question, const std::string& run);
  // A number for a question outside the numbered effects.
  EffectId NextId() { return next_effect_++; }
  // The run that asked. Nothing: no answer with that number is awaited, or it has arrived before.
  std::optional<std::string> TakeAsker(EffectId id);
  // The answer for the input's sender.
  void Answer(Result<std::string> answer) { out_.answer = std::move(answer); }
  size_t Recorded() const { return out_.events.size(); }  // since the last Take()
  Output Take();

 private:
  const EngineClock* clock_;
  std::function<void(const Event&)> fold_;
  uint64_t next_seq_ = 1;
  EffectId next_effect_ = 1;
  std::map<EffectId, std::string> asked_;  // effect -> run
  Output out_;
};

}  // namespace mailhub::engine
