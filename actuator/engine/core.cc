// Recording, asking, dispatching: how events and effects leave the engine and results come back to
// the run they are about.
#include "actuator/engine/core.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace mailhub::engine {
namespace {

// How often the clock is looked at while a time-out runs.
constexpr Milliseconds kLook{1'000};

}  // namespace

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "mailhub: engine invariant broken: %s\n", what);
  std::abort();
}

std::string KeyOf(const Run& run, const std::string& path) {
  return run.id + '/' + path + '/' + std::to_string(run.steps.at(path).attempt);
}

std::string RunKey(const std::string& runbook,
                   const std::map<std::string, std::string>& parameters) {
  std::string key = runbook;
  for (const auto& [name, value] : parameters)
    key.append("\n").append(name).append("=").append(value);
  return key;
}

void Engine::Core::Apply(const Event& event) {
  // A replay may leave out what no longer matters; what is emitted has no gaps.
  Require(event.seq >= next_seq, "journal events come in their order");
  next_seq = event.seq + 1;
  if (const auto* body = std::get_if<ActuatorStarted>(&event.body)) epoch = body->epoch;
  if (const auto* body = std::get_if<ModeChanged>(&event.body)) {
    mode = body->mode;
    mode_since = event.at;
    for (const std::string& id : order) runs.at(id).run.Account(event.at, mode);
  }
  if (const auto* body = std::get_if<EpisodeClosed>(&event.body)) {
    const auto closed = episodes.find(body->fingerprint);
    if (closed != episodes.end()) NoteReplaced(body->fingerprint, closed->second.newest_start);
    ForgetEpisode(body->fingerprint);
  }
  if (const auto* body = std::get_if<AlertDecided>(&event.body)) {
    Remember(*body, event.at);
    return;
  }
  if (event.run.empty()) return;

  if (std::holds_alternative<RunQueued>(event.body)) {
    Require(!runs.contains(event.run), "a run is queued once");
    runs[event.run].run.id = event.run;
    order.push_back(event.run);
  }
  const auto found = runs.find(event.run);
  Require(found != runs.end(), "an event is about a run that was queued and not yet forgotten");
  Run& run = found->second.run;
  const bool was_finished = run.stage == Stage::kFinished;
  run.Apply(event);
  run.Account(event.at, mode);
  if (was_finished || run.stage != Stage::kFinished) return;

  finished.push_front(run.id);
  ReleaseEpisodes(run, event.at);
  if (run.result == RunResult::kDropped) return;
  // A cancelled run does not start the cooldown, nor does it end one.
  if (run.result != RunResult::kCancelled) {
    last_runs[RunKey(run.plan().runbook, run.plan().parameters)] = {event.at, run.id, now.steady};
  }
  if (run.result == RunResult::kSucceeded && run.started_at) {
    const auto* body = std::get_if<RunFinished>(&event.body);
    const Milliseconds whole = std::max(event.at - *run.started_at, Milliseconds(0));
    auto& kept = durations[run.plan().runbook + '\n' + run.plan().target];
    kept.push_back(body != nullptr && body->worked ? *body->worked : whole);
    if (kept.size() > kDurationsKept) kept.pop_front();
  }
}

void Engine::Core::Emit(const std::string& run, EventBody body) {
  Event event{next_seq, now.wall, run, std::move(body)};
  Apply(event);
  out.events.push_back(std::move(event));
}

EffectId Engine::Core::Ask(std::variant<RemoteRequest, GateQuestion, QueryQuestion> what,
                           const std::string& run) {
  const EffectId id = next_effect++;
  asked[id] = run;
  out.effects.push_back({id, std::move(what)});
  return id;
}

void Engine::Core::SetNow(Moment moment) {
  // Nobody looked for longer than there was nothing to do: that much counts as unattended.
  static constexpr Milliseconds kSlack{200};
  const Milliseconds passed = moment.steady - now.steady;
  const std::optional<SteadyTime> next = NextDeadline();
  const Milliseconds idle = next ? *next - now.steady : kLook;
  attended += std::clamp(passed, Milliseconds(0), std::max(idle, Milliseconds(0)) + kSlack);
  now = moment;
}

Output Engine::Core::Finish() {
  if (started) {
    // A run's end can free another's lock, so go round until nothing more happens; each round emits
    // at least one event.
    size_t events_before = 0;
    do {
      events_before = out.events.size();
      const std::deque<std::string> ids_now = order;
      for (const std::string& id : ids_now) Work(runs.at(id));
      DecideWaiting();
    } while (out.events.size() != events_before);
    Forget();
  }
  Output output = std::move(out);
  out = Output();
  return output;
}

