// A plan in words, for `plan` and `config check`.
#include "actuator/runbook/library.h"
#include "lib/base/duration.h"

namespace mailhub::runbook {
namespace {

using engine::Step;
using engine::StepKind;

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

std::string Gate(const engine::Gate& gate) {
  std::string text = gate.expr + "\n        ";
  if (!gate.about.empty()) text += "about " + Joined(gate.about) + "; ";
  text += "window " + FormatDuration(gate.window);
  if (gate.hold_for.count() > 0) text += "; for " + FormatDuration(gate.hold_for);
  if (gate.expect != 1) text += "; expects " + std::to_string(gate.expect) + " series";
  return text + "; holds the run after " + FormatDuration(gate.timeout) + "\n";
}

std::string Details(const Step& step) {
  std::string text = "      timeout " + FormatDuration(step.timeout);
  if (step.attempts > 1) {
    text += "; " + std::to_string(step.attempts) + " attempts, " +
            FormatDuration(step.retry_delay) + " apart";
  }
  if (step.success != std::vector<int>{0}) {
    std::vector<std::string> statuses;
    for (const int status : step.success) statuses.push_back(std::to_string(status));
    text += "; success: " + Joined(statuses);
  }
  if (step.idempotent) text += "; idempotent";
  if (step.on_failure == engine::OnFailure::kContinue) text += "; on failure: continue";
  if (step.on_failure == engine::OnFailure::kAbort) text += "; on failure: abort";
  return text + "\n";
}

std::string OneStep(const Step& step) {
  std::string text = "  " + step.path + "  " + step.name + "\n";
  switch (step.kind) {
    case StepKind::kRun:
    case StepKind::kJob:
      text += std::string(step.kind == StepKind::kRun ? "      run on " : "      job on ") +
              step.host + ": " + step.command + "\n" + Details(step);
      if (step.gate) text += "      verify: " + Gate(*step.gate);
      if (step.dead_man) {
        text += "      dead man: " + FormatDuration(step.dead_man->after) +
                " after the last sign " + "of the actuator, " +
                (step.dead_man->until.empty() ? "to the run's end"
                                              : "until step " + step.dead_man->until + " is done") +
                ": " + step.dead_man->restore + "\n";
      }
      break;
    case StepKind::kWaitFor:
    case StepKind::kCheck:
      text += step.kind == StepKind::kCheck ? "      check: " : "      wait for: ";
      if (step.gate) text += Gate(*step.gate);
      break;
    case StepKind::kConfirm:
      text += "      a person confirms\n";
      break;
  }
  return text;
}

}  // namespace

std::string Describe(const engine::Plan& plan) {
  std::string text = plan.runbook + ": " + plan.summary + "\n";
  for (const auto& [name, value] : plan.parameters)
    text.append("  ").append(name).append(": ").append(value).append("\n");
  text += "  locks: " + (plan.locks.empty() ? "none" : Joined(plan.locks)) + "\n";
  if (plan.expected.count() > 0) text += "  expected: " + FormatDuration(plan.expected) + "\n";
  if (!plan.commit.empty()) {
    text += "  a resolved alert no longer cancels from step " + plan.commit + "\n";
  }
  text += "steps:\n";
  for (const Step& step : plan.steps) text += OneStep(step);
  if (plan.always.empty()) return text;
  text += "however it ends:\n";
  for (const engine::AlwaysStep& owed : plan.always) {
    text += OneStep(owed.step) + "      owed from step " + owed.since + " " +
            (owed.until.empty() ? "to the end" : "until step " + owed.until + " is done") + "\n";
  }
  return text;
}

}  // namespace mailhub::runbook
