// See owed.h.
#include "actuator/runbook/owed.h"

#include <algorithm>

namespace mailhub::runbook {
namespace {

using engine::AlwaysStep;
using engine::Step;

constexpr Milliseconds kShortestTimeout{120'000};  // of a service's start

size_t IndexOf(const engine::Plan& plan, const std::string& path) {
  const auto found = std::ranges::find(plan.steps, path, &Step::path);
  return static_cast<size_t>(found - plan.steps.begin());
}

AlwaysStep OwedFor(const engine::Plan& plan, const Step& guarded) {
  AlwaysStep owed;
  owed.since = guarded.path;
  owed.until = guarded.dead_man->until;
  owed.step.name = "Bring back what «" + guarded.name + "» stopped";
  owed.step.host = guarded.host;
  owed.step.command = guarded.dead_man->restore;
  owed.step.idempotent = true;  // the host itself may do it at any time
  owed.step.timeout = kShortestTimeout;
  const Step& until = plan.steps[IndexOf(plan, owed.until)];
  if (until.kind == engine::StepKind::kRun && until.host == guarded.host) {
    owed.step.timeout = std::max(owed.step.timeout, until.timeout);
  }
  return owed;
}

}  // namespace

std::vector<AlwaysStep> OwedFor(const engine::Plan& plan, const std::vector<std::string>& guarded) {
  std::vector<AlwaysStep> owed;
  for (const std::string& path : guarded) {
    const Step& step = plan.steps[IndexOf(plan, path)];
    if (step.dead_man && !step.dead_man->until.empty()) owed.push_back(OwedFor(plan, step));
  }
  std::ranges::stable_sort(owed, [&](const AlwaysStep& a, const AlwaysStep& b) {
    return IndexOf(plan, a.until) < IndexOf(plan, b.until);
  });
  return owed;
}

void DropCovered(const std::set<std::string>& added, engine::Plan* plan) {
  const auto covered = [&](const AlwaysStep& owed) {
    return added.contains(owed.step.path) &&
           std::ranges::any_of(plan->always, [&](const AlwaysStep& other) {
             return !added.contains(other.step.path) && other.since == owed.since &&
                    other.step.host == owed.step.host && other.step.command == owed.step.command &&
                    (other.until == owed.until || other.until.empty());
           });
  };
  std::vector<AlwaysStep> kept;
  for (const AlwaysStep& owed : plan->always) {
    if (!covered(owed)) kept.push_back(owed);
  }
  plan->always = std::move(kept);
}

bool Before(const engine::Plan& plan, const std::string& first, const std::string& second) {
  return IndexOf(plan, first) < IndexOf(plan, second);
}

}  // namespace mailhub::runbook
