// See live_plan.h.
#include "actuator/engine/live_plan.h"

#include <algorithm>
#include <utility>

#include "actuator/engine/run.h"

namespace mailhub::engine {
namespace {

void AddGate(const Step& step, std::vector<LiveGate>* gates) {
  if (!step.gate) return;
  LiveGate live;
  live.path = step.path;
  live.step = step.name;
  live.gate = *step.gate;
  live.why_not = "not asked";
  gates->push_back(std::move(live));
}

// First come, first served, as Admission does it. A queued run that a person has paused lets others
// pass.
LiveLock HolderOf(const std::string& lock, const View& view) {
  LiveLock live;
  live.lock = lock;
  for (const RunView& run : view.unfinished) {
    if (run.state == RunState::kPaused && !run.started) continue;
    if (std::find(run.locks.begin(), run.locks.end(), lock) == run.locks.end()) continue;
    live.run = run.id;
    live.runbook = run.runbook;
    live.state = run.state;
    return live;
  }
  return live;
}

void AddCommands(const Step& step, const std::string& host, std::vector<std::string>* commands) {
  const auto add = [&](const std::string& command) {
    const bool known = std::find(commands->begin(), commands->end(), command) != commands->end();
    if (!known) commands->push_back(command);
  };
  if (!step.RunsCommand() || step.host != host) return;
  add(step.command);
  if (step.dead_man) add(step.dead_man->restore);
}

std::string Shown(const GateReading& reading) {
  return reading.why.empty() ? std::string(Name(reading.state)) : reading.why;
}

void JudgeGate(const LiveGate& live, LivePlan* plan) {
  const std::string about = "step " + live.path;
  if (!live.reading) {
    plan->unknowns.push_back({about, "its condition is not known: " + live.why_not, ""});
    return;
  }
  const GateReading& reading = *live.reading;
  switch (reading.state) {
    case GateState::kOpen:
    case GateState::kFalse:
      return;
    case GateState::kUnreachable:
      plan->obstacles.push_back(
          {about, "Prometheus cannot be asked: " + Shown(reading),
           "see that it runs, and that prometheus.url in the actuator file leads there"});
      return;
    case GateState::kInvalid:
      plan->obstacles.push_back({about, "Prometheus refuses its expression: " + Shown(reading),
                                 "try the expression in Prometheus, and change the runbook"});
      return;
    case GateState::kStale:
    case GateState::kRebooted:
      if (reading.needs_change) {
        plan->obstacles.push_back({about, Shown(reading), ""});
      } else {
        plan->unknowns.push_back(
            {about, "there is no sound evidence now: " + Shown(reading), "look again later"});
      }
      return;
  }
}

void AddFact(const std::string& host, const HostFact& fact, LivePlan* plan) {
  (fact.known == Known::kNo ? plan->obstacles : plan->unknowns)
      .push_back({host, std::string(Name(fact.about)) + ": " + fact.why, ""});
}

// Without a runner nothing further can be asked: then the host has one obstacle and not seven.
void JudgeHost(const HostReport& report, LivePlan* plan) {
  for (const Known known : {Known::kNo, Known::kUnknown}) {
    for (const HostFact& fact : report.facts) {
      if (fact.about > HostQuestion::kRunner || fact.known != known) continue;
      AddFact(report.host, fact, plan);
      return;
    }
  }
  for (const HostFact& fact : report.facts) {
    if (fact.known != Known::kYes) AddFact(report.host, fact, plan);
  }
}

}  // namespace

LivePlan BeginLivePlan(Plan plan, const View& view) {
  LivePlan live;
  live.plan = std::move(plan);
  live.mode = view.mode;
  for (const Step& step : live.plan.steps) AddGate(step, &live.gates);
  for (const AlwaysStep& owed : live.plan.always) AddGate(owed.step, &live.gates);
  for (const std::string& host : HostsOf(live.plan)) live.hosts.push_back({host, {}});
  for (const std::string& lock : live.plan.locks) live.locks.push_back(HolderOf(lock, view));
  for (const RunView& run : view.unfinished) {
    if (run.runbook == live.plan.runbook && run.parameters == live.plan.parameters) {
      live.same_run = run.id;
    }
  }
  return live;
}

std::vector<std::string> CommandsOn(const Plan& plan, const std::string& host) {
  std::vector<std::string> commands;
  for (const Step& step : plan.steps) AddCommands(step, host, &commands);
  for (const AlwaysStep& owed : plan.always) AddCommands(owed.step, host, &commands);
  return commands;
}

void JudgeLivePlan(LivePlan* live) {
  if (live->mode != Mode::kActive) {
    live->obstacles.push_back({"mode",
                               std::string("the mode is ") + Name(live->mode) + ": no step begins",
                               "mailhubctl mode set active"});
  }
  if (!live->same_run.empty()) {
    live->obstacles.push_back({"run " + live->same_run,
                               "a run of this runbook with these parameters is not finished",
                               "wait for its end, or cancel it"});
  }
  if (live->start.never) {
    live->obstacles.push_back({"calendar", "there is no suitable time: " + live->start.why,
                               "change its windows or blackouts, or start it with --now"});
  }
  for (const LiveLock& lock : live->locks) {
    if (lock.run.empty() || lock.run == live->same_run || lock.state != RunState::kHeld) continue;
    live->obstacles.push_back(
        {"lock " + lock.lock,
         "run " + lock.run + " (" + lock.runbook + ") has it, and holds until a person answers",
         "mailhubctl run show " + lock.run.substr(0, 12)});
  }
  for (const HostReport& report : live->hosts) JudgeHost(report, live);
  for (const LiveGate& gate : live->gates) JudgeGate(gate, live);
}

}  // namespace mailhub::engine
