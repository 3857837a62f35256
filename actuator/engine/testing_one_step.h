// For tests: runbooks of one command on host "h".
#pragma once

#include <map>
#include <string>

#include "actuator/engine/engine.h"

namespace mailhub::engine {

// Knows every runbook. Parameter `on` is its target; "elsewhere" is refused like a host that is not
// in the site file. All take the lock `directory`.
class OneStep final : public PlanSource {
 public:
  OnFailure on_failure = OnFailure::kHold;

  Result<Plan> Make(const std::string& runbook,
                    const std::map<std::string, std::string>& parameters) const override {
    Plan plan;
    plan.runbook = runbook;
    plan.parameters = parameters;
    const auto on = parameters.find("on");
    if (on != parameters.end()) plan.target = on->second;
    if (plan.target == "elsewhere") {
      return Fail(ErrorKind::kInvalid, "host elsewhere is not in the site file");
    }
    plan.locks = {"directory"};
    Step step;
    step.path = "1";
    step.host = "h";
    step.command = "true";
    step.on_failure = on_failure;
    plan.steps.push_back(step);
    plan.commit = "1";
    return plan;
  }
};

}  // namespace mailhub::engine
