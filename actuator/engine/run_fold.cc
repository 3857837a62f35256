// Folds each kind of event into a run.
#include <algorithm>

#include "actuator/engine/run.h"

namespace mailhub::engine {
namespace {

bool Contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

// Every kind about a run has an overload, so a new one cannot be forgotten.
struct Fold {
  Run& run;
  uint64_t seq;
  WallTime at;

  void operator()(const AboutNoRun auto&) {}
  void operator()(const RunQueued& body) {
    run.seq = seq;
    run.queued = body;
    run.queued_at = at;
    run.FindPlaces();
  }
  void operator()(const RunStarted&) {
    run.stage = Stage::kActive;
    run.started_at = at;
  }
  void operator()(const RunDropped& body) {
    run.seq = seq;
    run.stage = Stage::kFinished;
    run.finished_at = at;
    run.result = RunResult::kDropped;
    run.result_detail = body.why;
    run.swept = true;
  }
  void operator()(const StepStarted& body) {
    StepState& step = run.steps[body.path];
    step.attempt = body.attempt;
    step.settled = false;
    step.approved = step.again = step.restored = false;
    step.restore_exit.reset();
    step.receipts_lost = step.ended_late = false;
    step.receipt = {};
    step.directory_id = body.directory_id;
    if (!body.directory_id.empty()) run.directories[run.Find(body.path)->host] = body.directory_id;
    if (!step.started) step.started = at;
    step.since = at;
    NoteUnderWay(body.path);
  }
  void operator()(const StepSettled& body) {
    StepState& step = run.steps[body.path];
    step.settled = true;
    step.ended_late = step.result.has_value();
    NoteUnderWay(body.path);
    step.receipt = body.receipt;
    step.receipts_lost = body.receipts_lost;
    step.worked = !body.receipts_lost && body.receipt.state == ReceiptState::kFinished &&
                  Contains(run.Find(body.path)->success, body.receipt.exit_status);
    step.voids = body.receipt.state == ReceiptState::kVoid ? step.voids + 1 : 0;
    step.since = at;
    if (step.Succeeded() && !step.again) step.approved = false;  // it succeeded after all
    // A cancelled run waited only for this.
    if (run.cancelling) DropHolds(body.path, HoldReason::kTimedOut);
    // The question about a command left running is answered by its end.
    DropHolds(body.path, HoldReason::kStillStopped);
    if (step.ended_late) LetBringBack(body.path);
  }
  void operator()(const StepDone& body) {
    StepState& step = run.steps[body.path];
    step.result = body.result;
    step.took = body.took;
    step.detail = body.detail;
    NoteUnderWay(body.path);
    const std::vector<Step>& steps = run.plan().steps;
    while (run.next_ < steps.size() && run.HasResult(steps[run.next_].path)) ++run.next_;
    Return();
  }
  void operator()(const DeadManArmed& body) {
    run.leases[body.path] = {body.host, body.after, body.directory_id,
                             ++run.generations[body.path]};
    run.directories[body.host] = body.directory_id;
    // A command whose intent was recorded before the last dead man acted may begin under this
    // lease.
    const auto step = run.steps.find(body.path);
    if (step == run.steps.end()) return;
    step->second.restored = false;
    step->second.restore_exit.reset();
  }
  void operator()(const DeadManDisarmed& body) {
    TakeOut(body.path, body.generation);
    NoteRestoring(body.path, body.generation, body.exit_status);
  }
  void operator()(const DeadManRestored& body) {
    if (auto lease = TakeOut(body.path, body.generation)) run.restored[body.path] = *lease;
    run.steps[body.path].restored = true;
    NoteRestoring(body.path, body.generation, body.exit_status);
  }
  void operator()(const RunHeld& body) {
    if (body.reason == HoldReason::kLeaseLost) GiveUp(body.path);
    run.holds.push_back({++run.holds_so_far, body.path, body.reason, body.detail, at});
  }
  void operator()(const OperatorActed& body) {
    const std::optional<Hold> answered = Answer(body);
    StepState* step = body.path.empty() ? nullptr : &run.steps[body.path];
    switch (body.verb) {
      case Verb::kPause:
        run.pause = Pause{++run.pauses_so_far, body.by, body.detail, at};
        break;
      case Verb::kResume:
        if (body.hold <= kNoHold && run.pause) {
          run.resumed_by[run.pause->number] = body.by;
          run.pause.reset();
        }
        if (step == nullptr) break;
        step->since = at;
        AskAgain(body.path);
        break;
      case Verb::kRetry:
        if (answered && answered->reason == HoldReason::kStillStopped) {
          if (const AlwaysStep* owed = run.BringsBack(body.path)) DoAgain(owed->step.path);
          step->since = at;
        } else if (step != nullptr && !(answered && OnlyAsksOn(*answered))) {
          if (answered && IsAboutLease(answered->reason)) LookAgainAfter(body.path);
          const bool worked = step->settled && step->Succeeded();
          DoAgain(body.path);
          // It has succeeded, which a person could not know at the hold.
          const bool again = run.IsToBeRepeated(body.path);
          if (answered && answered->reason == HoldReason::kTimedOut && worked && !again) {
            step->approved = false;
          }
          if (answered && IsAboutLease(answered->reason)) {
            Repeat(step);
            BringBackAgain(body.path);
          }
        }
        break;
      case Verb::kCancel:
        run.cancelling = true;
        run.cancelled_by =
            "cancelled by " + body.by + (body.detail.empty() ? "" : ": " + body.detail);
        run.pause.reset();
        // A person's cancel answers every hold: it is always a way out. A cancel by the end of an
        // alert leaves holds about acted dead men to people.
        std::erase_if(run.holds, [&](const Hold& hold) {
          if (body.hold != kAllHolds && IsAboutLease(hold.reason)) return false;
          run.answers[hold.number] = {body.verb, body.by};
          return true;
        });
        if (step != nullptr) step->since = at;  // settled first, so its time-out starts anew
        break;
      case Verb::kSkip:
      case Verb::kResolve:
        if (answered && answered->reason == HoldReason::kDeadManRestored) AskAnew();
        if (answered && answered->reason == HoldReason::kStillStopped) {
          run.released.insert(answered->path);
          // Its dead man restarts what its command may still stop.
          if (run.passed_over.contains(answered->path)) GiveUp(answered->path);
        } else if (answered && OnlyAsksOn(*answered)) {
          GiveUp(answered->path);
        }
        break;
      case Verb::kStart:
      case Verb::kConfirm:
        break;
    }
  }
  void operator()(const RunEnding& body) {
    run.stage = Stage::kEnding;
    run.cancelling = false;
    run.result = body.result;
    run.result_detail = body.detail;
  }
  void operator()(const RunFinished& body) {
    run.seq = seq;
    run.stage = Stage::kFinished;
    run.finished_at = at;
    run.result = body.result;
    run.result_detail = body.detail;
    if (body.worked) run.worked = *body.worked;
    run.holds.clear();
    run.pause.reset();
    run.swept = run.TouchedHosts().empty();
  }
  void operator()(const RunSwept&) { run.swept = true; }

