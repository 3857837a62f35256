// See decisions.h.
#include "actuator/engine/decisions.h"

#include <algorithm>
#include <set>

#include "actuator/engine/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::engine {
namespace {

// A firing notification this soon after the resolved one of the same alert is a late copy.
constexpr Milliseconds kLateWithin{120'000};

// The record of the decision about an alert, with the alert's own fields.
AlertDecided RecordOf(const Alert& alert) {
  AlertDecided record;
  record.fingerprint = alert.fingerprint;
  record.labels = alert.labels;
  record.firing = alert.firing;
  record.starts_at = alert.starts_at;
  const auto name = alert.labels.find("alertname");
  if (name != alert.labels.end()) record.alertname = name->second;
  return record;
}

// A trigger's own windows and blackouts, beside those of its runbook.
void Narrow(const Suitable& own, Suitable* suitable) {
  if (!own.windows.empty()) suitable->windows = own.windows;
  for (const std::string& name : own.blackouts) {
    const auto& known = suitable->blackouts;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      suitable->blackouts.push_back(name);
    }
  }
}

// The runs that have answered the alert; `known`: its episode so far, or null.
int Tries(const Episode* known, Decision decision) {
  const bool answers = decision == Decision::kStartedRun || decision == Decision::kJoined;
  return (known == nullptr ? 0 : known->tries) + (answers ? 1 : 0);
}

}  // namespace

Decisions::Decisions(const Context* context, Runs* runs, const Episodes* episodes,
                     const History* history)
    : context_(*context), runs_(*runs), episodes_(*episodes), history_(*history) {}

// Checked before any decision, so that a refused notification leaves no trace and is sent again as
// a whole. A notification that opens no more episodes than it closes always has room; otherwise a
// full table would stay full.
bool Decisions::HasRoomFor(const Notification& notification) const {
  const size_t most = context_.config->most_episodes;
  if (episodes_.size() + notification.alerts.size() <= most) return true;
  std::set<std::string> opening;
  std::set<std::string> closing;
  for (const Alert& alert : notification.alerts) {
    const bool open = episodes_.Find(alert.fingerprint) != nullptr;
    if (!alert.malformed.empty() || FindTrigger(alert) == nullptr) continue;
    if (alert.firing && !open) opening.insert(alert.fingerprint);
    if (!alert.firing && open) closing.insert(alert.fingerprint);
  }
  return opening.size() <= closing.size() ||
         episodes_.size() - closing.size() + opening.size() <= most;
}

const Trigger* Decisions::FindTrigger(const Alert& alert) const {
  for (const Trigger& trigger : context_.config->triggers) {
    if (Matches(trigger.matchers, alert.labels)) return &trigger;
  }
  return nullptr;
}

Status Decisions::Notify(const Notification& notification) {
  if (!HasRoomFor(notification)) {
    return Fail(ErrorKind::kOverloaded, "too many open episodes; send it again later");
  }
  for (const Alert& alert : notification.alerts) Decide(notification, alert);
  return {};
}

void Decisions::Decide(const Notification& notification, const Alert& alert) {
  AlertDecided record = RecordOf(alert);
  record.notification = notification.id;
  record.by = notification.by;
  const Trigger* trigger = alert.malformed.empty() ? FindTrigger(alert) : nullptr;
  if (!alert.malformed.empty()) {
    record.decision = Decision::kRejected;
    record.detail = alert.malformed;
  } else if (trigger == nullptr) {
    record.decision = Decision::kIgnored;
    record.detail = Say<DecidedBecause::kNoTrigger>();
  } else {
    record.trigger = trigger->name;
    record.decision = alert.firing ? DecideFiring(alert, *trigger, &record)
                                   : DecideResolved(alert, *trigger, &record);
    record.newest_start = episodes_.NewestStart(alert, record.decision);
    const bool waited = episodes_.IsWaiting(alert.fingerprint);
    record.tries = Tries(waited ? episodes_.Find(alert.fingerprint) : nullptr, record.decision);
  }
  const std::string run = record.run;
  context_.recorder->Emit(run, std::move(record));
}

void Decisions::DecideAfresh(const std::vector<std::string>& fingerprints) {
  for (const std::string& fingerprint : fingerprints) {
    const Episode* episode = episodes_.Find(fingerprint);
    const Alert alert = episode->alert;
    const Decision before = episode->decision;
    AlertDecided record = RecordOf(alert);
    record.by = episode->by;
    const Trigger* trigger = FindTrigger(alert);
    if (trigger == nullptr) {
      record.detail = Say<DecidedBecause::kNoTriggerAnyMore>();
      record.decision = Decision::kIgnored;
    } else {
      record.trigger = trigger->name;
      record.decision = DecideFiring(alert, *trigger, &record);
    }
    if (record.decision == before && Waits(before)) continue;
    record.newest_start = episodes_.NewestStart(alert, record.decision);
    record.tries = Tries(episode, record.decision);
    record.detail = Say<DecidedBecause::kAfresh>(record.detail);
    const std::string run = record.run;
    context_.recorder->Emit(run, std::move(record));
  }
}

