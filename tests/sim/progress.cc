// See progress.h.
#include "tests/sim/progress.h"

#include <algorithm>

#include "tests/sim/engine_seams.h"

namespace mailhub::sim {

using engine::HoldReason;
using engine::Run;
using engine::Stage;

namespace {

// Time for a run to end, or to start, without an obstacle of its own.
constexpr int64_t kToEndMs = 900'000;
// Time for a run's end before its hosts' alerts must no longer be silenced.
constexpr int64_t kSilentEndMs = 600'000;
// Beyond a step's time: requests on their way, pauses between questions.
constexpr int64_t kSlackMs = 300'000;
// A deadline may be found this much too early per interruption.
constexpr int64_t kClockMs = 3000;
// A pending commit counts as work, because the next event only gives the time of its decision.
constexpr int64_t kEstimateSlackMs = 1'500'000;

bool AsksAPerson(const Run& run) {
  return IsHeld(run) || run.pause || run.AtQuestion();
}

bool IsNotBegun(const engine::RunHeld& body) {
  return body.reason == HoldReason::kTimedOut && body.detail.starts_with("not begun");
}

bool Shares(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& lock) {
    return std::find(b.begin(), b.end(), lock) != b.end();
  });
}

}  // namespace

Complaint Progress::Pass() {
  const int64_t passed_ms = known_->now_ms - last_ms_;
  last_ms_ = known_->now_ms;
  if (passed_ms == 0) return std::nullopt;
  const bool active = up_ && known_->mode == engine::Mode::kActive;
  if (up_) watched_.up_ms += passed_ms;
  if (active) watched_.active_ms += passed_ms;
  for (const std::string& id : known_->unfinished) {
    const Run& run = known_->runs.at(id);
    Since& since = since_[id];
    if (auto broken = JudgeQuestion(run, since)) return broken;
    const bool waits = run.stage == Stage::kQueued && (IsBlocked(run) || starts_->MustWait(run));
    if (AsksAPerson(run) || waits) {
      since.progress = watched_;
      if (run.started_at) since.asked_ms += passed_ms;
      continue;
    }
    if (run.started_at) since.working_ms += passed_ms;
    if (!active) continue;
    if (auto broken = Judge(run, since)) return broken;
  }
  return std::nullopt;
}

// An older unfinished run that needs one of its locks.
bool Progress::IsBlocked(const Run& run) const {
  const auto& locks = known_->PlanOf(run).locks;
  return std::any_of(known_->unfinished.begin(), known_->unfinished.end(), [&](const auto& id) {
    return id != run.id && Shares(locks, known_->PlanOf(known_->runs.at(id)).locks);
  });
}

Complaint Progress::Judge(const Run& run, const Since& since) const {
  const int64_t stood_ms = watched_.active_ms - since.progress.active_ms;
  if (stood_ms < kSlackMs) return std::nullopt;
  const auto late = [&](int64_t limit_ms, const std::string& what) -> Complaint {
    if (stood_ms <= limit_ms) return std::nullopt;
    return "a run stood for " + std::to_string(stood_ms / 1000) + " s " + what +
           " and neither moved nor held";
  };
  if (run.stage == Stage::kQueued) return late(kToEndMs, "in the queue");
  const engine::Step* current = run.Current();
  if (current == nullptr) return late(kToEndMs, "ending");
  const engine::Step& step = known_->StepOf(run, current->path);
  // As docs/execution_model.md says about an unreachable host.
  int64_t limit_ms = step.timeout.count() * step.attempts +
                     step.retry_delay.count() * (step.attempts - 1) + kSlackMs;
  if (step.gate) limit_ms += step.gate->timeout.count();
  return late(limit_ms, "at step " + step.path);
}

// A question with a time-out ends in an answer, a hold or an abort.
Complaint Progress::JudgeQuestion(const Run& run, const Since& since) const {
  if (!run.AtQuestion() || IsHeld(run) || run.cancelling) return std::nullopt;
  const engine::Step& step = known_->StepOf(run, run.Current()->path);
  if (!step.approval || step.approval->timeout <= Milliseconds(0)) return std::nullopt;
  const int64_t stood_ms = watched_.up_ms - since.question.up_ms;
  if (stood_ms <= step.approval->timeout.count() + kSlackMs) return std::nullopt;
  return "the question of " + step.path + " was asked for longer than its time-out";
}

