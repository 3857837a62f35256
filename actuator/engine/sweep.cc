// See sweep.h.
#include "actuator/engine/sweep.h"

#include <algorithm>

namespace mailhub::engine {

Sweep::Sweep(const Context* context, const Run* run) : context_(*context), run_(*run) {}

bool Sweep::Due() const {
  return context_.clock->Due(due_);
}

void Sweep::Work() {
  due_.reset();
  bool missing = false;
  for (const std::string& host : run_.TouchedHosts()) {
    if (swept_.contains(host)) continue;
    missing = true;
    if (asked_.contains(host)) continue;
    const auto directory = run_.directories.find(host);
    RemoteRequest request;
    request.verb = RemoteVerb::kSweep;
    request.host = host;
    request.key = run_.id;
    if (directory != run_.directories.end()) request.directory_id = directory->second;
    asked_[host] = context_.recorder->Ask(std::move(request), run_.id);
  }
  if (!missing) context_.recorder->Emit(run_.id, RunSwept{});
}

bool Sweep::Hear(const RemoteDone& done) {
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const auto& entry) { return entry.second == done.id; });
  if (asked == asked_.end()) return false;
  // A replaced receipts directory (kCorrupt) has nothing of ours. Receipts on a host that is no
  // longer in the site file (kInvalid) stay there.
  const Result<Receipt>& receipt = done.reply.receipt;
  if (receipt || receipt.error().kind == ErrorKind::kCorrupt ||
      receipt.error().kind == ErrorKind::kInvalid) {
    swept_.insert(asked->first);
  } else {
    due_ = context_.clock->In(context_.config->AfterTheEnd());
  }
  asked_.erase(asked);
  return true;
}

std::optional<SteadyTime> Sweep::NextDeadline() const {
  return context_.clock->Ahead(due_);
}

}  // namespace mailhub::engine
