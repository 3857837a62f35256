// See core.h.
#include "actuator/engine/core.h"

#include <utility>

#include "actuator/engine/admission.h"
#include "actuator/engine/commands.h"
#include "actuator/engine/require.h"
#include "actuator/engine/trial.h"

namespace mailhub::engine {

Engine::Core::Core(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids)
    : config_(std::move(config)),
      recorder_(&clock_, [this](const Event& event) { Fold(event); }),
      context_{&config_, &clock_, &mode_, &runs_, &recorder_, plans, std::move(ids), &history_},
      runs_(&context_),
      episodes_(&context_),
      history_(&clock_),
      decisions_(&context_, &runs_, &episodes_, &history_) {}

// Every member that a decision reads is copied here. What runs await is not: a copy does no work.
Engine::Core::Core(const Core& other, Moment now)
    : config_(other.config_),
      clock_(other.clock_),
      mode_(other.mode_),
      recorder_(&clock_, [this](const Event& event) { Fold(event); }),
      context_{&config_,    &clock_,  &mode_, &runs_, &recorder_, other.context_.plans,
               NewRunIds(), &history_},
      runs_(&context_, other.runs_),
      episodes_(&context_, other.episodes_),
      history_(&clock_, other.history_),
      decisions_(&context_, &runs_, &episodes_, &history_),
      epoch_(other.epoch_),
      started_(other.started_) {
  clock_.Show(now);
}

Output Engine::Core::Reconfigure(EngineConfig config, const PlanSource* plans, Moment now) {
  Require(started_, "inputs come after the start");
  Pass(now);  // by the old deadlines
  config_ = std::move(config);
  context_.plans = plans;
  runs_.Replan();
  return Finish();
}

// --- the journal's events

void Engine::Core::Replay(const Event& event) {
  Require(!started_, "the journal is replayed before the start");
  recorder_.Replay(event);
  runs_.Forget();
}

void Engine::Core::Fold(const Event& event) {
  if (const auto* started = std::get_if<ActuatorStarted>(&event.body)) {
    epoch_ = started->epoch;
  } else if (const auto* changed = std::get_if<ModeChanged>(&event.body)) {
    mode_ = {changed->mode, event.at};
    runs_.Account(event.at);
  } else if (const auto* closed = std::get_if<EpisodeClosed>(&event.body)) {
    episodes_.Apply(*closed);
  } else if (const auto* decided = std::get_if<AlertDecided>(&event.body)) {
    episodes_.Apply(*decided, event.at);
  } else if (!event.run.empty()) {
    const Run* finished = runs_.Apply(event);
    if (finished == nullptr) return;
    episodes_.Release(*finished, event.at);
    if (finished->result == RunResult::kDropped) return;
    const auto* end = std::get_if<RunFinished>(&event.body);
    history_.Add(*finished, event.at, end == nullptr ? std::nullopt : end->worked);
  }
}

// --- inputs

Output Engine::Core::Start(Moment now, const std::string& version) {
  Require(!started_, "an engine starts once");
  started_ = true;
  clock_.Start(now);
  history_.Start();
  episodes_.Start();
  recorder_.Emit("", ActuatorStarted{epoch_ + 1, version});
  return Finish();
}

Output Engine::Core::Handle(const Input& input, Moment now) {
  Require(started_, "inputs come after the start");
  Pass(now);
  std::visit([&](const auto& given) { Take(given); }, input);
  return Finish();
}

void Engine::Core::Pass(Moment now) {
  const Milliseconds step = clock_.Advance(now, NextDeadline());
  if (step != Milliseconds(0)) runs_.Account(now.wall, step);
}

Output Engine::Core::Advance(Moment now) {
  Require(started_, "time passes after the start");
  Pass(now);
  return Finish();
}

void Engine::Core::Take(const Notification& notification) {
  const Status taken = decisions_.Notify(notification);
  recorder_.Answer(taken ? Result<std::string>(notification.id) : Fail(taken.error()));
}

void Engine::Core::Take(const Command& command) {
  recorder_.Answer(Obey(command, context_, &runs_));
}

void Engine::Core::Take(const SetMode& set) {
  if (mode_.mode != set.mode) recorder_.Emit("", ModeChanged{set.mode, set.by});
}

void Engine::Core::Take(const TakeOver& take_over) {
  recorder_.Emit("", HostTakeover{take_over.host, take_over.by, take_over.detail});
}

void Engine::Core::Take(const CloseEpisode& close) {
  recorder_.Answer(decisions_.Close(close));
}

template <typename Done>
void Engine::Core::Take(const Done& done) {
  const std::optional<std::string> asker = recorder_.TakeAsker(done.id);
  LiveRun* live = asker ? runs_.Find(*asker) : nullptr;
  if (live != nullptr) live->Hear(done);
}

Output Engine::Core::Finish() {
  // A run's end can free another's lock, so repeat until nothing happens; each round emits at least
  // one event.
  size_t before = 0;
  do {
    before = recorder_.Recorded();
    runs_.Work();
    if (!mode_.Active()) continue;
    decisions_.DecideAfresh(episodes_.TakeDue());
    decisions_.TryAgain(episodes_.TakeStillFiring());
  } while (recorder_.Recorded() != before);
  runs_.Forget();
  return recorder_.Take();
}

std::optional<SteadyTime> Engine::Core::NextDeadline() const {
  const std::optional<SteadyTime> next = runs_.NextDeadline();
  return Earlier(next, episodes_.NextDeadline(mode_.Active()));
}

// --- views

// On a copy, because an alert's decision depends on the records of those before it.
Result<std::vector<AlertTrial>> Engine::Core::Try(const Notification& notification,
                                                  Moment now) const {
  Require(started_, "inputs come after the start");
  Core copy(*this, now);
  const Status taken = copy.decisions_.Notify(notification);
  if (!taken) return Fail(taken.error());
  auto trials =
      TrialsOf(notification, copy.recorder_.Take().events, config_.triggers, *context_.plans);
  copy.runs_.PlanStarts();
  for (AlertTrial& trial : trials) {
    const LiveRun* live = trial.new_run ? copy.runs_.Find(trial.decided.run) : nullptr;
    const bool queued = live != nullptr && live->run().stage == Stage::kQueued;
    if (queued) trial.start = live->Foresee();
  }
  return trials;
}

template <typename Do>
auto Engine::Core::Showing(Moment now, Do&& action) {
  const Moment worked = clock_.Show(now);
  auto result = action();
  clock_.Show(worked);
  return result;
}

std::vector<Effect> Engine::Core::RenewWhilePending(Moment now) {
  return Showing(now, [&] { return runs_.RenewWhilePending(); });
}

void Engine::Core::NoteRenewal(const RemoteDone& done) {
  runs_.NoteRenewal(done);
}

void Engine::Core::RefreshDeadMen(View* view, Moment now) {
  Showing(now, [&] {
    runs_.Refresh(view);
    return 0;
  });
}

View Engine::Core::Look(Moment now) {
  return Showing(now, [&] {
    View view;
    view.mode = mode_.mode;
    view.epoch = epoch_;
    episodes_.AddTo(&view);
    runs_.AddTo(history_, &view);
    return view;
  });
}

StartView Engine::Core::ForeseeStart(const Plan& plan, Moment now) {
  return Showing(now, [&] {
    Run run;
    run.queued.plan = plan;
    StartView start = Admission(&context_, &run).Foresee();
    const Status may = MayQueue(plan, context_, runs_);
    if (!may) start.refused = may.error().message;
    return start;
  });
}

std::vector<CooldownLeft> Engine::Core::CooldownsOf(const Plan& plan, Moment now) {
  return Showing(now, [&] {
    std::vector<CooldownLeft> cooldowns;
    const LastRun* last = history_.LastOf(plan);
    if (last == nullptr) return cooldowns;
    for (const Trigger& trigger : config_.triggers) {
      if (trigger.runbook != plan.runbook) continue;
      const auto left = history_.CooldownLeft(*last, trigger.cooldown);
      if (left) cooldowns.push_back({trigger.name, last->run, *left});
    }
    return cooldowns;
  });
}

}  // namespace mailhub::engine