void Engine::Core::Dispatch(const RemoteDone& done) {
  const auto owner = asked.find(done.id);
  if (owner == asked.end()) return;
  const auto found = runs.find(owner->second);
  asked.erase(owner);
  if (found == runs.end()) return;
  LiveRun& live = found->second;
  for (auto& [path, lease] : live.leases) {
    if (lease.effect != done.id) continue;
    lease.effect = 0;
    const std::string name = path;
    OnLease(live, name, done.reply);
    return;
  }
  for (auto& [given_up, lease] : live.given_up) {
    if (lease.effect != done.id) continue;
    const LeaseName name = given_up;
    OnGivenUp(live, name, done.reply);
    return;
  }
  for (auto& [passed_over, doing] : live.passed_over) {
    if (doing.effect != done.id) continue;
    const AttemptName name = passed_over;
    OnPassedOver(live, name, done.reply);
    return;
  }
  for (auto& [host, effect] : live.sweeping) {
    if (effect != done.id) continue;
    const std::string name = host;
    live.sweeping.erase(host);
    OnSwept(live, name, done.reply);
    return;
  }
  const Step* step = live.run.Current();
  if (step == nullptr || step->path != live.doing.path) return;
  for (auto& [host, effect] : live.doing.mark_effects) {
    if (effect != done.id) continue;
    const std::string name = host;
    live.doing.mark_effects.erase(host);
    OnMark(live, *step, name, done.reply);
    return;
  }
  if (live.doing.effect != done.id) return;
  live.doing.effect = 0;
  OnStepReply(live, *step, done.reply);
}

void Engine::Core::Dispatch(const GateDone& done) {
  const auto owner = asked.find(done.id);
  if (owner == asked.end()) return;
  const auto found = runs.find(owner->second);
  asked.erase(owner);
  if (found == runs.end() || found->second.doing.effect != done.id) return;
  LiveRun& live = found->second;
  const Step* step = live.run.Current();
  if (step == nullptr || step->path != live.doing.path) return;
  live.doing.effect = 0;
  OnGate(live, *step, done.reading);
}

void Engine::Core::Dispatch(const QueryDone& done) {
  const auto owner = asked.find(done.id);
  if (owner == asked.end()) return;
  const auto found = runs.find(owner->second);
  asked.erase(owner);
  if (found == runs.end() || found->second.only_if != done.id) return;
  found->second.only_if = 0;
  OnOnlyIf(found->second, done.reading);
}

SteadyTime Engine::Core::Deadline(WallTime since, Milliseconds limit, Milliseconds least) const {
  return Attended(std::max(LeftOf(since, limit), std::min(limit, least)));
}

Milliseconds Engine::Core::LeftOf(WallTime since, Milliseconds limit) const {
  return limit - std::clamp(now.wall - since, Milliseconds(0), limit);
}

std::optional<SteadyTime> Engine::Core::NextDeadline() const {
  std::optional<SteadyTime> next;
  const auto consider = [&](const std::optional<SteadyTime>& at) {
    // What is past was offered to Work() in this very call; it waits for something else.
    if (at && *at > now.steady && (!next || *at < *next)) next = at;
  };
  for (const std::string& id : order) {
    const LiveRun& live = runs.at(id);
    if (live.doing.effect == 0) consider(live.doing.due);
    // Time in which nobody looks is to be seen as such.
    if (live.doing.deadline && live.run.holds.empty()) consider(In(kLook));
    const auto ask = [&](EffectId under_way, const std::optional<SteadyTime>& due,
                         const std::optional<SteadyTime>& give_up) {
      if (under_way == 0) {
        consider(due);
      } else if (give_up) {
        consider(In(kLook));  // the answer may be long in coming
      }
    };
    ask(live.only_if, live.only_if_due, live.only_if_give_up);
    consider(live.sweep_due);
    for (const auto& [path, lease] : live.leases) ask(lease.effect, lease.due, lease.give_up);
    for (const auto& [name, lease] : live.given_up) ask(lease.effect, lease.due, lease.give_up);
    for (const auto& [name, doing] : live.passed_over) ask(doing.effect, doing.due, {});
  }
  if (mode == Mode::kActive) {
    for (const std::string& fingerprint : waiting) consider(episodes.at(fingerprint).due);
  }
  return next;
}

}  // namespace mailhub::engine
