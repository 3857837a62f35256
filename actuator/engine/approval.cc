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
bool PersonStarted(const Run& run) {
  return run.queued.trigger.empty() || run.queued.by_login;
}

}  // namespace

std::string WhoMayApprove(const Run& run, const Step& step) {
  std::string text;
  if (!step.approval) return text;
  for (const std::string& entry : step.approval->by) text += (text.empty() ? "" : ", ") + entry;
  if (step.approval->not_the_starter && PersonStarted(run)) {
    text +=
        (text.empty() ? "" : "; ") + std::string("not ") + run.queued.by + ", who started the run";
  }
  return text;
}

Status MayApprove(const Run& run, const Step& step, const Command& command) {
  const auto refuse = [](std::string why) { return Fail(ErrorKind::kRefused, std::move(why)); };
  if (!command.roles.contains(Role::kApprover)) {
    return refuse(command.by + " may not confirm: that needs the role " + Name(Role::kApprover));
  }
  const bool anybody =
      !step.approval || (step.approval->by.empty() && !step.approval->not_the_starter);
  if (anybody) return {};
  const std::string who = WhoMayApprove(run, step);
  if (!command.login) {
    return refuse("not everybody may answer this question (" + who + "), and the name " +
                  command.by + " is only a claim: whoever answers must log in");
  }
  if (!step.approval->by.empty() && !IsListed(*step.approval, command)) {
    return refuse(command.by + " may not answer this question; who may: " + who);
  }
  if (!step.approval->not_the_starter || !PersonStarted(run)) return {};
  if (!run.queued.by_login) {
    return refuse(
        "the one who started the run must not answer this question, and nobody knows "
        "who that was: " +
        run.queued.by + " is only a claim. Cancel it, and start it after a login");
  }
  if (run.queued.by == command.by) {
    return refuse(command.by + " started the run, so somebody else must answer this question");
  }
  return {};
}

}  // namespace mailhub::engine
