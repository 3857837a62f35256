// The simulated site's one runbook; see SimPlans.
#include "tests/sim/simulation.h"

namespace mailhub::sim {
namespace {

using engine::Gate;
using engine::Step;
using engine::StepKind;

Step Run(const std::string& path, const std::string& host, const std::string& command) {
  Step step;
  step.path = path;
  step.name = command + " on " + host;
  step.host = host;
  step.command = command;
  return step;
}

Gate Until(const std::string& host, const std::string& condition) {
  Gate gate;
  gate.expr = host + "." + condition;
  gate.about = {host};
  gate.window = Milliseconds(10'000);
  gate.timeout = Milliseconds(600'000);
  return gate;
}

Step Wait(const std::string& path, const std::string& host, const std::string& condition) {
  Step step;
  step.path = path;
  step.name = "wait for " + condition;
  step.kind = StepKind::kWaitFor;
  step.gate = Until(host, condition);
  return step;
}

void RestartDirectory(const std::string& prefix, const std::vector<std::string>& hubs,
                      std::vector<Step>* steps) {
  Step stop = Run(prefix + ".1", "x500", "set eddy 0");
  stop.dead_man = engine::DeadMan{"set eddy 1", Milliseconds(900'000), prefix + ".2"};
  stop.gate = Until("x500", "eddy == 0");
  steps->push_back(stop);
  Step start = Run(prefix + ".2", "x500", "set eddy 1");
  start.gate = Until("x500", "eddy == 1");
  start.attempts = 3;
  start.retry_delay = Milliseconds(5000);
  steps->push_back(start);
  for (const std::string& hub : hubs) {
    Step regclient = Run(prefix + "." + hub + ".1", hub, "set regclient 1");
    regclient.idempotent = true;
    regclient.attempts = 3;
    steps->push_back(regclient);
    steps->push_back(Wait(prefix + "." + hub + ".2", "x500", "eddy >= 1"));
  }
}

}  // namespace

Result<engine::Plan> SimPlans::Make(const std::string& runbook,
                                    const std::map<std::string, std::string>& parameters) const {
  const auto target = parameters.find("target");
  if (runbook != "rebuild" || target == parameters.end()) {
    return Fail(ErrorKind::kNotFound, "no such runbook");
  }
  const std::string hub = target->second;
  engine::Plan plan;
  plan.runbook = runbook;
  plan.parameters = parameters;
  plan.target = hub;
  plan.locks = {"directory"};
  RestartDirectory("1", {"hub1", "hub2"}, &plan.steps);
  Step stop = Run("2", hub, "set regclient 0");
  stop.dead_man = engine::DeadMan{"set regclient 1", Milliseconds(1'800'000), "4." + hub + ".1"};
  stop.idempotent = true;
  plan.steps.push_back(stop);
  Step job = Run("3", hub, "job 300 tables 2");
  job.kind = StepKind::kJob;
  job.timeout = Milliseconds(3'600'000);
  job.gate = Until(hub, "tables == 2");
  plan.steps.push_back(job);
  RestartDirectory("4", {hub}, &plan.steps);
  Step always = Run("always.1", hub, "set regclient 1");
  always.idempotent = true;
  always.attempts = 3;
  plan.always.push_back({always, "2", "4." + hub + ".1"});
  plan.commit = "1.1";
  return plan;
}

}  // namespace mailhub::sim
