// See answers.h.
#include "tests/sim/answers.h"

#include <algorithm>

namespace mailhub::sim {

using engine::AlertDecided;
using engine::Decision;
using engine::Run;
using engine::RunResult;
using engine::Stage;

namespace {

// A later one may be the same alert firing anew.
constexpr Milliseconds kLateForCertain{60'000};
constexpr Milliseconds kClock{3'000};

// Whether the run will not do what the alert needs.
bool GivesUp(const Run& run) {
  const bool over = run.stage == Stage::kEnding || run.stage == Stage::kFinished;
  return run.cancelling || (over && run.result != RunResult::kSucceeded);
}

}  // namespace

Complaint Answers::See(const Answered& answered) const {
  for (const std::string& fingerprint : answered.fingerprints) {
    const auto decided = decided_.find({answered.notification, fingerprint});
    if (decided == decided_.end() || decided->second != 1) {
      return "notification " + answered.notification + " was answered and not decided";
    }
  }
  return std::nullopt;
}

Complaint Answers::Record(const engine::Event& event) {
  if (const auto* decided = std::get_if<AlertDecided>(&event.body)) return Decided(event, *decided);
  // Whatever the clock shows, a cooldown counts from the actuator's start at the latest.
  if (std::holds_alternative<engine::ActuatorStarted>(event.body)) started_ms_ = known_->up_ms;
  if (const auto* started = std::get_if<engine::StepStarted>(&event.body)) {
    last_action_[event.run] = event.seq;
    const engine::Step& step = known_->StepOf(known_->runs.at(event.run), started->path);
    if (!step.host.empty()) acted_.insert(event.run);
  }
  if (std::holds_alternative<engine::RunDropped>(event.body)) Dropped(event.run);
  const auto* finished = std::get_if<engine::RunFinished>(&event.body);
  if (finished != nullptr && finished->result == RunResult::kSucceeded) {
    succeeded_[event.run] = event.at;
  }
  if (const auto* closed = std::get_if<engine::EpisodeClosed>(&event.body)) {
    tried_.erase(closed->fingerprint);
  }
  // A cancelled run begins no cooldown.
  if (finished != nullptr && finished->result != RunResult::kCancelled) {
    const engine::Plan& plan = known_->runs.at(event.run).plan();
    finished_[{plan.runbook, plan.target}] = {known_->up_ms, event.at};
  }
  return std::nullopt;
}

Complaint Answers::Decided(const engine::Event& event, const AlertDecided& body) {
  // An alert decided again belongs to no notification.
  if (!body.notification.empty() && ++decided_[{body.notification, body.fingerprint}] > 1) {
    return "notification " + body.notification + " was decided twice";
  }
  if (auto broken = AfterItsEnd(event.at, body)) return broken;
  if (auto broken = Afresh(body)) return broken;
  if (auto broken = TriesAgain(event.at, body)) return broken;
  if (!body.firing || body.decision != Decision::kRepeat) {
    joins_.erase(body.fingerprint);
    unheard_.erase(body.fingerprint);
  }
  switch (body.decision) {
    case Decision::kCancelled:
      // No runbook here has a `commit` of its own.
      if (acted_.contains(body.run)) return "a run that had acted was cancelled by its alert's end";
      return std::nullopt;
    case Decision::kJoined:
      if (acted_.contains(body.run)) return "an alert joined a run that had acted";
      joined_[{body.run, body.fingerprint}] = event.seq;
      joins_[body.fingerprint] = {body.run, body.trigger};
      return Leans(body);
    case Decision::kRepeat:
      return Leans(body);
    case Decision::kCooldown:
      return Cools(event, body);
    default:
      return std::nullopt;
  }
}

// An alert that goes on firing after its run has succeeded has as many further runs as its trigger
// says, and none before its grace is over.
Complaint Answers::TriesAgain(WallTime at, const AlertDecided& body) {
  if (!body.firing) {
    if (body.decision != Decision::kLate) tried_.erase(body.fingerprint);
    return std::nullopt;
  }
  const bool answers = body.decision == Decision::kStartedRun || body.decision == Decision::kJoined;
  if (!answers) {
    const auto known = tried_.find(body.fingerprint);
    const bool opens = engine::OpensEpisode(body.decision);
    // A new alert whose earlier end was not reported.
    if (known != tried_.end() && opens) {
      if (!body.notification.empty() && !known->second.waits) known->second = Tried();
      known->second.waits = body.decision != Decision::kJoinedLate;
    }
    return std::nullopt;
  }
  Tried& tried = tried_[body.fingerprint];
  if (!body.notification.empty() && !tried.waits) tried = Tried();
  const auto succeeded = succeeded_.find(tried.run);
  const bool helped = tried.started || acted_.contains(tried.run);
  const bool further = succeeded != succeeded_.end() && helped;
  tried = {body.run, body.decision == Decision::kStartedRun, false,
           tried.further + (further ? 1 : 0)};
  if (!further) return std::nullopt;
  for (const engine::Trigger& trigger : known_->playbook->triggers()) {
    if (trigger.name != body.trigger) continue;
    if (tried.further > trigger.attempts - 1) {
      return "an alert was answered by more runs than its trigger allows";
    }
    const Milliseconds since = at - succeeded->second;
    if (!known_->clock_stepped && since + kClock < trigger.still_firing_after) {
      return "an alert had a further run " + std::to_string(since.count() / 1000) +
             " s after one had succeeded";
    }
  }
  return std::nullopt;
}

void Answers::Dropped(const std::string& run) {
  for (const engine::Trigger& trigger : known_->playbook->triggers()) {
    if (!trigger.only_if.empty()) continue;
    for (const auto& [fingerprint, join] : joins_) {
      if (join.run == run && join.trigger == trigger.name) unheard_.insert(fingerprint);
    }
  }
}

// An alert decided again came without a notification. A failed run is not repeated for each alert
// that had joined it.
Complaint Answers::Afresh(const AlertDecided& body) const {
  if (body.decision != Decision::kStartedRun) return std::nullopt;
  if (!body.notification.empty() && unheard_.contains(body.fingerprint)) {
    return "an alert had joined a run that was dropped, and was heard only when it was sent again";
  }
  const auto join = joins_.find(body.fingerprint);
  const Run* run = join == joins_.end() ? nullptr : known_->Find(join->second.run);
  if (!body.notification.empty() || run == nullptr || run->result != RunResult::kFailed) return {};
  return "a run that had failed was done once more for an alert that had joined it";
}

// A delayed notification begins nothing for an alert whose end was reported before.
Complaint Answers::AfterItsEnd(WallTime at, const AlertDecided& body) {
  if (!body.firing) {
    if (body.decision != Decision::kLate) ends_[body.fingerprint][body.starts_at] = at;
    return std::nullopt;
  }
  const bool answers = body.decision == Decision::kStartedRun || body.decision == Decision::kJoined;
  // After a restart only the wall clock gives the elapsed time.
  if (!answers || known_->clock_stepped) return std::nullopt;
  const auto told_before = [&](const auto& end) {
    return body.starts_at <= end.first && at - end.second <= kLateForCertain;
  };
  if (std::ranges::none_of(ends_[body.fingerprint], told_before)) return std::nullopt;
  return "an alert was decided as " + std::string(engine::Name(body.decision)) +
         ", and its end had been told before";
}

// A run answers for the alert: an unfinished one, or one that has acted since the alert was heard.
// An alert whose own run failed or was cancelled counts as answered.
Complaint Answers::Leans(const AlertDecided& body) const {
  const std::string decision = engine::Name(body.decision);
  const Run* run = known_->Find(body.run);
  if (run == nullptr) return "an alert was decided as " + decision + ", and no run answers for it";
  if (run->queued.fingerprint == body.fingerprint) return std::nullopt;
  // A joined alert is answered like the one that started the run: a failed or cancelled run is for
  // people to see.
  const bool joined_before = body.decision == Decision::kRepeat;
  const bool succeeded = run->result == RunResult::kSucceeded;
  if (joined_before && (run->stage != Stage::kFinished || !succeeded)) return std::nullopt;
  if (GivesUp(*run)) {
    return "an alert was decided as " + decision + " of a run that has given up";
  }
  if (run->stage != Stage::kFinished) return std::nullopt;
  const auto& steps = known_->PlanOf(*run).steps;
  const bool only_looks = std::none_of(steps.begin(), steps.end(), [](const engine::Step& step) {
    return step.kind == engine::StepKind::kRun || step.kind == engine::StepKind::kJob;
  });
  if (only_looks) return std::nullopt;
  const auto joined = joined_.find({body.run, body.fingerprint});
  const auto action = last_action_.find(body.run);
  if (joined == joined_.end() || action == last_action_.end() || action->second < joined->second) {
    return "an alert was decided as " + decision + " of a run that has done nothing for it";
  }
  return std::nullopt;
}

// A cooldown ends by the real time in which the actuator was up, even if the clock was wrong at its
// begin.
Complaint Answers::Cools(const engine::Event& event, const AlertDecided& body) const {
  const auto trigger =
      std::find_if(known_->playbook->triggers().begin(), known_->playbook->triggers().end(),
                   [&](const auto& one) { return one.name == body.trigger; });
  const auto instance = body.labels.find("instance");
  const bool of_host = !trigger->parameters_from_labels.empty() && instance != body.labels.end();
  const auto last = finished_.find({trigger->runbook, of_host ? instance->second : ""});
  if (last == finished_.end()) return "a cooldown, and no run of the kind has finished";
  const bool was_ahead = event.at < last->second.wall;
  const int64_t since_ms = std::max(last->second.at_ms, started_ms_);
  if (was_ahead && known_->up_ms - since_ms > trigger->cooldown.count()) {
    return "a cooldown of " + std::to_string(trigger->cooldown.count() / 1000) + " s after " +
           std::to_string((known_->up_ms - last->second.at_ms) / 1000) + " s";
  }
  return std::nullopt;
}

}  // namespace mailhub::sim