void Decisions::TryAgain(const std::vector<std::string>& fingerprints) {
  for (const std::string& fingerprint : fingerprints) {
    const Episode* episode = episodes_.Find(fingerprint);
    const Alert alert = episode->alert;
    AlertDecided record = RecordOf(alert);
    record.by = episode->by;
    const Trigger* trigger = FindTrigger(alert);
    if (trigger == nullptr || trigger->name != episode->trigger) continue;  // no longer its own
    const std::string before = episode->run.substr(0, 12);
    record.trigger = trigger->name;
    record.decision = DecideAnswer(alert, *trigger, &record);
    record.newest_start = episodes_.NewestStart(alert, record.decision);
    record.tries = Tries(episode, record.decision);
    record.detail = Say<DecidedBecause::kStillFires>(
        FormatDuration(trigger->still_firing_after), before, std::to_string(episode->tries),
        std::to_string(trigger->attempts), record.detail);
    const std::string run = record.run;
    context_.recorder->Emit(run, std::move(record));
  }
}

// --- alerts that fire

// An alert that began after its episode's run had finished is a new one; the end of the earlier one
// was not reported. (During the run a new startsAt means nothing: a restarted Prometheus gives one
// to an alert that never ended.) A known start is not new, whatever the difference of Prometheus's
// clock to ours.
bool Decisions::IsRepeat(const Alert& alert) const {
  const Episode* episode = episodes_.Find(alert.fingerprint);
  if (episode == nullptr || episodes_.IsWaiting(alert.fingerprint)) return false;
  return !episode->run_finished || alert.starts_at <= *episode->run_finished ||
         alert.starts_at <= episode->newest_start;
}

bool Decisions::IsLateCopy(const Alert& alert) const {
  const Ended* over = episodes_.LastEnd(alert.fingerprint);
  return over != nullptr && alert.starts_at > WallTime() && alert.starts_at <= over->starts_at &&
         context_.clock->steady() < over->at + kLateWithin;
}

Decision Decisions::DecideFiring(const Alert& alert, const Trigger& trigger, AlertDecided* record) {
  if (IsRepeat(alert)) {
    record->run = episodes_.Find(alert.fingerprint)->run;
    record->detail = Say<DecidedBecause::kDecidedBefore>();
    return Decision::kRepeat;
  }
  if (IsLateCopy(alert)) {
    record->detail = Say<DecidedBecause::kEndReported>();
    return Decision::kLate;
  }
  return DecideAnswer(alert, trigger, record);
}

// A run for it, or why there is none.
Decision Decisions::DecideAnswer(const Alert& alert, const Trigger& trigger, AlertDecided* record) {
  const auto parameters = ParametersOf(trigger, alert);
  if (!parameters) {
    record->detail = parameters.error().message;
    return Decision::kRejected;
  }
  Result<Plan> plan = context_.plans->Make(trigger.runbook, *parameters);
  if (!plan) {
    record->detail = plan.error().message;
    return Decision::kRejected;
  }
  if (!context_.mode->Active()) {
    const Mode mode = context_.mode->mode;
    record->detail = Say<DecidedBecause::kMode>(Name(mode), trigger.runbook);
    return mode == Mode::kHalted ? Decision::kHalted : Decision::kObserved;
  }
  return DecideRun(*std::move(plan), alert, trigger, record);
}

Decision Decisions::DecideRun(Plan plan, const Alert& alert, const Trigger& trigger,
                              AlertDecided* record) {
  if (const Run* unfinished = runs_.FindUnfinished(plan)) return DecideJoining(*unfinished, record);
  if (const LastRun* last = history_.LastOf(plan)) {
    if (const auto left = history_.CooldownLeft(*last, trigger.cooldown)) {
      record->run = last->run;
      record->detail = Say<DecidedBecause::kCooldown>(last->run, FormatDuration(trigger.cooldown),
                                                      FormatDuration(*left));
      return Decision::kCooldown;
    }
  }
  if (runs_.Full()) {
    record->detail = Say<DecidedBecause::kTooManyRuns>();
    return Decision::kDeferred;
  }
  RunQueued queued;
  queued.only_if = OnlyIf(trigger, plan.parameters);
  queued.plan = std::move(plan);
  Narrow(trigger.suitable, &queued.plan.suitable);
  queued.trigger = trigger.name;
  queued.fingerprint = alert.fingerprint;
  queued.by = record->by.empty() ? "alertmanager" : record->by;
  queued.by_login = !record->by.empty();
  record->run = QueueRun(context_, std::move(queued));
  record->detail = Say<DecidedBecause::kStarted>(trigger.runbook);
  return Decision::kStartedRun;
}

