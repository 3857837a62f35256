// See starts.h.
#include "tests/sim/starts.h"

#include <algorithm>
#include <vector>

namespace mailhub::sim {
namespace {

constexpr size_t kCounted = 50;
constexpr size_t kEnough = 5;

}  // namespace

engine::Suitable Starts::SuitableFor(const engine::Run& run) const {
  engine::Suitable suitable = known_->PlanOf(run).suitable;
  for (const engine::Trigger& trigger : known_->playbook->triggers()) {
    if (trigger.name != run.queued.trigger) continue;
    if (!trigger.suitable.windows.empty()) suitable.windows = trigger.suitable.windows;
    suitable.blackouts.insert(suitable.blackouts.end(), trigger.suitable.blackouts.begin(),
                              trigger.suitable.blackouts.end());
  }
  return suitable;
}

Milliseconds Starts::Needed(const engine::Run& run) const {
  const engine::Plan& plan = known_->PlanOf(run);
  const auto took = took_.find({plan.runbook, plan.target});
  std::vector<Milliseconds> sorted;
  if (took != took_.end()) sorted.assign(took->second.begin(), took->second.end());
  std::ranges::sort(sorted);
  if (sorted.size() < kEnough) {
    if (plan.expected > Milliseconds(0)) return plan.expected;
    return sorted.empty() ? Milliseconds(0) : sorted.back();
  }
  // The least that nine in ten did not exceed.
  for (const Milliseconds one : sorted) {
    const auto within = std::ranges::count_if(sorted, [&](Milliseconds d) { return d <= one; });
    if (static_cast<size_t>(within) * 10 >= sorted.size() * 9) return one;
  }
  return sorted.back();
}

bool Starts::Suits(const engine::Run& run, WallTime at) const {
  return IsSuitable(known_->playbook->times(), SuitableFor(run), at, Needed(run));
}

bool Starts::MustWait(const engine::Run& run) const {
  return run.stage == engine::Stage::kQueued && !known_->playbook->times().empty() &&
         !Suits(run, known_->Wall());
}

Complaint Starts::Record(const engine::Run& run, const engine::RunStarted&, WallTime at) const {
  if (known_->playbook->times().empty() || at_once_.contains(run.id)) return std::nullopt;
  if (Suits(run, at)) return std::nullopt;
  return "a run of " + run.plan().runbook + " started at an unsuitable time, for " +
         std::to_string(Needed(run).count() / 1000) + " s";
}

void Starts::Record(const engine::Run& run, const engine::OperatorActed& body) {
  if (body.verb != engine::Verb::kStart) return;
  const Asked* asked = known_->AskedFor(body);
  if (asked != nullptr && asked->at_once) at_once_.insert(run.id);
}

void Starts::Record(const engine::Run& run, const engine::RunFinished& body) {
  if (body.result != engine::RunResult::kSucceeded || !body.worked) return;
  const engine::Plan& plan = known_->PlanOf(run);
  std::deque<Milliseconds>& took = took_[{plan.runbook, plan.target}];
  took.push_back(*body.worked);
  if (took.size() > kCounted) took.pop_front();
}

}  // namespace mailhub::sim
