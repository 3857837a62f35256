// See passed_over.h.
#include "actuator/engine/passed_over.h"

#include <algorithm>

#include "actuator/engine/sentences.h"

namespace mailhub::engine {

PassedOver::PassedOver(const Context* context, const Run* run, Directories* directories,
                       Leases* leases)
    : context_(*context), run_(*run), directories_(*directories), leases_(*leases) {}

PassedOver::AttemptName PassedOver::LastOf(const std::string& path) const {
  return {path, run_.steps.at(path).attempt};
}

bool PassedOver::Work() {
  const Step* current = run_.Current();  // at the end, it asks about a step that was left running
  bool awaited = false;
  for (const std::string& path : run_.passed_over) {
    if (current != nullptr && current->path == path) continue;
    Progress& progress = progress_[LastOf(path)];
    if (progress.in_vain) continue;
    awaited = true;
    if (!progress.give_up) progress.give_up = context_.clock->Attended(context_.config->lost_for);
    if (progress.effect != 0 || !context_.clock->Due(progress.due)) continue;
    RemoteRequest request;
    request.verb = RemoteVerb::kVoid;  // or the receipt, if it was claimed
    request.host = run_.Find(path)->host;
    request.key = KeyOf(run_, path);
    request.directory_id = run_.steps.at(path).directory_id;
    progress.effect = context_.recorder->Ask(std::move(request), run_.id);
  }
  return awaited;
}

bool PassedOver::Hear(const RemoteDone& done) {
  const auto asked = std::find_if(progress_.begin(), progress_.end(), [&](const auto& entry) {
    return entry.second.effect == done.id;
  });
  if (asked == progress_.end()) return false;
  asked->second.effect = 0;
  OnReply(AttemptName(asked->first), done.reply);
  return true;
}

void PassedOver::OnReply(const AttemptName& name, const RemoteReply& reply) {
  const std::string& path = name.first;
  // Settled meanwhile in another way, or repeated.
  if (!run_.passed_over.contains(path) || LastOf(path) != name) return;
  Progress& progress = progress_[name];
  const Step& step = *run_.Find(path);
  if (!reply.receipt) {
    OnFailure(step, &progress, reply.receipt.error());
    return;
  }
  progress.trouble.clear();
  progress.lost = false;
  switch (reply.receipt->state) {
    case ReceiptState::kNone:
    case ReceiptState::kRunning: {
      const bool over = run_.stage == Stage::kFinished;
      progress.runs = reply.receipt->state == ReceiptState::kRunning;
      progress.due =
          context_.clock->In(over ? context_.config->AfterTheEnd() : context_.config->poll_job);
      return;
    }
    case ReceiptState::kFinished:
    case ReceiptState::kInterrupted:
    case ReceiptState::kVoid:
      Settle(step, *reply.receipt, false);
      return;
  }
}

void PassedOver::OnFailure(const Step& step, Progress* progress, const Error& error) {
  if (error.kind == ErrorKind::kNotFound) {  // swept: it is over, and its end is unknown
    Settle(step, Receipt{}, true);
    return;
  }
  const bool over = run_.stage == Stage::kFinished;
  const bool lost = error.kind == ErrorKind::kCorrupt;
  if (lost && !progress->lost) {
    directories_.erase(step.host);  // the next command there needs the new directory's identity
    leases_.Doubt(step.host);
  }
  progress->lost = lost;
  // A command with a dead man is awaited: it may still run, though its end will not be known.
  if (lost && (over || !step.dead_man)) {
    Settle(step, Receipt{}, true);
    return;
  }
  progress->runs = false;
  progress->trouble = error.message;
  progress->due = context_.clock->In(over || IsRefusal(error) ? context_.config->AfterTheEnd()
                                                              : context_.config->remote_retry);
  progress->in_vain =
      error.kind == ErrorKind::kInvalid && context_.clock->Passed(progress->give_up);
}

void PassedOver::Settle(const Step& step, const Receipt& receipt, bool lost) {
  const AttemptName name = LastOf(step.path);
  progress_.erase(name);
  context_.recorder->Emit(run_.id, StepSettled{name.first, name.second, receipt, lost});
}

const Step* PassedOver::MayStillBegin(const std::string& host, const std::string& running) const {
  for (const std::string& path : run_.passed_over) {
    const Step* step = run_.Find(path);
    if (step->host != host || path == running) continue;
    const auto progress = progress_.find(LastOf(path));
    const bool known = progress != progress_.end() &&
                       (progress->second.runs || progress->second.lost || progress->second.in_vain);
    if (!known) return step;
  }
  return nullptr;
}

std::string PassedOver::StopBefore(const Step& step) const {
  const Step* stop = run_.ComesAfter(step);
  if (stop == nullptr) return "";
  const auto progress = progress_.find(LastOf(stop->path));
  if (progress != progress_.end() && progress->second.runs) {
    return Say<WaitsFor::kPassedOverRuns>(stop->name, stop->host);
  }
  const std::string why = progress == progress_.end() ? "" : progress->second.trouble;
  return why.empty() ? Say<WaitsFor::kPassedOverUnknown>(stop->name, stop->host)
                     : Say<WaitsFor::kPassedOverTrouble>(stop->name, stop->host, why);
}

std::optional<SteadyTime> PassedOver::NextDeadline() const {
  std::optional<SteadyTime> next;
  for (const auto& [name, progress] : progress_) {
    if (progress.effect == 0) next = Earlier(next, context_.clock->Ahead(progress.due));
  }
  return next;
}

}  // namespace mailhub::engine
