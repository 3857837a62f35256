// See runs.h.
#include "actuator/engine/runs.h"

#include <algorithm>

#include "actuator/engine/beginning.h"
#include "actuator/engine/require.h"
#include "actuator/engine/sentences.h"

namespace mailhub::engine {
namespace {

constexpr size_t kFinishedShown = 50;

bool Share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& lock) {
    return std::find(b.begin(), b.end(), lock) != b.end();
  });
}

// A queued run waits for a lock whose holder waits for a person.
bool QueueIsBlockedByHold(const std::vector<RunView>& unfinished) {
  for (const RunView& queued : unfinished) {
    if (queued.state != RunState::kQueued) continue;
    for (const RunView& held : unfinished) {
      if (held.state == RunState::kHeld && Share(held.locks, queued.locks)) return true;
    }
  }
  return false;
}

}  // namespace

Runs::Runs(const Context* context, const Runs& other)
    : context_(*context), order_(other.order_), finished_(other.finished_), schedule_(context) {
  for (const auto& [id, live] : other.runs_) runs_.try_emplace(id, &context_, live.run());
}

const Run* Runs::Apply(const Event& event) {
  if (std::holds_alternative<RunQueued>(event.body)) {
    Require(!runs_.contains(event.run), "a run is queued once");
    runs_.try_emplace(event.run, &context_, event.run);
    order_.push_back(event.run);
  }
  const auto found = runs_.find(event.run);
  Require(found != runs_.end(), "an event is about a run that was queued and not yet forgotten");
  LiveRun& live = found->second;
  const bool told = std::holds_alternative<RunHeld>(event.body) ||
                    std::holds_alternative<OperatorActed>(event.body);
  if (told || AboutOf(event.body) == About::kRun) schedule_.Change();
  const bool was_finished = live.run().stage == Stage::kFinished;
  live.Apply(event);
  if (was_finished || live.run().stage != Stage::kFinished) return nullptr;
  finished_.push_front(event.run);
  return &live.run();
}

void Runs::Account(WallTime at, Milliseconds step) {
  for (const std::string& id : order_) runs_.at(id).Account(at, step);
}

void Runs::Forget() {
  std::erase_if(order_, [&](const std::string& id) {
    const Run& run = runs_.at(id).run();
    return run.stage == Stage::kFinished && run.swept;
  });
  // Beyond the shown runs, only runs with receipts on a host are kept.
  for (size_t i = finished_.size(); i > kFinishedShown; --i) {
    const auto older = finished_.begin() + static_cast<ptrdiff_t>(i - 1);
    if (std::find(order_.begin(), order_.end(), *older) != order_.end()) continue;
    runs_.erase(*older);
    finished_.erase(older);
  }
}

void Runs::PlanStarts() {
  std::vector<const Run*> unfinished;
  for (const std::string& id : order_) {
    const Run& run = runs_.at(id).run();
    if (run.stage != Stage::kFinished) unfinished.push_back(&run);
  }
  schedule_.Work(unfinished);
}

void Runs::Work() {
  PlanStarts();
  const std::deque<std::string> now = order_;
  for (const std::string& id : now) runs_.at(id).Work();
}

std::optional<SteadyTime> Runs::NextDeadline() const {
  std::optional<SteadyTime> next = schedule_.NextDeadline();
  for (const std::string& id : order_) next = Earlier(next, runs_.at(id).NextDeadline());
  return next;
}

std::vector<Effect> Runs::RenewWhilePending() {
  std::vector<Effect> effects;
  for (const std::string& id : order_) runs_.at(id).RenewWhilePending(&effects);
  return effects;
}

void Runs::NoteRenewal(const RemoteDone& done) {
  for (const std::string& id : order_) {
    if (runs_.at(id).NoteRenewal(done)) return;
  }
}

void Runs::Refresh(View* view) const {
  for (RunView& run : view->unfinished) {
    const auto live = runs_.find(run.id);
    if (live != runs_.end()) live->second.Refresh(&run);
  }
}

// --- finding

LiveRun* Runs::Find(const std::string& id) {
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : &found->second;
}

Result<LiveRun*> Runs::FindByPrefix(const std::string& prefix) {
  if (prefix.size() < kShortestBeginning) {
    return Fail(ErrorKind::kInvalid, "a run is named by at least 6 characters of its id");
  }
  FindByBeginning<LiveRun> search("runs", prefix);
  for (auto& [id, live] : runs_) search.Look(id, &live);
  auto found = search.Found();
  if (found && *found == nullptr) {
    return Fail(ErrorKind::kNotFound, "no run has the id " + prefix);
  }
  return found;
}

const Run* Runs::FindUnfinished(const Plan& plan) const {
  for (const std::string& id : order_) {
    const Run& run = runs_.at(id).run();
    if (run.stage != Stage::kFinished && run.plan().runbook == plan.runbook &&
        run.plan().parameters == plan.parameters) {
      return &run;
    }
  }
  return nullptr;
}

bool Runs::Full() const {
  const auto unfinished = std::count_if(order_.begin(), order_.end(), [&](const std::string& id) {
    return runs_.at(id).run().stage != Stage::kFinished;
  });
  return static_cast<size_t>(unfinished) >= context_.config->most_unfinished_runs;
}

// First come, first served for each lock: an older queued run that needs one of ours goes first,
// unless a person has paused it, or its time has not come.
const Run* Runs::BlockedBy(const Run& run) const {
  bool older = true;
  for (const std::string& id : order_) {
    if (id == run.id) {
      older = false;
      continue;
    }
    const Run& other = runs_.at(id).run();
    if (other.stage == Stage::kQueued && (!older || other.pause)) continue;
    if (other.stage == Stage::kFinished || !Share(other.plan().locks, run.plan().locks)) continue;
    if (!schedule_.GivesWay(other)) return &other;
  }
  return nullptr;
}

// Of any run, finished ones included: their locks are free again.
std::string Runs::PassedOverOn(const std::string& host) const {
  for (const std::string& id : order_) {
    if (const Step* step = runs_.at(id).MayStillBegin(host)) {
      return Say<WaitsFor::kPassedOverOn>(host, step->name);
    }
  }
  return "";
}

void Runs::AddTo(const History& history, View* view) const {
  const auto look = [&](const LiveRun& live) {
    return live.Look(history.Expected(live.run().plan()));
  };
  for (const std::string& id : order_) {
    const LiveRun& live = runs_.at(id);
    if (live.run().stage != Stage::kFinished) view->unfinished.push_back(look(live));
  }
  for (size_t i = 0; i < std::min(finished_.size(), kFinishedShown); ++i) {
    view->finished.push_back(look(runs_.at(finished_[i])));
  }
  view->queue_blocked_by_hold = QueueIsBlockedByHold(view->unfinished);
}

}  // namespace mailhub::engine
