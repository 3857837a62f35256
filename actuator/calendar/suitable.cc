// See suitable.h. The free time is computed as a set of spans; the slot is the first of them that is
// long enough.
#include "actuator/calendar/suitable.h"

#include <algorithm>
#include <utility>

#include "actuator/calendar/sentences.h"
#include "lib/base/duration.h"

namespace mailhub::calendar {
namespace {

// More than this is asked by mistake, and must not overflow.
constexpr Milliseconds kLongest = std::chrono::days(3'660);

// One name of the question, and when it holds in the time that is looked at.
struct Named {
  const Interval* interval = nullptr;
  Spans spans;
};

std::string Quoted(const Named& named) {
  return "«" + named.interval->name + "»";
}

// Whole minutes: milliseconds say nothing to a person. What is left is never said to be more, and
// what is needed never less.
std::string RoundedDown(Milliseconds time) {
  if (time < std::chrono::minutes(1)) return FormatDuration(std::chrono::floor<Seconds>(time));
  return FormatDuration(std::chrono::floor<std::chrono::minutes>(time));
}
std::string RoundedUp(Milliseconds time) {
  if (time < std::chrono::minutes(1)) return FormatDuration(std::chrono::ceil<Seconds>(time));
  return FormatDuration(std::chrono::ceil<std::chrono::minutes>(time));
}

// One question, while it is answered.
class Question {
 public:
  Question(const Calendar& calendar, WallTime now, Milliseconds needed, Milliseconds horizon)
      : calendar_(calendar),
        now_(now),
        needed_(std::clamp(needed, Milliseconds(0), kLongest)),
        horizon_(std::clamp(horizon, Milliseconds(0), kLongest)) {}

  Opening Answer(const Suitable& suitable, const std::vector<Span>& occupied) {
    std::vector<std::string> blackouts = suitable.blackouts;
    for (const std::string& name : calendar_.Blackouts()) {
      if (std::ranges::find(blackouts, name) == blackouts.end()) blackouts.push_back(name);
    }
    windows_ = Find(suitable.windows, "window");
    blackouts_ = Find(blackouts, "blackout");
    LimitToWhatIsKnown();
    Opening opening;
    if (!unknown_.empty()) {
      opening.why = std::move(unknown_);
      opening.next = Say<Unsuitable::kNotLookedFor>();
      return opening;
    }
    occupied_ = Union(occupied);
    const Spans free = Free();
    opening.slot = First(free);
    opening.now = opening.slot && opening.slot->begin == now_;
    if (opening.now) return opening;
    opening.why = Why(free);
    opening.next = Next(opening.slot);
    return opening;
  }

 private:
  std::vector<Named> Find(const std::vector<std::string>& names, const std::string& kind) {
    std::vector<Named> found;
    for (const std::string& name : names) {
      if (const Interval* interval = calendar_.Find(name)) {
        found.push_back({interval, {}});
      } else {
        unknown_.push_back(Say<Unsuitable::kNoSuchName>(kind, name));
      }
    }
    return found;
  }

  void LimitToWhatIsKnown() {
    Span known{kFirstKnown, kLastKnown};
    for (const auto* group : {&windows_, &blackouts_}) {
      for (const Named& named : *group) {
        const Span& its = named.interval->known;
        known = {std::max(known.begin, its.begin), std::min(known.end, its.end)};
        if (!its.Holds(now_)) {
          unknown_.push_back(Say<Unsuitable::kNotKnown>(
              named.interval->name, Text(named, its.begin), Text(named, its.end)));
        }
      }
    }
    if (unknown_.empty() && !known.Holds(now_)) {
      unknown_.push_back(Say<Unsuitable::kOutside>());
    }
    if (!unknown_.empty()) return;
    // A slot may begin at the horizon's end, so as much as a run needs is looked at after it.
    looked_ = {now_, std::min(now_ + horizon_ + needed_ + Milliseconds(1), known.end)};
    for (auto* group : {&windows_, &blackouts_}) {
      for (Named& named : *group) named.spans = SpansOf(*named.interval, looked_);
    }
  }

  Spans Free() const {
    Spans free{looked_};
    if (!windows_.empty()) {
      std::vector<Span> open;
      for (const Named& window : windows_) {
        open.insert(open.end(), window.spans.begin(), window.spans.end());
      }
      free = Union(std::move(open));
    }
    for (const Named& blackout : blackouts_) free = Subtract(free, blackout.spans);
    return Subtract(free, occupied_);
  }

  std::optional<Slot> First(const Spans& free) const {
    for (const Span& span : free) {
      if (span.begin > now_ + horizon_) break;
      if (span.end - span.begin < needed_) continue;
      Slot slot{span.begin, span.end};
      if (span.end == looked_.end) slot.end.reset();
      return slot;
    }
    return std::nullopt;
  }

  std::vector<std::string> Why(const Spans& free) const {
    if (const Span* left = Holding(free, now_)) return {TooShort(*left)};
    std::vector<std::string> why;
    const auto holds = [&](const Named& named) { return Holding(named.spans, now_) != nullptr; };
    if (std::ranges::none_of(windows_, holds)) {
      for (const Named& window : windows_) why.push_back(Closed(window));
    }
    for (const Named& blackout : blackouts_) {
      if (const Span* span = Holding(blackout.spans, now_)) {
        why.push_back(Lasts(blackout, span->end));
      }
    }
    if (const Span* span = Holding(occupied_, now_)) {
      why.push_back(Say<Unsuitable::kOtherRun>(Text(span->end)));
    }
    return why;
  }

  std::string Closed(const Named& window) const {
    const std::string& name = window.interval->name;
    if (window.spans.empty()) {
      return Say<Unsuitable::kClosedForLong>(name, Text(window, looked_.end));
    }
    return Say<Unsuitable::kClosed>(name, Text(window, window.spans.front().begin));
  }

  std::string Lasts(const Named& blackout, WallTime end) const {
    const std::string& name = blackout.interval->name;
    return end == looked_.end ? Say<Unsuitable::kLongBlackout>(name, Text(blackout, end))
                              : Say<Unsuitable::kBlackout>(name, Text(blackout, end));
  }

  // Names what ends the time that is left.
  std::string TooShort(const Span& left) const {
    const std::string needs = RoundedUp(needed_);
    const std::string is_left = RoundedDown(left.end - now_);
    for (const Named& blackout : blackouts_) {
      if (Holding(blackout.spans, left.end)) {
        return Say<Unsuitable::kTooShortForBlackout>(needs, is_left, blackout.interval->name);
      }
    }
    if (Holding(occupied_, left.end)) return Say<Unsuitable::kTooShortForRun>(needs, is_left);
    std::string names;
    for (const Named& window : windows_) {
      if (Holding(window.spans, left.end - Milliseconds(1))) {
        names += (names.empty() ? "" : " and ") + Quoted(window);
      }
    }
    // Without a window: until the end of what is known.
    return names.empty() ? Say<Unsuitable::kTooShortForKnown>(needs, is_left)
                         : Say<Unsuitable::kTooShortForWindow>(needs, is_left, names);
  }

  std::string Next(const std::optional<Slot>& slot) const {
    if (!slot) {
      return Say<Unsuitable::kNoSlot>(RoundedUp(needed_),
                                      Text(std::min(now_ + horizon_, looked_.end)));
    }
    return slot->end ? Say<Unsuitable::kNextSlot>(Text(slot->begin), Text(*slot->end))
                     : Say<Unsuitable::kNextSlotOpen>(Text(slot->begin));
  }

  static std::string Text(const Named& named, WallTime at) {
    return named.interval->zone->Text(at);
  }
  // In the zone of the first name: one answer, one zone for what belongs to no name.
  std::string Text(WallTime at) const {
    if (!windows_.empty()) return Text(windows_.front(), at);
    if (!blackouts_.empty()) return Text(blackouts_.front(), at);
    return Zone().Text(at);
  }

  const Calendar& calendar_;
  const WallTime now_;
  const Milliseconds needed_;
  const Milliseconds horizon_;
  Span looked_{};
  std::vector<Named> windows_;
  std::vector<Named> blackouts_;
  Spans occupied_;
  std::vector<std::string> unknown_;
};

}  // namespace

std::string Opening::Sentence() const {
  std::string all;
  for (const std::string& one : why) all += (all.empty() ? "" : "; ") + one;
  return next.empty() ? all : all + "; " + next;
}

Status Check(const Calendar& calendar, const Suitable& suitable) {
  const auto check = [&](const std::vector<std::string>& names, const std::string& kind) -> Status {
    if (names.size() > kMostNames) {
      return Fail(ErrorKind::kInvalid,
                  "more than " + std::to_string(kMostNames) + " " + kind + "s");
    }
    for (const std::string& name : names) {
      if (calendar.Find(name) != nullptr) continue;
      return Fail(ErrorKind::kInvalid, std::string("the calendar has no interval \"")
                                           .append(name)
                                           .append("\", which is named as a ")
                                           .append(kind));
    }
    return {};
  };
  if (Status windows = check(suitable.windows, "window"); !windows) return windows;
  return check(suitable.blackouts, "blackout");
}

Opening Ask(const Calendar& calendar, const Suitable& suitable, WallTime now, Milliseconds needed,
            const std::vector<Span>& occupied, Milliseconds horizon) {
  return Question(calendar, now, needed, horizon).Answer(suitable, occupied);
}

}  // namespace mailhub::calendar
