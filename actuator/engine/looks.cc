// What the engine shows of itself. Reads only.
#include <algorithm>

#include "actuator/engine/core.h"

namespace mailhub::engine {
namespace {

StepPhase PhaseOf(const Step& step, const StepState* state, const Doing& doing) {
  const bool current = doing.path == step.path;
  if (state == nullptr || state->attempt == 0) {
    return current && (doing.effect != 0 || doing.due) ? StepPhase::kPreparing
                                                       : StepPhase::kPending;
  }
  if (state->result) return StepPhase::kDone;
  if (step.kind == StepKind::kConfirm) return StepPhase::kConfirm;
  const bool action = step.kind == StepKind::kRun || step.kind == StepKind::kJob;
  if (action && !state->settled) return StepPhase::kActing;
  const bool again = state->approved || (!state->Succeeded() && !state->Unknown());
  if (action && again) return StepPhase::kRetryWait;
  return current && doing.marks.empty() ? StepPhase::kMarking : StepPhase::kGate;
}

// Adds to what the events say what this life of the program is doing about the step.
void AddDoing(const Step& step, const Run& run, const Doing& doing, WallTime now, StepView* view) {
  const auto found = run.steps.find(step.path);
  const StepState* state = found == run.steps.end() ? nullptr : &found->second;
  if (view->phase == StepPhase::kLeft) return;
  view->phase = PhaseOf(step, state, doing);
  const bool held = std::any_of(run.holds.begin(), run.holds.end(),
                                [&](const Hold& hold) { return hold.path == step.path; });
  const bool idle = view->phase == StepPhase::kRetryWait || view->phase == StepPhase::kPreparing ||
                    view->phase == StepPhase::kPending;
  if (held && idle) view->phase = StepPhase::kHeld;
  if (doing.path == step.path) view->gate = doing.reading;
  if (doing.path == step.path && !doing.output.empty()) view->output = doing.output;
  if (view->started && !view->result) {
    view->took = std::max(now - *view->started, Milliseconds(0));
  }
}

}  // namespace

// How long nine runs in ten took: of this target, else of any, else what the runbook expects.
std::optional<Milliseconds> Engine::Core::Expected(const Plan& plan) const {
  std::vector<Milliseconds> sorted;
  const auto own = durations.find(plan.runbook + '\n' + plan.target);
  if (own != durations.end()) sorted.assign(own->second.begin(), own->second.end());
  if (sorted.empty()) {
    for (const auto& [key, kept] : durations) {
      if (key.starts_with(plan.runbook + '\n'))
        sorted.insert(sorted.end(), kept.begin(), kept.end());
    }
  }
  if (!sorted.empty()) {
    std::sort(sorted.begin(), sorted.end());
    return sorted[(sorted.size() * 9 - 1) / 10];
  }
  if (plan.expected > Milliseconds(0)) return plan.expected;
  return std::nullopt;
}

std::string Engine::Core::WaitingFor(const LiveRun& live) const {
  const Run& run = live.run;
  if (run.stage == Stage::kQueued) {
    if (mode != Mode::kActive) return std::string("mode is ") + Name(mode);
    if (run.pause) return "paused";
    if (const Run* other = BlockedBy(live)) {
      return "run " + other->id.substr(0, 12) + " (" + other->plan().runbook +
             "), which has a lock that it needs";
    }
    return live.doing.trouble.empty() ? "whether it is still needed" : live.doing.trouble;
  }
  if (run.stage == Stage::kFinished) return "";
  if (!run.holds.empty()) return "a person: " + run.holds.front().detail;
  for (const auto& [path, lease] : live.leases) {
    if (!lease.trouble.empty()) return "a dead man's lease: " + lease.trouble;
  }
  if (const Step* left = run.LeftRunning(); left != nullptr && left == run.Current()) {
    return "the end of the command of \"" + left->name + "\" on " + left->host +
           ", which was passed over" +
           (live.doing.trouble.empty() ? "" : ": " + live.doing.trouble);
  }
  if (!live.doing.trouble.empty()) return live.doing.trouble;
  if (live.doing.reading && live.doing.reading->state != GateState::kOpen) {
    return std::string("the gate is ") + Name(live.doing.reading->state) +
           (live.doing.reading->why.empty() ? "" : ": " + live.doing.reading->why);
  }
  return "";
}

// What a run causes may be silenced only while it goes on by itself. At its end it does so as long
// as its hosts answer.
bool Engine::Core::Acts(const LiveRun& live) const {
  const Run& run = live.run;
  if (run.stage != Stage::kActive && run.stage != Stage::kEnding) return false;
  if (mode != Mode::kActive || !run.holds.empty() || run.pause || run.AtQuestion()) return false;
  if (run.stage == Stage::kEnding && !live.doing.trouble.empty()) return false;
  const Step* left = run.LeftRunning();
  if (left != nullptr && left == run.Current()) return false;
  return !AtEnd(live) || std::all_of(live.leases.begin(), live.leases.end(), [](const auto& lease) {
    return lease.second.trouble.empty();
  });
}

void Engine::Core::AddLeases(const LiveRun& live, RunView* view) const {
  const auto add = [&](const std::string& path, const Lease& lease, LeasePhase phase) {
    LeaseView one;
    one.path = path;
    one.host = lease.host;
    one.after = lease.after;
    const auto found = live.leases.find(path);
    const bool of_this = found != live.leases.end() && phase != LeasePhase::kLost;
    const LeaseDoing* doing = of_this ? &found->second : nullptr;
    if (doing != nullptr) one.trouble = doing->trouble;
    const bool known = doing != nullptr && doing->confirmed;
    if (known) one.confirmed_ago = now.steady - *doing->confirmed;
    one.phase = phase;
    if (phase != LeasePhase::kUnconfirmed) {
      // As its own events say.
    } else if (live.run.LeaseIsOver(path)) {
      one.phase = LeasePhase::kDisarming;
    } else if (known && now.steady < *doing->confirmed + lease.after) {
      one.phase = LeasePhase::kArmed;
    }
    view->leases.push_back(std::move(one));
  };
  const Run& run = live.run;
  for (const auto& [path, lease] : run.leases) add(path, lease, LeasePhase::kUnconfirmed);
  for (const auto& [path, lease] : run.restored) add(path, lease, LeasePhase::kRestored);
  for (const auto& [name, lease] : run.given_up) add(name.first, lease, LeasePhase::kLost);
}

// The rest of the view is of what is recorded. Hosts wait for no record.
void Engine::Core::RefreshLeases(View* view) const {
  for (RunView& run : view->unfinished) {
    const auto live = runs.find(run.id);
    for (LeaseView& lease : run.leases) {
      if (lease.phase != LeasePhase::kArmed && lease.phase != LeasePhase::kUnconfirmed) continue;
      const bool known = live != runs.end() && live->second.leases.contains(lease.path);
      const LeaseDoing doing = known ? live->second.leases.at(lease.path) : LeaseDoing();
      lease.trouble = known ? doing.trouble : "what its host has said last is not recorded yet";
      lease.confirmed_ago.reset();
      if (doing.confirmed) lease.confirmed_ago = now.steady - *doing.confirmed;
      const bool armed = lease.confirmed_ago && *lease.confirmed_ago < lease.after;
      lease.phase = armed ? LeasePhase::kArmed : LeasePhase::kUnconfirmed;
    }
  }
}

EpisodeView Engine::Core::LookAt(const Episode& episode) const {
  EpisodeView view;
  view.fingerprint = episode.alert.fingerprint;
  const auto name = episode.alert.labels.find("alertname");
  if (name != episode.alert.labels.end()) view.alertname = name->second;
  view.trigger = episode.trigger;
  view.run = episode.run;
  view.decided = episode.decided;
  view.detail = episode.detail;
  const bool joined_late = episode.decision == Decision::kJoinedLate && !episode.run_finished;
  if (waiting.contains(view.fingerprint) || joined_late) {
    view.state = EpisodeState::kWaiting;
  } else if (episode.run_finished) {
    const bool remedied = episode.run_succeeded && !episode.heard_again;
    view.state = remedied ? EpisodeState::kRemedied : EpisodeState::kUnanswered;
  }
  return view;
}

RunView Engine::Core::LookAt(const LiveRun& live) const {
  const Run& run = live.run;
  const Plan& plan = run.plan();
  RunView view = ViewOf(run);
  view.waiting_for = WaitingFor(live);
  const std::optional<Milliseconds> expected = Expected(plan);
  if (expected && run.started_at && !run.finished_at) {
    // What people and pauses took is no part of what was expected.
    const Milliseconds worked =
        run.worked +
        (run.accounted ? std::max(now.wall - *run.accounted, Milliseconds(0)) : Milliseconds(0));
    view.eta = now.wall - worked + *expected;
    // A quarter more than nine runs in ten took.
    view.overdue = worked > *expected * 5 / 4;
  }
  AddLeases(live, &view);
  view.acting = Acts(live);
  const Step* current = run.Current();
  size_t index = 0;
  const auto add = [&](const Step& step) {
    if (&step == current) view.current = index;
    AddDoing(step, run, live.doing, now.wall, &view.steps[index++]);
  };
  for (const Step& step : plan.steps) add(step);
  for (const AlwaysStep& always : plan.always) add(always.step);
  return view;
}

View Engine::Core::Look() const {
  View view;
  view.mode = mode;
  view.epoch = epoch;
  view.open_episodes = episodes.size();
  for (const auto& [fingerprint, episode] : episodes) {
    EpisodeView one = LookAt(episode);
    view.unanswered_episodes += one.state == EpisodeState::kUnanswered ? 1 : 0;
    if (view.episodes.size() < kEpisodesShown) view.episodes.push_back(std::move(one));
  }
  for (const std::string& id : order) {
    const LiveRun& live = runs.at(id);
    if (live.run.stage != Stage::kFinished) view.unfinished.push_back(LookAt(live));
  }
  for (size_t i = 0; i < std::min(finished.size(), kFinishedShown); ++i) {
    view.finished.push_back(LookAt(runs.at(finished[i])));
  }
  // A queued run waits on a lock, and the run that has it waits for a person.
  for (const RunView& queued : view.unfinished) {
    if (queued.state != RunState::kQueued) continue;
    for (const RunView& held : view.unfinished) {
      const bool shares = std::any_of(held.locks.begin(), held.locks.end(), [&](const auto& lock) {
        return std::find(queued.locks.begin(), queued.locks.end(), lock) != queued.locks.end();
      });
      if (held.state == RunState::kHeld && shares) view.queue_blocked_by_hold = true;
    }
  }
  return view;
}

}  // namespace mailhub::engine
