// See people.h.
#include "tests/sim/people.h"

#include "tests/sim/engine_seams.h"

namespace mailhub::sim {

using engine::Run;
using engine::StepKind;
using engine::Verb;

namespace {

constexpr int64_t kLookEveryMs = 60'000;
constexpr int64_t kLongestThoughtMs = 60'000;
constexpr int kMostTries = 5;

}  // namespace

People::People(Site site) : site_(std::move(site)) {}

void People::Begin() {
  stale_ = site_.world->Chance(site_.world->faults.stale_people);
  restless_ = site_.world->Chance(site_.world->faults.restless_people);
  second_approves_ = site_.world->Chance(0.5);
  const int people = stale_ ? 3 : 1;
  for (int person = 1; person <= people; ++person) {
    site_.world->PlanIn(kLookEveryMs / person, [this, person] { Look(person); });
  }
}

// The first may do everything, the second perhaps not confirm. The third has the shared token, and
// claims to be the first.
Person People::Who(int person) const {
  Person who;
  who.name = person == 3 ? "person1" : "person" + std::to_string(person);
  who.login = person != 3;
  if (person == 2 && !second_approves_) who.roles.erase(engine::Role::kApprover);
  return who;
}

void People::Look(int person) {
  const Person who = Who(person);
  const Actuator* actuator = site_.actuator();
  if (actuator != nullptr && actuator->Ready()) {
    for (const std::string& id : site_.known->unfinished) {
      auto wish = Want(site_.known->runs.at(id), who);
      if (!wish) continue;
      AskLater(std::move(*wish), stale_ ? site_.world->Between(0, kLongestThoughtMs) : 0);
      break;
    }
    if (restless_ && site_.safe() && site_.world->Chance(0.02)) Start(who);
  }
  site_.world->PlanIn(kLookEveryMs, [this, person] { Look(person); });
}

// Before resolving a step, a person checks its state, and that no command still works at it. A step
// that restarts a service is not skipped while it works.
// Who may not answer tries at times all the same, and at last ends the run.
std::optional<Verb> People::AboutQuestion(const Run& run, const engine::Step& step,
                                          const Person& person, uint64_t choice) {
  if (choice <= 1 || site_.known->MayAnswer(run, step, person)) return Verb::kConfirm;
  return choice == 7 ? std::optional(Verb::kCancel) : std::nullopt;
}

std::optional<Verb> People::WhatToDo(const Run& run, const OpenHold& hold, const Person& person) {
  const uint64_t choice = site_.world->Random() % 8;
  if (engine::IsAboutLease(hold.reason) && hold.number > 0) return AboutLease(run, hold, choice);
  const engine::Step* current = run.Current();
  const engine::StepState* state = current == nullptr ? nullptr : StateOf(run, current->path);
  if (!IsHeld(run)) {
    if (run.pause) return Verb::kResume;
    const bool begun = state != nullptr && state->attempt > 0;
    if (current != nullptr && current->kind == StepKind::kConfirm && begun) {
      return AboutQuestion(run, site_.known->StepOf(run, current->path), person, choice);
    }
    // A run without trouble is left alone most of the time.
    if (!restless_ || !site_.safe() || !site_.world->Chance(0.05)) return std::nullopt;
    return choice < 3 ? Verb::kCancel : Verb::kPause;
  }
  if (current != nullptr && current->path == hold.path) {
    if (hold.reason == engine::HoldReason::kNotConfirmed && choice == 7) return Verb::kCancel;
    const bool waits = current->kind == StepKind::kWaitFor || current->kind == StepKind::kCheck;
    const bool working = !waits && (state == nullptr || !state->settled);
    // Once faults are over, a step for which waiting is useless is passed over.
    const bool in_vain = waits && choice <= 5 && !site_.safe();
    if (choice == 0 || in_vain) return Verb::kSkip;
    if (choice == 1 && !working && current->gate && site_.world->Holds(*current->gate)) {
      return Verb::kResolve;
    }
  }
  return choice == 2 && site_.safe() ? Verb::kCancel : choice <= 4 ? Verb::kResume : Verb::kRetry;
}

// A service that no step restarts: a person starts it by hand and then reports it.
std::optional<Verb> People::AboutLease(const Run& run, const OpenHold& hold, uint64_t choice) {
  const engine::Step& step = site_.known->StepOf(run, hold.path);
  switch (hold.reason) {
    case engine::HoldReason::kHostAway:
      return choice <= 5 ? Verb::kRetry : Verb::kSkip;
    case engine::HoldReason::kStillStopped:
      if (run.passed_over.contains(hold.path)) return choice <= 4 ? Verb::kRetry : Verb::kSkip;
      if (choice <= 3) return Verb::kRetry;
      site_.world->ByHand(step.host, step.dead_man->restore);
      return Verb::kResolve;
    case engine::HoldReason::kLeaseLost:
      if (choice <= 3) return Verb::kRetry;
      site_.world->ByHand(step.host, step.dead_man->restore);
      return Verb::kResolve;
    default: {
      const engine::StepState* state = StateOf(run, hold.path);
      const bool failed = state != nullptr && state->restored && state->restore_exit != 0;
      if (failed && !site_.world->ByHand(step.host, step.dead_man->restore)) return std::nullopt;
      return choice <= 3 ? Verb::kRetry : Verb::kResolve;
    }
  }
}

std::optional<People::Wish> People::Want(const Run& run, const Person& person) {
  const std::vector<OpenHold> holds = HoldsOf(run);
  const OpenHold hold = holds.empty() ? OpenHold() : holds[site_.world->Random() % holds.size()];
  const auto verb = WhatToDo(run, hold, person);
  if (!verb) return std::nullopt;
  Wish wish;
  wish.command.verb = *verb;
  wish.command.run = run.id;
  wish.command.by = person.name;
  wish.command.login = person.login;
  wish.command.roles = person.roles;
  wish.command.detail = person.name + '#' + std::to_string(++requests_);
  wish.asked = {wish.command.detail, run.id, *verb, {}, "", 0, 0, person, false};
  if (run.pause) wish.asked.pause = run.pause->number;
  if (const engine::Step* current = run.Current()) {
    const engine::StepState* state = StateOf(run, current->path);
    wish.asked.step = current->path;
    wish.asked.attempt = state == nullptr ? 0 : state->attempt;
  }
  // A cancel answers everything that is shown.
  for (const OpenHold& one : holds) {
    if (*verb != Verb::kCancel && one.number != hold.number) continue;
    wish.asked.holds.push_back(site_.known->hold_events.at({run.id, one.number}));
  }
  NameWhatIsAnswered(&wish.command, hold.number, wish.asked.step, wish.asked.attempt);
  wish.command.pause = wish.asked.pause;
  return wish;
}

void People::Start(const Person& person) {
  const auto& startable = site_.known->playbook->startable();
  const Playbook::Startable& what = startable[site_.world->Random() % startable.size()];
  Wish wish;
  wish.command.verb = Verb::kStart;
  wish.command.by = person.name;
  wish.command.login = person.login;
  wish.command.roles = person.roles;
  wish.command.detail = person.name + '#' + std::to_string(++requests_);
  wish.command.runbook = what.runbook;
  wish.command.parameters = what.parameters;
  wish.command.at_once = requests_ % 3 == 0;
  wish.asked = {wish.command.detail, "", Verb::kStart, {}, "", 0, 0, person, wish.command.at_once};
  Ask(std::move(wish));
}

void People::AskLater(Wish wish, int64_t ms) {
  if (ms == 0) {
    Ask(std::move(wish));
    return;
  }
  site_.world->PlanIn(ms, [this, wish = std::move(wish)] { Ask(wish); });
}

void People::Ask(Wish wish) {
  Actuator* actuator = site_.actuator();
  const bool again = stale_ && ++wish.tries < kMostTries;
  if (actuator == nullptr || !actuator->Ready()) {  // 503, or no answer at all
    if (again) AskLater(std::move(wish), site_.world->Between(1000, 5000));
    return;
  }
  if (site_.world->Is(Mutation::kVerbsActOnWhatIsNow)) {
    if (const Run* run = site_.known->Find(wish.command.run)) {
      const auto now = Want(*run, wish.asked.person);
      if (now) {
        const std::string request = wish.command.detail;
        const Verb verb = wish.command.verb;
        wish.command = now->command;
        wish.command.detail = request;
        wish.command.verb = verb;
      }
    }
  }
  if (site_.world->Is(Mutation::kClaimsCountAsLogins)) wish.command.login = true;
  site_.world->Observe(wish.asked);
  actuator->Feed(wish.command);
  // It was accepted, but the answer got lost or says that the journal cannot be written now.
  const bool unanswered = !actuator->Ready() || site_.world->Chance(0.05);
  if (again && unanswered) AskLater(std::move(wish), site_.world->Between(1000, 5000));
  site_.settle();
}

}  // namespace mailhub::sim
