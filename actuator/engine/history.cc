// See history.h.
#include "actuator/engine/history.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "actuator/engine/sentences.h"

namespace mailhub::engine {
namespace {

constexpr size_t kDurationsKept = 50;
constexpr size_t kEnoughRuns = 5;

// The duration that nine in ten did not exceed. Needs at least one.
Milliseconds NineInTen(std::vector<Milliseconds> durations) {
  std::sort(durations.begin(), durations.end());
  return durations[(durations.size() * 9 - 1) / 10];
}

std::string KindOf(const Plan& plan) {
  std::string key = plan.runbook;
  for (const auto& [name, value] : plan.parameters) {
    key.append("\n").append(name).append("=").append(value);
  }
  return key;
}

}  // namespace

void History::Start() {
  for (auto& [kind, last] : last_runs_) {
    last.steady = clock_.steady() - std::max(clock_.wall() - last.at, Milliseconds(0));
  }
}

void History::Add(const Run& run, WallTime at, const std::optional<Milliseconds>& worked) {
  const Plan& plan = run.plan();
  // A cancelled run neither starts nor ends the cooldown.
  if (run.result != RunResult::kCancelled) {
    last_runs_[KindOf(plan)] = {at, run.id, clock_.steady()};
  }
  if (run.result != RunResult::kSucceeded || !run.started_at) return;
  auto& kept = durations_[plan.runbook + '\n' + plan.target];
  kept.push_back(worked.value_or(std::max(at - *run.started_at, Milliseconds(0))));
  if (kept.size() > kDurationsKept) kept.pop_front();
}

const LastRun* History::LastOf(const Plan& plan) const {
  const auto last = last_runs_.find(KindOf(plan));
  return last == last_runs_.end() ? nullptr : &last->second;
}

std::optional<Milliseconds> History::CooldownLeft(const LastRun& last,
                                                  Milliseconds cooldown) const {
  const Milliseconds gone = clock_.steady() - last.steady;
  if (gone >= cooldown || cooldown <= Milliseconds(0)) return std::nullopt;
  return std::min(cooldown - gone, cooldown);
}

std::optional<Milliseconds> History::Expected(const Plan& plan) const {
  std::vector<Milliseconds> sorted;
  const auto own = durations_.find(plan.runbook + '\n' + plan.target);
  if (own != durations_.end()) sorted.assign(own->second.begin(), own->second.end());
  if (sorted.empty()) {
    for (const auto& [key, kept] : durations_) {
      if (key.starts_with(plan.runbook + '\n')) {
        sorted.insert(sorted.end(), kept.begin(), kept.end());
      }
    }
  }
  if (!sorted.empty()) return NineInTen(std::move(sorted));
  if (plan.expected > Milliseconds(0)) return plan.expected;
  return std::nullopt;
}

Needed History::NeededFor(const Plan& plan) const {
  const auto own = durations_.find(plan.runbook + '\n' + plan.target);
  std::vector<Milliseconds> known;
  if (own != durations_.end()) known.assign(own->second.begin(), own->second.end());
  const std::string runs = std::to_string(known.size()) + (known.size() == 1 ? " run" : " runs");
  if (known.size() >= kEnoughRuns) {
    return {NineInTen(std::move(known)), Say<NeededFrom::kNineInTen>(runs)};
  }
  if (plan.expected > Milliseconds(0)) {
    return {plan.expected, Say<NeededFrom::kExpected>(runs)};
  }
  if (known.empty()) return {Milliseconds(0), Say<NeededFrom::kNothing>()};
  return {*std::max_element(known.begin(), known.end()), Say<NeededFrom::kLongest>(runs)};
}

}  // namespace mailhub::engine
