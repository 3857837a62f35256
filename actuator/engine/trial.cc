// See trial.h.
#include "actuator/engine/trial.h"

#include <memory>
#include <set>
#include <utility>

#include "actuator/engine/approval.h"
#include "actuator/engine/require.h"

namespace mailhub::engine {
namespace {

// The triggers up to the one of that name; all of them if there is none.
std::vector<PassedTrigger> PassedBefore(const std::string& answers, const Alert& alert,
                                        const std::vector<Trigger>& triggers) {
  std::vector<PassedTrigger> passed;
  for (const Trigger& trigger : triggers) {
    const Matcher* mismatch = FirstMismatch(trigger.matchers, alert.labels);
    if (mismatch == nullptr || trigger.name == answers) break;
    PassedTrigger one{trigger.name, *mismatch, std::nullopt};
    const auto label = alert.labels.find(mismatch->label);
    if (label != alert.labels.end()) one.label = label->second;
    passed.push_back(std::move(one));
  }
  return passed;
}

const Trigger* Find(const std::string& name, const std::vector<Trigger>& triggers) {
  for (const Trigger& trigger : triggers) {
    if (trigger.name == name) return &trigger;
  }
  return nullptr;
}

// A plan is pure, so this is the one that the decision was about.
Result<Plan> Planned(const Trigger& trigger, const Alert& alert, const PlanSource& plans) {
  const auto given = ParametersOf(trigger, alert);
  if (!given) return Fail(given.error());
  return plans.Make(trigger.runbook, *given);
}

void AddPlan(const Trigger& trigger, Result<Plan> plan, AlertTrial* trial) {
  if (!plan) {
    trial->parameters = Fail(plan.error());
    return;
  }
  trial->only_if = OnlyIf(trigger, plan->parameters);
  trial->questions = QuestionsOf(*plan);
  trial->parameters = std::move(plan->parameters);
}

}  // namespace

std::function<std::string()> NewRunIds() {
  return [made = 0]() mutable { return "new-" + std::to_string(++made); };
}

std::vector<AlertTrial> TrialsOf(const Notification& notification, const std::vector<Event>& events,
                                 const std::vector<Trigger>& triggers, const PlanSource& plans) {
  std::vector<AlertTrial> trials;
  std::set<std::string> queued;
  for (const Event& event : events) {
    if (std::holds_alternative<RunQueued>(event.body)) queued.insert(event.run);
    const auto* decided = std::get_if<AlertDecided>(&event.body);
    if (decided == nullptr) continue;
    Require(trials.size() < notification.alerts.size(), "each alert is decided once");
    const Alert& alert = notification.alerts[trials.size()];
    AlertTrial trial;
    trial.decided = *decided;
    trial.new_run = queued.contains(decided->run);
    trial.malformed = !alert.malformed.empty();
    if (!trial.malformed) trial.passed = PassedBefore(decided->trigger, alert, triggers);
    if (const Trigger* trigger = Find(decided->trigger, triggers)) {
      AddPlan(*trigger, Planned(*trigger, alert, plans), &trial);
    }
    trials.push_back(std::move(trial));
  }
  return trials;
}

}  // namespace mailhub::engine
