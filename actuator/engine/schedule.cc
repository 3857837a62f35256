// See schedule.h.
#include "actuator/engine/schedule.h"

#include <algorithm>

#include "actuator/engine/history.h"
#include "actuator/engine/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::engine {
namespace {

// Time after which the calendar is asked again whatever the clock says.
constexpr Milliseconds kLookAgain{60'000};
constexpr Milliseconds kSoonest{1};

bool Share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& lock) {
    return std::find(b.begin(), b.end(), lock) != b.end();
  });
}

std::string Names(const Suitable& suitable) {
  std::string names;
  for (const auto* list : {&suitable.windows, &suitable.blackouts}) {
    for (const std::string& name : *list) names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

}  // namespace

void Schedule::WakeAt(WallTime begin) {
  const Milliseconds wait = std::max(begin - context_.clock->wall(), kSoonest);
  if (wait < kLookAgain) due_ = Earlier(due_, context_.clock->In(wait));
}

void Schedule::Work(const std::vector<const Run*>& runs) {
  if (context_.config->calendar == nullptr) {
    slots_.clear();
    comes_before_.clear();
    due_.reset();
    changed_ = true;  // it may come with a reload
    return;
  }
  if (!changed_ && !context_.clock->Due(due_)) return;
  changed_ = false;
  slots_.clear();
  comes_before_.clear();
  taken_.clear();
  due_ = context_.clock->In(kLookAgain);
  for (const Run* run : runs) {
    if (run->stage != Stage::kQueued) PlanUnderWay(*run);
  }
  for (const Run* run : runs) {
    if (run->stage == Stage::kQueued) PlanQueued(*run);
  }
}

// A window that closes changes nothing for a run under way, but people should know.
Slot Schedule::AskUnderWay(const Run& run) const {
  const Opening opening = context_.config->calendar->Ask(
      run.plan().suitable, context_.clock->wall(), Milliseconds(0), {});
  Slot slot;
  if (!opening.now) slot.why = opening.why;
  return slot;
}

void Schedule::PlanUnderWay(const Run& run) {
  slots_[run.id] = AskUnderWay(run);
  // Nobody knows how long people need.
  if (!run.holds.empty() || run.pause || run.AtQuestion()) return;
  const WallTime now = context_.clock->wall();
  const Milliseconds needed = context_.history->NeededFor(run.plan()).time;
  const Milliseconds worked = run.worked + (run.accounted ? now - *run.accounted : Milliseconds(0));
  const Milliseconds left = std::max(needed - worked, Milliseconds(0));
  taken_.push_back({run.id, run.plan().runbook, run.plan().locks, {now, now + left}});
}

std::vector<Schedule::Taken> Schedule::Before(const Run& run) const {
  std::vector<Taken> before;
  for (const Taken& taken : taken_) {
    if (Share(taken.locks, run.plan().locks)) before.push_back(taken);
  }
  return before;
}

void Schedule::PlanQueued(const Run& run) {
  const std::vector<Taken>& before =
      comes_before_.insert_or_assign(run.id, Before(run)).first->second;
  const Slot slot = Ask(run, before);
  slots_[run.id] = slot;
  if (slot.begin) WakeAt(*slot.begin);
  // A paused run is passed over; one without a time takes none.
  if (run.pause || (!slot.now && !slot.begin)) return;
  const WallTime begin = slot.now ? context_.clock->wall() : *slot.begin;
  taken_.push_back(
      {run.id, run.plan().runbook, run.plan().locks, {begin, begin + slot.needed.time}});
}

Slot Schedule::Ask(const Run& run, const std::vector<Taken>& before) const {
  const Calendar& calendar = *context_.config->calendar;
  const Suitable& suitable = run.plan().suitable;
  const WallTime now = context_.clock->wall();
  Slot slot;
  slot.needed = context_.history->NeededFor(run.plan());
  if (!run.queued.at_once.empty()) return slot;
  std::vector<Span> occupied;
  occupied.reserve(before.size());
  for (const Taken& taken : before) occupied.push_back(taken.span);
  const Opening alone = calendar.Ask(suitable, now, slot.needed.time, {});
  const Opening opening =
      occupied.empty() ? alone : calendar.Ask(suitable, now, slot.needed.time, occupied);
  slot.now = opening.now;
  if (opening.now) return slot;
  slot.begin = opening.begin;
  const auto with_needs = [&](const std::string& why) {
    return slot.needed.time > Milliseconds(0)
               ? Say<WaitsFor::kNeeds>(why, FormatDuration(slot.needed.time), slot.needed.from)
               : Say<WaitsFor::kNeedsUnknown>(why, slot.needed.from);
  };
  if (!alone.now) {
    slot.why = with_needs(alone.why);
    return slot;
  }
  const auto first =
      std::min_element(before.begin(), before.end(),
                       [](const Taken& a, const Taken& b) { return a.span.begin < b.span.begin; });
  slot.why = with_needs(Say<WaitsFor::kFirst>(first->run.substr(0, 12), first->runbook));
  return slot;
}

Slot Schedule::SlotOf(const Run& run) const {
  if (context_.config->calendar == nullptr) {
    Slot slot;
    const Suitable& suitable = run.plan().suitable;
    if (run.stage != Stage::kQueued || !run.queued.at_once.empty() || suitable == Suitable()) {
      return slot;
    }
    // The configuration had one when the run was queued.
    slot.now = false;
    slot.why = Say<WaitsFor::kNoCalendar>(Names(suitable));
    return slot;
  }
  const auto planned = slots_.find(run.id);
  if (planned == slots_.end()) return run.stage == Stage::kQueued ? Ask(run, Before(run)) : Slot();
  if (run.stage != Stage::kQueued || !planned->second.now) return planned->second;
  return Ask(run, comes_before_.at(run.id));  // the plan may be a minute old
}

bool Schedule::GivesWay(const Run& run) const {
  return run.stage == Stage::kQueued && !SlotOf(run).now;
}

std::optional<SteadyTime> Schedule::NextDeadline() const {
  return slots_.empty() ? std::nullopt : context_.clock->Ahead(due_);
}

}  // namespace mailhub::engine
