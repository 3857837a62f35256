// See commands.h. refusal.h and answers.h decide what a run accepts.
#include "actuator/engine/commands.h"

namespace mailhub::engine {
namespace {

Status ModeLets(const Context& context) {
  if (context.mode->Active()) return {};
  return Fail(ErrorKind::kRefused, std::string("mode is ") + Name(context.mode->mode) +
                                       ": no run is started before it is active");
}

Result<std::string> Start(const Command& command, const Context& context, const Runs& runs) {
  if (Status active = ModeLets(context); !active) return Fail(active.error());
  if (command.at_once && command.detail.empty()) {
    return Fail(ErrorKind::kInvalid,
                "reason: missing; the journal must be able to explain why it does not wait for a "
                "suitable time");
  }
  Result<Plan> plan = context.plans->Make(command.runbook, command.parameters);
  if (!plan) return Fail(plan.error());
  if (Status may = MayQueue(*plan, context, runs); !may) return Fail(may.error());
  RunQueued queued;
  queued.plan = *std::move(plan);
  queued.by = command.by;
  queued.by_login = command.login;
  if (command.at_once) queued.at_once = command.detail;
  const std::string id = QueueRun(context, std::move(queued));
  context.recorder->Emit(id, OperatorActed{Verb::kStart, "", command.by, command.detail, kNoHold});
  return id;
}

}  // namespace

Status MayQueue(const Plan& plan, const Context& context, const Runs& runs) {
  if (Status active = ModeLets(context); !active) return active;
  if (const Run* same = runs.FindUnfinished(plan)) {
    return Fail(ErrorKind::kRefused, "run " + same->id +
                                         " of this runbook with these parameters is not finished: "
                                         "see what it waits for; answer it, or cancel it");
  }
  if (runs.Full()) {
    return Fail(ErrorKind::kOverloaded,
                "there are " + std::to_string(context.config->most_unfinished_runs) +
                    " unfinished runs, the most that are allowed: answer or cancel one first");
  }
  return {};
}

Result<std::string> Obey(const Command& command, const Context& context, Runs* runs) {
  if (command.verb == Verb::kStart) return Start(command, context, *runs);
  const Result<LiveRun*> live = runs->FindByPrefix(command.run);
  if (!live) return Fail(live.error());
  Command said = command;
  if (said.verb == Verb::kCancel) said.hold = kAllHolds;
  if (const Status done = (*live)->Do(said); !done) return Fail(done.error());
  return (*live)->run().id;
}

}  // namespace mailhub::engine
