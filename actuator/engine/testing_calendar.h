// For tests: a calendar of named spans.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "actuator/engine/calendar.h"

namespace mailhub::engine {

class SpanCalendar final : public Calendar {
 public:
  std::map<std::string, std::vector<Span>> spans;  // by name
  std::vector<std::string> always_blackouts;       // for all runs

  Opening Ask(const Suitable& suitable, WallTime now, Milliseconds needed,
              const std::vector<Span>& occupied) const override {
    std::vector<WallTime> times = {now};
    for (const auto& [name, list] : spans) {
      for (const Span& span : list) times.insert(times.end(), {span.begin, span.end});
    }
    for (const Span& span : occupied) times.push_back(span.end);
    std::sort(times.begin(), times.end());
    for (const WallTime time : times) {
      if (time < now || !Fits(suitable, time, needed, occupied)) continue;
      if (time == now) return {.now = true, .begin = {}, .why = ""};
      return {.now = false, .begin = time, .why = "closed"};
    }
    return {.now = false, .begin = {}, .why = "never open"};
  }
  Status Knows(const std::string& name) const override {
    if (spans.contains(name)) return {};
    return Fail(ErrorKind::kNotFound, "the calendar has no \"" + name + "\"; there are: nights");
  }
  std::vector<NamedTime> List(const Span& within) const override {
    std::vector<NamedTime> all;
    for (const auto& [name, list] : spans) {
      const bool for_all = std::find(always_blackouts.begin(), always_blackouts.end(), name) !=
                           always_blackouts.end();
      NamedTime one{name, "period", "UTC", for_all, {WallTime(), WallTime(Seconds(4'000'000'000))},
                    {}};
      for (const Span& span : list) {
        const Span cut{std::max(span.begin, within.begin), std::min(span.end, within.end)};
        if (cut.begin < cut.end) one.spans.push_back(cut);
      }
      all.push_back(std::move(one));
    }
    return all;
  }
  std::string Location() const override { return "UTC"; }

 private:
  bool IsFree(const std::vector<Span>& taken, WallTime begin, WallTime end) const {
    return std::none_of(taken.begin(), taken.end(),
                        [&](const Span& span) { return span.begin < end && begin < span.end; });
  }
  bool Fits(const Suitable& suitable, WallTime begin, Milliseconds needed,
            const std::vector<Span>& occupied) const {
    const WallTime end = begin + std::max(needed, Milliseconds(1));
    if (!IsFree(occupied, begin, end)) return false;
    for (const auto* names : {&suitable.blackouts, &always_blackouts}) {
      for (const std::string& name : *names) {
        if (!spans.contains(name) || !IsFree(spans.at(name), begin, end)) return false;
      }
    }
    if (suitable.windows.empty()) return true;
    WallTime open = begin;  // open up to here
    for (bool further = true; further && open < end;) {
      further = false;
      for (const std::string& name : suitable.windows) {
        if (!spans.contains(name)) continue;
        for (const Span& span : spans.at(name)) {
          if (span.begin > open || span.end <= open) continue;
          open = span.end;
          further = true;
        }
      }
    }
    return open >= end;
  }
};

}  // namespace mailhub::engine