// A run that has begun to act may be past the step that helps this alert; a run that is being
// cancelled or ends helps no alert.
Decision Decisions::DecideJoining(const Run& run, AlertDecided* record) const {
  record->run = run.id;
  if (run.cancelling || run.stage == Stage::kEnding) {
    record->detail = Say<DecidedBecause::kRunEnds>();
    return Decision::kDeferred;
  }
  if (run.HasActed()) {
    record->detail = Say<DecidedBecause::kRunHasActed>();
    return Decision::kJoinedLate;
  }
  record->detail = Say<DecidedBecause::kRunNotFinished>();
  return Decision::kJoined;
}

// --- alerts that are over

// Not a run that a person started, and not one whose own alert's end lets it finish.
bool Decisions::MayBeCancelledByItsAlerts(const Run& run) const {
  const std::vector<Trigger>& triggers = context_.config->triggers;
  return std::any_of(triggers.begin(), triggers.end(), [&](const Trigger& trigger) {
    return trigger.name == run.queued.trigger && trigger.on_resolved == OnResolved::kCancel;
  });
}

Decision Decisions::DecideResolved(const Alert& alert, const Trigger& trigger,
                                   AlertDecided* record) {
  const Episode* episode = episodes_.Find(alert.fingerprint);
  const Ended* over = episodes_.LastEnd(alert.fingerprint);
  // A second Alertmanager, or a notification that was sent again.
  if (episode != nullptr && over != nullptr && alert.starts_at > WallTime() &&
      alert.starts_at <= std::max(over->starts_at, over->replaced) &&
      alert.starts_at < episode->alert.starts_at) {
    record->run = episode->run;
    record->detail = Say<DecidedBecause::kEarlierEnd>();
    return Decision::kLate;
  }
  record->detail = Say<DecidedBecause::kOver>();
  if (episode == nullptr || episode->run.empty()) return Decision::kResolved;
  record->run = episode->run;
  LiveRun* live = runs_.Find(record->run);
  if (trigger.on_resolved != OnResolved::kCancel || live == nullptr) return Decision::kResolved;
  const Run& run = live->run();
  if (run.Committed() || !MayBeCancelledByItsAlerts(run) || run.stage == Stage::kFinished ||
      run.stage == Stage::kEnding) {
    return Decision::kResolved;
  }
  if (episodes_.OthersHave(record->run, alert.fingerprint)) {
    record->detail = Say<DecidedBecause::kOverForThis>();
    return Decision::kResolved;
  }
  Command cancel;
  cancel.verb = Verb::kCancel;
  cancel.by = "alertmanager";
  cancel.detail = Say<DecidedBecause::kOverBeforeCommit>();
  if (!live->Do(cancel)) return Decision::kResolved;
  record->detail = cancel.detail;
  return Decision::kCancelled;
}

// --- episodes that a person closes

Result<std::string> Decisions::Close(const CloseEpisode& close) {
  const auto refuse = [](std::string why) { return Fail(ErrorKind::kRefused, std::move(why)); };
  const Episode* episode = episodes_.Find(close.fingerprint);
  if (episode == nullptr) {
    return Fail(ErrorKind::kNotFound,
                Say<NotClosedBecause::kNone>(close.fingerprint.substr(0, 64)));
  }
  if (episodes_.IsWaiting(close.fingerprint)) {
    return refuse(Say<NotClosedBecause::kWaits>(episode->detail));
  }
  const std::string& answered_by = episode->run;
  if (close.run.size() < 6 || !answered_by.starts_with(close.run)) {
    return refuse(Say<NotClosedBecause::kOtherRun>(close.run.substr(0, 64), answered_by));
  }
  const LiveRun* live = runs_.Find(answered_by);
  if (live != nullptr && live->run().stage != Stage::kFinished) {
    return refuse(Say<NotClosedBecause::kUnfinished>(answered_by));
  }
  if (episodes_.IsRemedied(*episode)) {
    return refuse(Say<NotClosedBecause::kRemedied>(answered_by));
  }
  context_.recorder->Emit("", EpisodeClosed{close.fingerprint, close.by, close.detail});
  return close.fingerprint;
}

}  // namespace mailhub::engine
