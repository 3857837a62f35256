// See run.h.
#include "actuator/engine/run.h"

#include <algorithm>
#include <set>

namespace mailhub::engine {
namespace {

const StepState* StateOf(const std::map<std::string, StepState>& steps, const std::string& path) {
  const auto found = steps.find(path);
  return found == steps.end() ? nullptr : &found->second;
}

}  // namespace

void Run::FindPlaces() {
  for (size_t i = 0; i < plan().steps.size(); ++i) places_[plan().steps[i].path] = {false, i};
  for (size_t i = 0; i < plan().always.size(); ++i) places_[plan().always[i].step.path] = {true, i};
  for (const Step& step : plan().steps) {
    if (step.dead_man) restoring_[step.path] = FindRestoring(step);
  }
  for (const AlwaysStep& always : plan().always) {
    if (always.step.dead_man) restoring_[always.step.path] = FindRestoring(always.step);
  }
}

std::vector<size_t> Run::FindRestoring(const Step& stops) const {
  std::vector<size_t> found;
  const DeadMan& dead_man = *stops.dead_man;
  const AlwaysStep* owed = BringsBack(stops.path);
  const Place& place = places_.at(stops.path);
  for (size_t i = 0; i < plan().steps.size(); ++i) {
    const Step& step = plan().steps[i];
    const bool later = !place.always && i > place.index;
    const bool same = later && step.host == stops.host && step.command == dead_man.restore;
    const bool pays = owed != nullptr && owed->until == step.path && step.path != stops.path;
    if (dead_man.until == step.path || pays || (dead_man.until.empty() && same)) {
      found.push_back(i);
    }
  }
  return found;
}

void Run::Account(WallTime at, Mode mode) {
  if (accounted) worked += std::max(at - *accounted, Milliseconds(0));
  const bool works = (stage == Stage::kActive || stage == Stage::kEnding) && holds.empty() &&
                     !pause && mode == Mode::kActive && !AtQuestion();
  accounted = works ? std::optional(at) : std::nullopt;
}

const Step* Run::OwedAlways() const {
  for (const AlwaysStep& always : plan().always) {
    const StepState* own = StateOf(steps, always.step.path);
    if (own != nullptr && own->result) continue;
    const StepState* since = StateOf(steps, always.since);
    if (since == nullptr || since->attempt == 0) continue;
    const StepState* until = StateOf(steps, always.until);
    if (until != nullptr && until->Fulfilled()) continue;
    // It comes after the end of the command, unless a person no longer waits for that.
    const bool awaited = passed_over.contains(always.since) && !released.contains(always.since);
    if (awaited && BringsBack(always.since) == &always) continue;
    return &always.step;
  }
  return nullptr;
}

const Step* Run::LeftRunning() const {
  const bool at_end = stage == Stage::kActive && under_way_.empty() && next_ == plan().steps.size();
  if (!at_end && stage != Stage::kEnding) return nullptr;
  for (const Step& step : plan().steps) {
    const StepState* state = StateOf(steps, step.path);
    const bool runs = state != nullptr && state->attempt > 0 && !state->settled;
    if (runs && step.dead_man && !released.contains(step.path)) return &step;
  }
  return nullptr;
}

const Step* Run::Current() const {
  if (stage != Stage::kActive && stage != Stage::kEnding) return nullptr;
  if (stage == Stage::kActive && !under_way_.empty()) return &plan().steps[*under_way_.begin()];
  if (stage == Stage::kActive && next_ < plan().steps.size()) return &plan().steps[next_];
  const Step* owed = stage == Stage::kEnding ? OwedAlways() : nullptr;
  return owed != nullptr ? owed : LeftRunning();
}

const Step* Run::ComesAfter(const Step& step) const {
  for (const std::string& path : passed_over) {
    const std::vector<const Step*> restoring = Restoring(path);
    const bool brings_back =
        std::find(restoring.begin(), restoring.end(), &step) != restoring.end();
    if (brings_back && path != step.path && !released.contains(path)) return Find(path);
  }
  return nullptr;
}

bool Run::IsToBeRepeated(const std::string& path) const {
  const StepState* own = StateOf(steps, path);
  if (own != nullptr && own->again) return true;
  return std::any_of(plan().steps.begin(), plan().steps.end(), [&](const Step& step) {
    const StepState* state = StateOf(steps, step.path);
    // A step that restarts by itself what it stops is not the start for another stop.
    return step.dead_man && step.dead_man->until == path && step.path != path && state != nullptr &&
           !state->result && state->attempt > 0;
  });
}

bool Run::IsOfTheRepeat(const Hold& hold) const {
  const StepState* own = StateOf(steps, hold.path);
  return own != nullptr && own->again && own->settled && hold.number > own->holds_before;
}

bool Run::WentBackFrom(const std::string& path) const {
  const auto place = places_.find(path);
  return place != places_.end() && !place->second.always && place->second.index > next_;
}

const Step* Run::Find(const std::string& path) const {
  const auto place = places_.find(path);
  if (place == places_.end()) return nullptr;
  const auto& [always, index] = place->second;
  return always ? &plan().always[index].step : &plan().steps[index];
}

bool Run::HasResult(const std::string& path) const {
  const StepState* state = StateOf(steps, path);
  return state != nullptr && state->result;
}

bool Run::IsAlways(const std::string& path) const {
  const auto place = places_.find(path);
  return place != places_.end() && place->second.always;
}

bool Run::LeavesToDeadMan(const std::string& path) const {
  const StepState* state = StateOf(steps, path);
  if (state == nullptr || !state->ended_late || !released.contains(path)) return false;
  // An earlier attempt may have stopped a service although the last one never ran.
  return state->attempt > 1 || state->receipts_lost || state->receipt.state != ReceiptState::kVoid;
}

// A refusal about a finished step is about its dead man.
bool Run::IsAboutDeadMan(const Hold& hold) const {
  return IsAboutLease(hold.reason) || (hold.reason == HoldReason::kRefused && HasResult(hold.path));
}

const Hold* Run::FindHold(int number) const {
  const auto found = std::find_if(holds.begin(), holds.end(),
                                  [&](const Hold& hold) { return hold.number == number; });
  return found == holds.end() ? nullptr : &*found;
}

bool Run::HasHold(const std::string& path, HoldReason reason) const {
  return std::any_of(holds.begin(), holds.end(),
                     [&](const Hold& hold) { return hold.path == path && hold.reason == reason; });
}

bool Run::AtQuestion() const {
  const Step* current = Current();
  if (current == nullptr || current->kind != StepKind::kConfirm) return false;
  const StepState* state = StateOf(steps, current->path);
  return state != nullptr && state->attempt > 0 && !state->again;
}

const AlwaysStep* Run::BringsBack(const std::string& path) const {
  const Step* stops = Find(path);
  if (stops == nullptr || !stops->dead_man) return nullptr;
  for (const AlwaysStep& always : plan().always) {
    const bool restores =
        always.step.host == stops->host && always.step.command == stops->dead_man->restore;
    const std::string& until = stops->dead_man->until;
    const bool as_long = always.until == until || always.until.empty() || until.empty();
    if (always.since == path && restores && as_long) return &always;
  }
  return nullptr;
}

std::vector<const Step*> Run::Restoring(const std::string& path) const {
  std::vector<const Step*> found;
  const auto known = restoring_.find(path);
  if (known == restoring_.end()) return found;
  for (const size_t index : known->second) found.push_back(&plan().steps[index]);
  return found;
}

bool Run::LeaseIsOver(const std::string& path) const {
  const auto fulfilled = [&](const Step* step) {
    const StepState* state = StateOf(steps, step->path);
    return state != nullptr && state->Fulfilled();
  };
  if (released.contains(path)) return true;
  const StepState* own = StateOf(steps, path);
  // Given up before it began. A step that a person did by other means is still guarded.
  const bool no_more = own != nullptr && own->result && own->result != StepResult::kResolved;
  if (no_more && own->attempt == 0) return true;
  // Passed over while its command ran, or left at the end: it may still take effect.
  const bool left = own != nullptr && (own->result || stage == Stage::kEnding);
  if (left && own->attempt > 0 && !own->settled) return false;
  const std::vector<const Step*> restoring = Restoring(path);
  if (std::any_of(restoring.begin(), restoring.end(), fulfilled)) return true;
  const AlwaysStep* owed = BringsBack(path);
  return owed != nullptr && fulfilled(&owed->step);
}

bool Run::Owes(const std::string& path) const {
  const StepState* stopped = StateOf(steps, path);
  if (stopped == nullptr || stopped->attempt == 0 || LeaseIsOver(path)) return false;
  const bool never_ran = stopped->attempt == 1 && stopped->settled && !stopped->receipts_lost &&
                         stopped->receipt.state == ReceiptState::kVoid;
  if (never_ran) return false;
  if (!stopped->settled) return true;
  if (stopped->restored && stopped->restore_exit == 0) return false;
  const DeadMan& dead_man = *Find(path)->dead_man;
  if (dead_man.until == path && stopped->Succeeded()) return false;
  if (!dead_man.until.empty() || places_.at(path).always) return true;
  if (stopped->ended_late) return true;  // later actions may have come before its end
  // Without `until`: all steps that its author wanted are done.
  const auto later = plan().steps.begin() + static_cast<ptrdiff_t>(places_.at(path).index);
  return result != RunResult::kSucceeded ||
         !std::all_of(later, plan().steps.end(), [&](const Step& step) {
           const StepState* state = StateOf(steps, step.path);
           return state != nullptr && state->Fulfilled();
         });
}

bool Run::HasActedSince(const std::string& path) const {
  const auto place = places_.find(path);
  if (place == places_.end() || place->second.always) return false;
  return HasActedFrom(place->second.index + 1);
}

bool Run::HasActedFrom(size_t index) const {
  return std::any_of(plan().steps.begin() + static_cast<ptrdiff_t>(index), plan().steps.end(),
                     [&](const Step& step) {
                       const StepState* state = StateOf(steps, step.path);
                       const bool acts = step.kind == StepKind::kRun || step.kind == StepKind::kJob;
                       return acts && state != nullptr && state->attempt > 0;
                     });
}

bool Run::HasActed() const {
  return HasActedFrom(0);
}

bool Run::Committed() const {
  const auto commit = places_.find(plan().commit);
  if (commit == places_.end()) return false;
  const StepState* state = StateOf(steps, plan().commit);
  return (state != nullptr && state->attempt > 0) || HasActedFrom(commit->second.index);
}

std::vector<std::string> Run::TouchedHosts() const {
  std::vector<std::string> hosts;
  for (const auto& [host, directory] : directories) hosts.push_back(host);
  return hosts;
}

std::vector<std::string> HostsOf(const Plan& plan) {
  std::set<std::string> hosts;
  const auto add = [&](const Step& step) {
    if (!step.host.empty()) hosts.insert(step.host);
    if (step.gate) hosts.insert(step.gate->about.begin(), step.gate->about.end());
  };
  for (const Step& step : plan.steps) add(step);
  for (const AlwaysStep& always : plan.always) add(always.step);
  return {hosts.begin(), hosts.end()};
}

}  // namespace mailhub::engine