void Progress::Record(const engine::Event& event) {
  // A restarted time-out counts anew. In other modes gates are still checked.
  if (std::holds_alternative<engine::ActuatorStarted>(event.body)) {
    for (auto& [id, since] : since_) since.progress = since.question = watched_;
    return;
  }
  if (std::holds_alternative<engine::ModeChanged>(event.body)) {
    for (auto& [id, since] : since_) since.progress.active_ms = watched_.active_ms;
    return;
  }
  if (event.run.empty() || std::holds_alternative<engine::AlertDecided>(event.body)) return;
  const Run* run = known_->Find(event.run);
  if (std::holds_alternative<engine::RunStarted>(event.body))
    since_[event.run].begun = watched_.interruptions;
  if (run != nullptr && !MovesOn(*run, event)) return;
  since_[event.run].progress = since_[event.run].question = watched_;
}

Complaint Progress::Hold(const Run& run, const engine::RunHeld& body) const {
  const auto since = since_.find(run.id);
  // A deposed actuator without a successor continues unobserved.
  if (since == since_.end() || !up_) return std::nullopt;
  const engine::Step& step = known_->StepOf(run, body.path);
  const int64_t up_ms = watched_.up_ms - since->second.progress.up_ms;
  const int64_t active_ms = watched_.active_ms - since->second.progress.active_ms;
  const bool always = run.IsAlways(body.path);
  // While a run is paused, its gate is still checked.
  if (body.reason == HoldReason::kGateShut && step.gate && !run.pause) {
    const int64_t least_ms = step.gate->window.count() + step.gate->hold_for.count();
    if (up_ms + kClockMs < least_ms) {
      return "the gate of " + body.path + " was called shut after a look of " +
             std::to_string(up_ms) + " ms";
    }
  }
  // The intended sleep within each absence counts as attended.
  const int64_t interruptions = watched_.interruptions - since->second.progress.interruptions;
  if (IsNotBegun(body) && active_ms + kClockMs * (1 + interruptions) < step.timeout.count()) {
    return "step " + body.path + " was called timed out after " + std::to_string(active_ms) +
           " ms in which it could begin";
  }
  if (IsNotBegun(body) && !always && step.on_failure != engine::OnFailure::kHold) {
    return "step " + body.path + " could not begin and held its run, which says " +
           engine::Name(step.on_failure);
  }
  return std::nullopt;
}

Complaint Progress::Finish(const Run& run, WallTime at) {
  int64_t& longest_ms = longest_work_ms_[run.plan().runbook];
  const Since& since = since_[run.id];
  // A decision waits for its commit; by the events' own times that counts as work.
  const int64_t whole_ms = run.started_at ? (at - *run.started_at).count() : 0;
  longest_ms = std::max({longest_ms, since.working_ms, whole_ms - since.asked_ms});
  return std::nullopt;
}

Complaint Progress::Worked(const Run& run, const engine::RunFinished& body) {
  const Since& since = since_[run.id];
  if (!run.started_at || !body.worked || since.begun != watched_.interruptions) return std::nullopt;
  const int64_t longest_ms = since.working_ms + since.asked_ms + kEstimateSlackMs;
  if (body.worked->count() <= longest_ms) return std::nullopt;
  return "run " + run.id + " says that it worked " + std::to_string(body.worked->count()) +
         " ms; it had " + std::to_string(longest_ms);
}

Complaint Progress::WhyHeard(const Run& run) const {
  if (run.stage == Stage::kQueued || run.stage == Stage::kFinished) return "it is not under way";
  if (IsHeld(run)) return "it is held";
  if (run.pause) return "it is paused";
  if (known_->mode != engine::Mode::kActive) return "the actuator is halted";
  if (AsksAPerson(run)) return "it asks a person";
  const auto since = since_.find(run.id);
  if (run.stage == Stage::kEnding && since != since_.end() &&
      watched_.active_ms - since->second.progress.active_ms > kSilentEndMs) {
    return "it does not come to its end";
  }
  return std::nullopt;
}

Complaint Progress::See(const Looked& looked) const {
  for (const auto& [host, runbook] : looked.silenced) {
    Complaint why = "it is not under way";
    for (const std::string& id : known_->unfinished) {
      const Run& run = known_->runs.at(id);
      if (run.plan().runbook == runbook) why = WhyHeard(run);
      if (!why) break;
    }
    if (why) {
      return why->append(", and alerts about ")
          .append(host)
          .append(" are silenced by ")
          .append(runbook);
    }
  }
  for (const auto& [id, expected_ms] : looked.expected_ms) {
    const Run* run = known_->Find(id);
    if (run == nullptr) continue;
    const auto longest = longest_work_ms_.find(run->plan().runbook);
    if (longest == longest_work_ms_.end() || known_->clock_stepped) continue;
    if (expected_ms > longest->second + kEstimateSlackMs &&
        expected_ms > known_->PlanOf(*run).expected.count()) {
      return "a run is expected to take " + std::to_string(expected_ms / 1000) +
             " s, longer than any worked";
    }
  }
  return std::nullopt;
}

}  // namespace mailhub::sim
