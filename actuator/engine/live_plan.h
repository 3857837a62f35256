// A plan with live values: what it would meet now. Engine and adapters are asked elsewhere; here is
// what they said, and what of it keeps the run from its end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/gate.h"
#include "actuator/engine/host_report.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// A condition of the plan, as it is now. Before the action nothing is evidence for the time after
// it, so this never says that the gate would open.
struct LiveGate {
  std::string path;  // of its step
  std::string step;  // name
  Gate gate;
  std::optional<GateReading> reading;  // nothing: it was not asked
  std::string why_not;                 // then
};

struct LiveLock {
  std::string lock;
  std::string run;  // that has it now, or is to have it first; empty: nobody
  std::string runbook;
  RunState state = RunState::kQueued;
};

// A trigger that would not start this run yet. A person may.
struct CooldownLeft {
  std::string trigger;
  std::string run;  // whose end it counts from
  Milliseconds left{0};
};

struct Finding {
  std::string about;   // a step's path, a host, a lock, or "mode"
  std::string what;    // a sentence
  std::string remedy;  // what to do; empty: the sentence says it
};

struct LivePlan {
  Plan plan;
  std::vector<LiveGate> gates;    // in the plan's order, `always` steps last
  std::vector<HostReport> hosts;  // by name
  std::vector<LiveLock> locks;
  std::vector<CooldownLeft> cooldowns;
  Mode mode = Mode::kActive;
  StartView start;       // when a run would start that is asked for now
  std::string same_run;  // unfinished run of this runbook with these parameters; empty: none
  // Made by JudgeLivePlan(). Neither: nothing known is against the run.
  std::vector<Finding> obstacles;  // what cannot work
  std::vector<Finding> unknowns;   // what could not be learnt
};

// The plan's gates, hosts and locks, not asked yet; `view`: the runs of now. Pure.
LivePlan BeginLivePlan(Plan plan, const View& view);
// The commands that the plan sends to this host, each once, in the plan's order.
std::vector<std::string> CommandsOn(const Plan& plan, const std::string& host);
// Fills in obstacles and unknowns. A condition that is false now is none: the plan itself may
// change it.
void JudgeLivePlan(LivePlan* live);

}  // namespace mailhub::engine
