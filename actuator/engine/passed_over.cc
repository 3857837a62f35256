// Commands that a person passed over while nobody knew whether they run: the request may still be
// on its way. Each key is made void as soon as its host can be reached, at the run's end or after
// it, too. Until the host has answered, no run begins anything else there.
#include "actuator/engine/core.h"

namespace mailhub::engine {

// True while a host's answer is awaited.
bool Engine::Core::VoidPassedOver(LiveRun& live) {
  const Run& run = live.run;
  const Step* current = run.Current();  // at the end it asks by itself for what was left
  bool awaited = false;
  for (const std::string& path : run.passed_over) {
    if (current != nullptr && current->path == path) continue;
    const StepState& state = run.steps.at(path);
    PassedOver& doing = live.passed_over[{path, state.attempt}];
    if (doing.in_vain) continue;
    awaited = true;
    if (!doing.give_up) doing.give_up = Attended(config.lost_for);
    if (doing.effect != 0 || !Due(doing.due)) continue;
    RemoteRequest request;
    request.verb = RemoteVerb::kVoid;  // or the receipt, if it was claimed
    request.host = run.Find(path)->host;
    request.key = KeyOf(run, path);
    request.directory_id = state.directory_id;
    doing.effect = Ask(std::move(request), run.id);
  }
  return awaited;
}

void Engine::Core::OnPassedOver(LiveRun& live, const AttemptName& name, const RemoteReply& reply) {
  const auto& [path, attempt] = name;
  PassedOver& doing = live.passed_over[name];
  doing.effect = 0;
  // Settled meanwhile in another way, or done again.
  if (!live.run.passed_over.contains(path) || live.run.steps.at(path).attempt != attempt) return;
  const Step& step = *live.run.Find(path);
  const bool over = live.run.stage == Stage::kFinished;
  if (!reply.receipt) {
    const Error& error = reply.receipt.error();
    if (error.kind == ErrorKind::kNotFound) {  // swept: it is over, and nobody knows how it ended
      SettlePassedOver(live, step, Receipt{}, true);
      return;
    }
    const bool lost = error.kind == ErrorKind::kCorrupt;
    if (lost && !doing.lost) {
      live.directories.erase(step.host);  // what begins there now needs the new one's identity
      DoubtLeases(live, step.host);
    }
    doing.lost = lost;
    // What has a dead man is waited for: it may run on, though nobody will be told.
    if (doing.lost && (over || !step.dead_man)) {
      SettlePassedOver(live, step, Receipt{}, true);
      return;
    }
    doing.runs = false;
    doing.trouble = error.message;
    doing.due = In(over || IsRefusal(error) ? AfterTheEnd() : config.remote_retry);
    doing.in_vain = error.kind == ErrorKind::kInvalid && Passed(doing.give_up);
    return;
  }
  doing.trouble.clear();
  doing.lost = false;
  switch (reply.receipt->state) {
    case ReceiptState::kNone:
    case ReceiptState::kRunning:
      doing.runs = reply.receipt->state == ReceiptState::kRunning;
      doing.due = In(over ? AfterTheEnd() : config.poll_job);
      return;
    case ReceiptState::kFinished:
    case ReceiptState::kInterrupted:
    case ReceiptState::kVoid:
      SettlePassedOver(live, step, *reply.receipt, false);
      return;
  }
}

void Engine::Core::SettlePassedOver(LiveRun& live, const Step& step, const Receipt& receipt,
                                    bool lost) {
  const int attempt = live.run.steps[step.path].attempt;
  live.passed_over.erase({step.path, attempt});
  const bool held = !live.run.holds.empty();
  Emit(live.run.id, StepSettled{step.path, attempt, receipt, lost});
  if (held && live.run.holds.empty()) live.doing = {};  // it waited in vain for this, and goes on
}

// Of any run, finished ones included: their locks are free again. Once a command is known to run,
// nothing of it can come late.
std::string Engine::Core::PassedOverOn(const std::string& host) const {
  for (const std::string& id : order) {
    const LiveRun& live = runs.at(id);
    for (const std::string& path : live.run.passed_over) {
      const Step& step = *live.run.Find(path);
      const auto doing = live.passed_over.find({path, live.run.steps.at(path).attempt});
      const bool known =
          (live.doing.path == path && live.doing.running) ||  // at the end of its run
          (doing != live.passed_over.end() &&
           (doing->second.runs || doing->second.lost || doing->second.in_vain));
      if (step.host != host || known) continue;
      return host + " has not said yet whether the command of \"" + step.name +
             "\", which was passed over, may still begin";
    }
  }
  return "";
}

// What brings back comes after the stop has ended.
std::string Engine::Core::StopBefore(const LiveRun& live, const Step& step) const {
  const Step* stop = live.run.ComesAfter(step);
  if (stop == nullptr) return "";
  const auto doing = live.passed_over.find({stop->path, live.run.steps.at(stop->path).attempt});
  std::string how = "still runs on " + stop->host;
  if (doing == live.passed_over.end() || !doing->second.runs) {
    const std::string why = doing == live.passed_over.end() ? "" : doing->second.trouble;
    how = "is not known to have ended on " + stop->host + (why.empty() ? "" : " (" + why + ")");
  }
  return "the command of \"" + stop->name + "\", which was passed over, " + how +
         ", and this step brings back what it stops";
}

}  // namespace mailhub::engine
