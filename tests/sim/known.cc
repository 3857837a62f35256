// See known.h.
#include "tests/sim/known.h"

#include "tests/sim/machines.h"

#include <algorithm>

#include "tests/sim/engine_seams.h"

namespace mailhub::sim {

Key SplitAttempt(const std::string& key) {
  const size_t first = key.find('/');
  const size_t last = key.rfind('/');
  return {key.substr(0, first), key.substr(first + 1, last - first - 1),
          std::stoi(key.substr(last + 1))};
}

Key SplitLease(const std::string& key) {
  const size_t slash = key.find('/');
  return {key.substr(0, slash), key.substr(slash + 1), 0};
}

const engine::StepState* StateOf(const engine::Run& run, const std::string& path) {
  const auto found = run.steps.find(path);
  return found == run.steps.end() ? nullptr : &found->second;
}

bool MovesOn(const engine::Run& run, const engine::Event& event) {
  const auto* acted = std::get_if<engine::OperatorActed>(&event.body);
  const auto* settled = std::get_if<engine::StepSettled>(&event.body);
  const engine::StepState* state = settled == nullptr ? nullptr : StateOf(run, settled->path);
  return !std::holds_alternative<engine::DeadManArmed>(event.body) &&
         !std::holds_alternative<engine::DeadManDisarmed>(event.body) &&
         !(acted != nullptr && acted->verb == engine::Verb::kPause) &&
         !(state != nullptr && state->result);
}

const engine::Plan& Known::PlanOf(const engine::Run& run) const {
  return *playbook->Make(run.plan().runbook, run.plan().parameters);
}

const engine::Step& Known::StepOf(const engine::Run& run, const std::string& path) const {
  const engine::Plan& plan = PlanOf(run);
  const auto is_it = [&](const engine::Step& step) { return step.path == path; };
  const auto step = std::find_if(plan.steps.begin(), plan.steps.end(), is_it);
  if (step != plan.steps.end()) return *step;
  return std::find_if(plan.always.begin(), plan.always.end(),
                      [&](const auto& always) { return is_it(always.step); })
      ->step;
}

const engine::Run* Known::Find(const std::string& run) const {
  const auto found = runs.find(run);
  return found == runs.end() ? nullptr : &found->second;
}

bool Known::LeaseIsOver(const engine::Run& run, const std::string& path) const {
  const engine::Step& step = StepOf(run, path);
  const engine::StepState* own = StateOf(run, path);
  const bool given_up = own != nullptr && own->attempt == 0 && own->result &&
                        own->result != engine::StepResult::kResolved;
  if (given_up) return true;
  // Passed over, or left at the end, while it is unknown whether its command will still stop it.
  const bool left = own != nullptr && own->attempt > 0 && !own->settled;
  if (left && (own->result || run.stage == engine::Stage::kEnding)) return false;
  const engine::StepState* until = step.dead_man ? StateOf(run, step.dead_man->until) : nullptr;
  if (until != nullptr && until->Fulfilled()) return true;
  bool later = false;
  for (const engine::Step& one : PlanOf(run).steps) {
    const bool restores = step.dead_man && step.dead_man->until.empty() && one.host == step.host &&
                          one.command == step.dead_man->restore;
    const engine::StepState* done = later && restores ? StateOf(run, one.path) : nullptr;
    if (done != nullptr && done->Fulfilled()) return true;
    later = later || one.path == path;
  }
  for (const engine::AlwaysStep& always : PlanOf(run).always) {
    if (always.since != path || always.step.host != step.host) continue;
    const auto touch = TouchOf(always.step.command);
    if (!touch || !touch->up) continue;  // a note, or another command that restarts nothing
    const engine::StepState* owed = StateOf(run, always.step.path);
    if (owed != nullptr && owed->Fulfilled()) return true;
    const engine::StepState* paid = always.until == path ? nullptr : StateOf(run, always.until);
    if (paid != nullptr && paid->Fulfilled()) return true;
  }
  return false;
}

const Asked* Known::AskedFor(const engine::OperatorActed& body) const {
  auto found = asked.find(body.detail);
  if (found == asked.end()) found = asked.find(body.by);
  return found == asked.end() ? nullptr : &found->second;
}

bool Known::MayAnswer(const engine::Run& run, const engine::Step& step,
                      const Person& person) const {
  if (!person.roles.contains(engine::Role::kApprover)) return false;
  if (!step.approval) return true;
  const engine::Approval& approval = *step.approval;
  if (!approval.by.empty()) {
    const bool named = std::ranges::any_of(approval.by, [&](const std::string& name) {
      if (name == "approver") return true;  // as shown above
      return name == "operator" ? person.roles.contains(engine::Role::kOperator)
                                : name == person.name;
    });
    if (!named || !person.login) return false;
  }
  if (!approval.not_the_starter) return true;
  if (!person.login) return false;
  const bool by_alert = run.queued.by == "alertmanager";
  return by_alert || (run.queued.by_login && run.queued.by != person.name);
}

uint64_t Known::HoldEvent(const engine::Run& run, const std::string& path,
                          std::optional<engine::HoldReason> reason) const {
  for (const OpenHold& hold : HoldsOf(run)) {
    if (hold.path != path || (reason && hold.reason != *reason)) continue;
    const auto event = hold_events.find({run.id, hold.number});
    return event == hold_events.end() ? 0 : event->second;
  }
  return 0;
}

}  // namespace mailhub::sim
