// See approval.h.
#include "actuator/engine/approval.h"

#include <algorithm>

namespace mailhub::engine {
namespace {

bool IsListed(const Approval& approval, const Command& command) {
  return std::any_of(approval.by.begin(), approval.by.end(), [&](const std::string& entry) {
    const auto role = Named<Role>(entry);
    return role ? command.roles.contains(*role) : entry == command.by;
  });
}

// By a request, or by a notification under a login.
bool PersonStarted(const RunQueued& queued) {
  return queued.trigger.empty() || queued.by_login;
}

}  // namespace

std::string WhoMayApprove(const RunQueued& queued, const Step& step) {
  std::string text;
  if (!step.approval) return text;
  for (const std::string& entry : step.approval->by) text += (text.empty() ? "" : ", ") + entry;
  if (step.approval->not_the_starter && PersonStarted(queued)) {
    text += (text.empty() ? "" : "; ") + std::string("not ") + queued.by + ", who started the run";
  }
  return text;
}

Status MayApprove(const RunQueued& queued, const Step& step, const Command& command) {
  const auto refuse = [](std::string why) { return Fail(ErrorKind::kRefused, std::move(why)); };
  if (!command.roles.contains(Role::kApprover)) {
    return refuse(command.by + " may not confirm: that needs the role " + Name(Role::kApprover));
  }
  const bool anybody =
      !step.approval || (step.approval->by.empty() && !step.approval->not_the_starter);
  if (anybody) return {};
  const std::string who = WhoMayApprove(queued, step);
  if (!command.login) {
    return refuse("not everybody may answer this question (" + who + "), and the name " +
                  command.by + " is only a claim: whoever answers must log in");
  }
  if (!step.approval->by.empty() && !IsListed(*step.approval, command)) {
    return refuse(command.by + " may not answer this question; who may: " + who);
  }
  if (!step.approval->not_the_starter || !PersonStarted(queued)) return {};
  if (!queued.by_login) {
    return refuse(
        "the one who started the run must not answer this question, and nobody knows "
        "who that was: " +
        queued.by + " is only a claim. Cancel it, and start it after a login");
  }
  if (queued.by == command.by) {
    return refuse(command.by + " started the run, so somebody else must answer this question");
  }
  return {};
}

std::vector<Step> QuestionsOf(const Plan& plan) {
  std::vector<Step> questions;
  for (const Step& step : plan.steps) {
    if (step.kind == StepKind::kConfirm) questions.push_back(step);
  }
  for (const AlwaysStep& always : plan.always) {
    if (always.step.kind == StepKind::kConfirm) questions.push_back(always.step);
  }
  return questions;
}

std::vector<AnswerRight> AnswerRights(const std::vector<Step>& questions, const RunQueued& queued,
                                      const Command& person) {
  std::vector<AnswerRight> answers;
  for (const Step& step : questions) {
    const Status may = MayApprove(queued, step, person);
    answers.push_back(
        {step.path, step.name, WhoMayApprove(queued, step), may ? "" : may.error().message});
  }
  return answers;
}

}  // namespace mailhub::engine