  // Removes the hold that the verb answers from the run.
  std::optional<Hold> Answer(const OperatorActed& body) {
    const bool of_a_hold =
        body.verb != Verb::kPause && body.verb != Verb::kConfirm && body.verb != Verb::kCancel;
    if (body.hold == kAllHolds && of_a_hold) run.holds.clear();
    const Hold* hold = run.FindHold(body.hold);
    if (hold == nullptr) return std::nullopt;
    const Hold answered = *hold;
    run.answers[answered.number] = {body.verb, body.by};
    std::erase_if(run.holds, [&](const Hold& one) { return one.number == answered.number; });
    // The current step had to wait for this, wherever the hold was.
    const Step* current = run.holds.empty() ? run.Current() : nullptr;
    const auto waited = current == nullptr ? run.steps.end() : run.steps.find(current->path);
    if (waited != run.steps.end()) waited->second.since = at;
    return answered;
  }
  // A lease that was armed again has the same path. For generation 0 the known one comes first.
  std::optional<Lease> TakeOut(const std::string& path, int generation) {
    for (auto* known : {&run.leases, &run.restored}) {
      const auto found = known->find(path);
      if (found == known->end() || (generation != 0 && found->second.generation != generation)) {
        continue;
      }
      return known->extract(found).mapped();
    }
    const auto lost = generation != 0 ? run.given_up.find({path, generation})
                                      : run.given_up.lower_bound({path, 0});
    if (lost == run.given_up.end() || lost->first.first != path) return std::nullopt;
    return run.given_up.extract(lost).mapped();
  }
  void DropHolds(const std::string& path, HoldReason reason) {
    std::erase_if(run.holds,
                  [&](const Hold& hold) { return hold.path == path && hold.reason == reason; });
  }
  // The restart could not begin before the end of the stop, and a hold says so.
  void LetBringBack(const std::string& path) {
    for (const Step* restoring : run.Restoring(path)) {
      const auto state = run.steps.find(restoring->path);
      const bool begun = state != run.steps.end() && state->second.attempt > 0;
      if (restoring->path == path || (begun && !state->second.settled)) continue;
      DropHolds(restoring->path, HoldReason::kTimedOut);
    }
  }
  // An act of an earlier arming says nothing about later stops.
  void NoteRestoring(const std::string& path, int generation, std::optional<int> exit_status) {
    const auto step = run.steps.find(path);
    if (step == run.steps.end() || !step->second.restored || !exit_status) return;
    if (generation != run.generations[path]) return;
    step->second.restore_exit = exit_status;
    if (exit_status == 0) DropHolds(path, HoldReason::kStillStopped);  // the service is back
  }
  // It is unknown whether the host's dead man is gone, so no event says that it is.
  void GiveUp(const std::string& path) {
    if (const auto lease = TakeOut(path, 0)) run.given_up[{path, lease->generation}] = *lease;
  }
  // Its receipts may have come back, so the host is asked for them before anything is repeated.
  void AskAgain(const std::string& path) {
    StepState& step = run.steps[path];
    if (step.receipts_lost && !step.result) step.settled = false;
    NoteUnderWay(path);
  }
  void NoteUnderWay(const std::string& path) {
    const Step* step = run.Find(path);
    if (step == nullptr) return;
    const StepState& state = run.steps[path];
    const bool acts = step->kind == StepKind::kRun || step->kind == StepKind::kJob;
    const bool unsettled = acts && state.attempt > 0 && !state.settled;
    const auto put = [](auto* set, const auto& what, bool in) {
      if (in) {
        set->insert(what);
      } else {
        set->erase(what);
      }
    };
    put(&run.passed_over, path, unsettled && state.result);
    const auto& [always, index] = run.places_.at(path);
    if (!always) put(&run.under_way_, index, unsettled && !state.result);
  }
  // A retry asks the host again; a skip continues without the dead man.
  bool OnlyAsksOn(const Hold& hold) const {
    return hold.reason == HoldReason::kHostAway ||
           (hold.reason == HoldReason::kRefused && run.IsAboutDeadMan(hold));
  }
  // The time-out starts anew for the step to which the run returns after an earlier one was
  // repeated.
  void Return() {
    const Step* current = run.Current();
    const auto state = current == nullptr ? run.steps.end() : run.steps.find(current->path);
    if (state != run.steps.end() && state->second.attempt > 0) state->second.since = at;
  }
  // The steps that restart what the step stops, perhaps done before: they must be done again after
  // it.
  void BringBackAgain(const std::string& path) {
    for (const Step* restoring : run.Restoring(path)) {
      const auto state = run.steps.find(restoring->path);
      if (state == run.steps.end() || state->second.attempt == 0) continue;
      if (restoring->path == path) continue;  // it restarts by itself what it stops
      DoAgain(restoring->path);
      Repeat(&state->second);
    }
  }
  // Observations and answers since the run's last command are out of date. That command has already
  // used earlier ones.
  void LookAgainAfter(const std::string& path) {
    const auto place = run.places_.find(path);
    if (place == run.places_.end() || place->second.always) return;
    for (size_t i = run.next_; i-- > place->second.index + 1;) {
      const Step& step = run.plan().steps[i];
      const bool question = step.kind == StepKind::kConfirm;
      const bool look = step.kind == StepKind::kWaitFor || step.kind == StepKind::kCheck;
      StepState& state = run.steps[step.path];
      if (!question && !look && state.attempt > 0) return;
      if ((!question && !look) || state.result != StepResult::kDone) continue;
      state.result.reset();
      state.again = question;
      state.since = at;
    }
  }
  void Repeat(StepState* step) const {
    step->again = true;
    step->holds_before = run.holds_so_far;
  }
  // The step's last attempt, if there was one, is settled first.
  void DoAgain(const std::string& path) {
    StepState& step = run.steps[path];
    AskAgain(path);
    step.since = at;
    step.approved = step.attempt > 0;
    step.first_attempt = step.attempt + 1;
    step.voids = 0;
    step.result.reset();
    NoteUnderWay(path);
    const auto place = run.places_.find(path);
    if (place == run.places_.end() || place->second.always) return;
    run.next_ = std::min(run.next_, place->second.index);
    AskAnew();
  }
  // An open question is out of date.
  void AskAnew() {
    for (const Step& step : run.plan().steps) {
      const auto state = run.steps.find(step.path);
      const bool asked = step.kind == StepKind::kConfirm && state != run.steps.end() &&
                         state->second.attempt > 0 && !state->second.result;
      if (asked) state->second.again = true;
    }
  }
};

void Run::Apply(const Event& event) {
  std::visit(Fold{*this, event.seq, event.at}, event.body);
}

}  // namespace mailhub::engine
