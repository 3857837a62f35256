// See verbs.h.
#include "tests/sim/verbs.h"

#include <algorithm>

namespace mailhub::sim {

using engine::Verb;

namespace {

// Paths of the holds that the person saw and that are still open.
std::vector<std::string> SeenAndOpen(const Known& known, const engine::Run& run,
                                     const Asked& asked) {
  std::vector<std::string> paths;
  for (const OpenHold& hold : HoldsOf(run)) {
    const uint64_t event = known.hold_events.at({run.id, hold.number});
    if (std::find(asked.holds.begin(), asked.holds.end(), event) != asked.holds.end()) {
      paths.push_back(hold.path);
    }
  }
  return paths;
}

}  // namespace

Complaint JudgeVerb(const Known& known, const engine::Run& run, const engine::OperatorActed& body) {
  const Asked* request = known.AskedFor(body);
  if (request == nullptr) return std::nullopt;  // not a person's
  const Asked& asked = *request;
  const std::string verb = engine::Name(body.verb);
  const auto seen = SeenAndOpen(known, run, asked);
  switch (body.verb) {
    case Verb::kConfirm: {
      const engine::StepState* state = StateOf(run, body.path);
      if (asked.step != body.path || state == nullptr || asked.attempt != state->attempt) {
        return verb + " answered " + body.path + "; its person saw the question of " + asked.step;
      }
      if (IsHeld(run)) return verb + " was taken while its run was held";
      if (!known.MayAnswer(run, known.StepOf(run, body.path), asked.person)) {
        return asked.person.name + " answered the question of " + body.path + " and may not";
      }
      return std::nullopt;
    }
    case Verb::kRetry:
    case Verb::kSkip:
    case Verb::kResolve:
      // Without a hold: giving up a question that only hosts are asked.
      if (asked.holds.empty() && !IsHeld(run)) return std::nullopt;
      if (std::find(seen.begin(), seen.end(), body.path) == seen.end()) {
        return verb + " acted on " + (body.path.empty() ? "no step" : body.path) +
               "; its person saw another hold";
      }
      if (body.verb != Verb::kRetry && !body.path.empty()) {
        const engine::Step& step = known.StepOf(run, body.path);
        if (step.kind == engine::StepKind::kConfirm && !known.MayAnswer(run, step, asked.person)) {
          return asked.person.name + " passed over the question of " + body.path + " and may not";
        }
      }
      return std::nullopt;
    case Verb::kResume:
      if (seen.empty() && !(asked.pause > 0 && run.pause && asked.pause == run.pause->number)) {
        return verb + " went on from what its person did not see";
      }
      return std::nullopt;
    case Verb::kStart:
    case Verb::kPause:
    case Verb::kCancel:
      return std::nullopt;
  }
  return std::nullopt;
}

// A hold that was not seen stays. A cancel is about the whole run.
Complaint JudgeAnswer(const Known& known, const engine::Run& run,
                      const std::vector<OpenHold>& before, const engine::OperatorActed& body) {
  const Asked* request = known.AskedFor(body);
  if (request == nullptr || body.verb == Verb::kCancel) return std::nullopt;
  const std::vector<OpenHold> after = HoldsOf(run);
  for (const OpenHold& hold : before) {
    const bool open = std::any_of(after.begin(), after.end(),
                                  [&](const OpenHold& one) { return one.number == hold.number; });
    const auto event = known.hold_events.find({run.id, hold.number});
    const auto& seen = request->holds;
    if (open || event == known.hold_events.end() ||
        std::find(seen.begin(), seen.end(), event->second) != seen.end()) {
      continue;
    }
    return std::string(engine::Name(body.verb)) + " answered the hold of " + hold.path +
           ", which its person did not see";
  }
  return std::nullopt;
}

}  // namespace mailhub::sim
