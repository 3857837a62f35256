// Alerts in, decisions out. Every alert of every notification gets exactly one decision, in the
// same commit.
#include <algorithm>
#include <set>

#include "actuator/engine/core.h"

namespace mailhub::engine {
namespace {

std::string LabelOr(const std::map<std::string, std::string>& labels, const std::string& name,
                    const std::string& otherwise) {
  const auto found = labels.find(name);
  return found == labels.end() ? otherwise : found->second;
}

}  // namespace

bool Engine::Core::HasRoomFor(const Notification& notification) const {
  // Judged before anything is decided, so that a refused notification leaves no trace and is sent
  // again whole. What opens no more episodes than it closes always has room, or a full table would
  // stay full.
  if (episodes.size() + notification.alerts.size() <= config.most_episodes) return true;
  std::set<std::string> opening;
  std::set<std::string> closing;
  for (const Alert& alert : notification.alerts) {
    const bool open = episodes.contains(alert.fingerprint);
    if (!alert.malformed.empty() || FindTrigger(alert) == nullptr) continue;
    if (alert.firing && !open) opening.insert(alert.fingerprint);
    if (!alert.firing && open) closing.insert(alert.fingerprint);
  }
  return opening.size() <= closing.size() ||
         episodes.size() - closing.size() + opening.size() <= config.most_episodes;
}

const Trigger* Engine::Core::FindTrigger(const Alert& alert) const {
  for (const Trigger& trigger : config.triggers) {
    if (Matches(trigger.matchers, alert.labels)) return &trigger;
  }
  return nullptr;
}

bool Engine::Core::RunsFull() const {
  const auto unfinished = std::count_if(order.begin(), order.end(), [&](const std::string& id) {
    return runs.at(id).run.stage != Stage::kFinished;
  });
  return static_cast<size_t>(unfinished) >= config.most_unfinished_runs;
}

void Engine::Core::Notify(const Notification& notification) {
  if (!HasRoomFor(notification)) {
    out.answer = Fail(ErrorKind::kOverloaded, "too many open episodes; send it again later");
    return;
  }
  for (const Alert& alert : notification.alerts) Decide(notification.id, alert);
  out.answer = notification.id;
}

void Engine::Core::Decide(const std::string& notification, const Alert& alert) {
  AlertDecided record;
  record.notification = notification;
  record.fingerprint = alert.fingerprint;
  record.alertname = LabelOr(alert.labels, "alertname", "");
  record.labels = alert.labels;
  record.firing = alert.firing;
  record.starts_at = alert.starts_at;
  if (!alert.malformed.empty()) {
    record.decision = Decision::kRejected;
    record.detail = alert.malformed;
    Emit("", std::move(record));
    return;
  }
  const Trigger* trigger = FindTrigger(alert);
  if (trigger == nullptr) {
    record.decision = Decision::kIgnored;
    record.detail = "no trigger matches";
  } else {
    record.trigger = trigger->name;
    record.decision = alert.firing ? DecideFiring(alert, *trigger, &record)
                                   : DecideResolved(alert, *trigger, &record);
    record.newest_start = NewestStart(alert, record.decision);
  }
  const std::string run = record.run;
  Emit(run, std::move(record));
}

Decision Engine::Core::DecideFiring(const Alert& alert, const Trigger& trigger,
                                    AlertDecided* record) {
  // An alert that began after its episode's run had finished is a new one, whose predecessor's end
  // nobody reported. (While the run lasts a new startsAt means nothing: a restarted Prometheus
  // gives one to an alert that never ended.) A start that was heard before is no new one, whatever
  // the clock here makes of Prometheus's.
  const auto episode = episodes.find(alert.fingerprint);
  if (episode != episodes.end() && !waiting.contains(alert.fingerprint) &&
      !(episode->second.run_finished && alert.starts_at > *episode->second.run_finished &&
        alert.starts_at > episode->second.newest_start)) {
    record->run = episode->second.run;
    record->detail = "this episode was answered before";
    return Decision::kRepeat;
  }
  const auto over = ended.find(alert.fingerprint);
  if (over != ended.end() && alert.starts_at > WallTime() &&
      alert.starts_at <= over->second.starts_at && now.steady < over->second.at + kLateWithin) {
    record->detail =
        "the end of this alert was reported before; should it still fire, a repeat two minutes "
        "after that is decided afresh";
    return Decision::kLate;
  }
  std::map<std::string, std::string> parameters = trigger.parameters;
  for (const auto& [parameter, label] : trigger.parameters_from_labels) {
    const auto found = alert.labels.find(label);
    if (found == alert.labels.end()) {
      record->detail = "the alert has no label \"";
      record->detail.append(label).append("\", which parameter \"");
      record->detail.append(parameter).append("\" is taken from");
      return Decision::kRejected;
    }
    parameters[parameter] =
        trigger.strip_port.contains(parameter) ? WithoutPort(found->second) : found->second;
  }
  Result<Plan> plan = plans->Make(trigger.runbook, parameters);
  if (!plan) {
    record->detail = plan.error().message;
    return Decision::kRejected;
  }
  if (mode != Mode::kActive) {
    record->detail = std::string("mode is ") + Name(mode) + ": would have started " +
                     trigger.runbook + "; decided afresh when the mode is active";
    return mode == Mode::kHalted ? Decision::kHalted : Decision::kObserved;
  }
  if (const LiveRun* unfinished = FindUnfinished(plan->runbook, plan->parameters)) {
    return DecideJoining(unfinished->run, record);
  }
  const auto last = last_runs.find(RunKey(plan->runbook, plan->parameters));
  if (last != last_runs.end()) {
    if (const auto left = CooldownLeft(last->second, trigger.cooldown)) {
      record->run = last->second.run;
      record->detail = "run " + last->second.run + " finished less than the cooldown of " +
                       FormatDuration(trigger.cooldown) + " ago; decided afresh in " +
                       FormatDuration(*left);
      return Decision::kCooldown;
    }
  }
  if (RunsFull()) {
    record->detail = "too many runs are not finished; decided afresh when one is";
    return Decision::kDeferred;
  }
  RunQueued queued;
  queued.only_if = OnlyIf(trigger, plan->parameters);
  queued.plan = *std::move(plan);
  queued.trigger = trigger.name;
  queued.fingerprint = alert.fingerprint;
  queued.by = "alertmanager";
  record->run = QueueRun(std::move(queued));
  record->detail = "started " + trigger.runbook;
  return Decision::kStartedRun;
}

// A run that has begun to act may be past what would have helped this alert; one that is being
// cancelled or ends helps nobody any more.
Decision Engine::Core::DecideJoining(const Run& run, AlertDecided* record) {
  record->run = run.id;
  if (run.cancelling || run.stage == Stage::kEnding) {
    record->detail = "a run of this runbook with these parameters is ending; decided afresh then";
    return Decision::kDeferred;
  }
  if (run.HasActed()) {
    record->detail =
        "a run of this runbook with these parameters has acted already; decided afresh when it "
        "is finished";
    return Decision::kJoinedLate;
  }
  record->detail = "a run of this runbook with these parameters is not finished";
  return Decision::kJoined;
}

// Nothing: it is over. By the steady clock, because the wall clock may be years off, now or when
// the run ended.
std::optional<Milliseconds> Engine::Core::CooldownLeft(const LastRun& last,
                                                       Milliseconds cooldown) const {
  const Milliseconds gone = now.steady - last.steady;
  if (gone >= cooldown || cooldown <= Milliseconds(0)) return std::nullopt;
  return std::min(cooldown - gone, cooldown);
}

// Not one that a person started, nor one whose own alert's end lets it finish.
bool Engine::Core::MayBeCancelledByItsAlerts(const Run& run) const {
  return std::any_of(config.triggers.begin(), config.triggers.end(), [&](const Trigger& trigger) {
    return trigger.name == run.queued.trigger && trigger.on_resolved == OnResolved::kCancel;
  });
}

Decision Engine::Core::DecideResolved(const Alert& alert, const Trigger& trigger,
                                      AlertDecided* record) {
  const auto episode = episodes.find(alert.fingerprint);
  const auto over = ended.find(alert.fingerprint);
  // A second Alertmanager, or a notification that was sent again.
  if (episode != episodes.end() && over != ended.end() && alert.starts_at > WallTime() &&
      alert.starts_at <= std::max(over->second.starts_at, over->second.replaced) &&
      alert.starts_at < episode->second.alert.starts_at) {
    record->run = episode->second.run;
    record->detail = "the end of an earlier alert; this one began later and goes on";
    return Decision::kLate;
  }
  record->detail = "the episode is over";
  if (episode == episodes.end() || episode->second.run.empty()) return Decision::kResolved;
  record->run = episode->second.run;
  const auto found = runs.find(record->run);
  if (trigger.on_resolved != OnResolved::kCancel || found == runs.end()) return Decision::kResolved;
  LiveRun& live = found->second;
  if (live.run.Committed() || !MayBeCancelledByItsAlerts(live.run) ||
      live.run.stage == Stage::kFinished || live.run.stage == Stage::kEnding) {
    return Decision::kResolved;
  }
  const bool others = std::any_of(episodes.begin(), episodes.end(), [&](const auto& other) {
    return other.first != alert.fingerprint && other.second.run == record->run;
  });
  if (others) {
    record->detail = "the episode is over; its run goes on for others that joined it";
    return Decision::kResolved;
  }
  engine::Command cancel;
  cancel.verb = Verb::kCancel;
  cancel.by = "alertmanager";
  cancel.detail = "the alert resolved before the run was committed";
  if (!ActOn(live, cancel)) return Decision::kResolved;
  record->detail = cancel.detail;
  return Decision::kCancelled;
}

void Engine::Core::Close(const CloseEpisode& close) {
  const auto episode = episodes.find(close.fingerprint);
  if (episode == episodes.end()) {
    out.answer = Fail(ErrorKind::kNotFound,
                      "no open episode has the fingerprint " + close.fingerprint.substr(0, 64));
    return;
  }
  if (waiting.contains(close.fingerprint)) {
    out.answer = Fail(ErrorKind::kRefused,
                      "it waits, and is decided afresh by itself: " + episode->second.detail);
    return;
  }
  const std::string& answered_by = episode->second.run;
  if (close.run.size() < 6 || !answered_by.starts_with(close.run)) {
    out.answer =
        Fail(ErrorKind::kRefused, "run " + close.run.substr(0, 64) +
                                      " does not answer for it; run " + answered_by + " does");
    return;
  }
  const auto run = runs.find(answered_by);
  if (run != runs.end() && run->second.run.stage != Stage::kFinished) {
    out.answer = Fail(ErrorKind::kRefused, "run " + run->first +
                                               " answers for it and is not finished; cancel that "
                                               "first, should the alert be decided afresh");
    return;
  }
  const bool remedied =
      episode->second.run_finished && episode->second.run_succeeded && !episode->second.heard_again;
  if (remedied) {
    out.answer = Fail(ErrorKind::kRefused, "run " + episode->second.run +
                                               " has succeeded, and the alert was not heard "
                                               "again since: nothing is unanswered");
    return;
  }
  Emit("", EpisodeClosed{close.fingerprint, close.by, close.detail});
  out.answer = close.fingerprint;
}

std::string Engine::Core::QueueRun(RunQueued queued) {
  std::string id = ids();
  Emit(id, std::move(queued));
  return id;
}

LiveRun* Engine::Core::FindUnfinished(const std::string& runbook,
                                      const std::map<std::string, std::string>& parameters) {
  for (const std::string& id : order) {
    LiveRun& live = runs.at(id);
    if (live.run.stage != Stage::kFinished && live.run.plan().runbook == runbook &&
        live.run.plan().parameters == parameters) {
      return &live;
    }
  }
  return nullptr;
}

}  // namespace mailhub::engine
