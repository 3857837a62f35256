// See follower.h.
#include "actuator/notify/follower.h"

#include <limits>
#include <utility>
#include <variant>

#include "actuator/engine/view.h"

namespace mailhub::notify {
namespace {

// A notice may follow from it.
bool Matters(const engine::EventBody& body) {
  return std::holds_alternative<engine::RunHeld>(body) ||
         std::holds_alternative<engine::StepStarted>(body) ||
         std::holds_alternative<engine::RunFinished>(body);
}

bool Ends(const engine::EventBody& body) {
  return std::holds_alternative<engine::RunFinished>(body) ||
         std::holds_alternative<engine::RunDropped>(body);
}

std::optional<Notice> NoticeOf(const engine::Run& run, const engine::Event& event) {
  if (std::holds_alternative<engine::RunHeld>(event.body)) {
    const engine::RunView view = ViewOf(run);
    if (view.holds.empty()) return std::nullopt;
    return HeldNotice(view, view.holds.back());
  }
  if (std::holds_alternative<engine::RunFinished>(event.body)) {
    return EndNotice(ViewOf(run), event.at);
  }
  const auto* started = std::get_if<engine::StepStarted>(&event.body);
  if (started == nullptr || !run.AtQuestion() || run.Current()->path != started->path) {
    return std::nullopt;
  }
  const engine::RunView view = ViewOf(run);
  for (const engine::StepView& step : view.steps) {
    if (step.path == started->path) return WaitingNotice(view, step, event.at);
  }
  return std::nullopt;
}

}  // namespace

Result<engine::Run> Follower::Read(const std::string& id, uint64_t up_to) const {
  engine::Run run;
  run.id = id;
  bool begun = false;
  const Status read = run_events_(id, [&](const engine::Event& event) {
    if (event.seq > up_to) return false;
    // The decision that started it is filed under its id too, and comes first.
    if (std::holds_alternative<engine::AlertDecided>(event.body)) return true;
    begun = begun || std::holds_alternative<engine::RunQueued>(event.body);
    if (begun) run.Apply(event);
    return true;
  });
  if (!read) return Fail(read.error());
  if (!begun) return Fail(ErrorKind::kNotFound, "the journal has no begin of run " + id);
  return run;
}

Result<std::optional<Notice>> Follower::Take(const engine::Event& event) {
  if (event.run.empty() || engine::AboutOf(event.body) == engine::About::kNoRun)
    return std::nullopt;
  auto known = runs_.find(event.run);
  if (known != runs_.end()) {
    known->second.Apply(event);
  } else if (std::holds_alternative<engine::RunQueued>(event.body)) {
    known = runs_.emplace(event.run, engine::Run{}).first;
    known->second.id = event.run;
    known->second.Apply(event);
  } else if (Matters(event.body)) {
    Result<engine::Run> read = Read(event.run, event.seq);
    if (!read) return Fail(read.error());
    known = runs_.emplace(event.run, *std::move(read)).first;
  } else {
    return std::nullopt;  // read whole once something about it matters
  }
  std::optional<Notice> notice = NoticeOf(known->second, event);
  if (notice) notice->seq = event.seq;
  if (Ends(event.body)) runs_.erase(known);
  return notice;
}

// From the journal and not from what was read of it so far: whoever found the run late may have
// looked just before its end, and the end may be told already.
Result<std::optional<Notice>> Follower::Late(const std::string& run, WallTime at) const {
  const Result<engine::Run> read = Read(run, std::numeric_limits<uint64_t>::max());
  if (!read) return Fail(read.error());
  if (read->stage == engine::Stage::kFinished) return std::nullopt;
  return LateNotice(ViewOf(*read), at);
}

}  // namespace mailhub::notify
