// See calendar.h.
#include "tests/sim/calendar.h"

#include <algorithm>
#include <random>

#include "actuator/engine/testing_calendar.h"

namespace mailhub::sim {
namespace {

constexpr int64_t kEpochMs = 1'700'000'000'000;
constexpr int64_t kFirstMs = kEpochMs - 7'200'000;  // the clock may be slow
constexpr int64_t kRestlessMs = 14'400'000;         // from then on
constexpr int64_t kForEverMs = 400'000'000'000;

class Wrong final : public engine::Calendar {
 public:
  Wrong(std::shared_ptr<const engine::Calendar> right, Mutation mutation)
      : right_(std::move(right)), mutation_(mutation) {}
  engine::Opening Ask(const engine::Suitable& suitable, WallTime now, Milliseconds needed,
                      const std::vector<engine::Span>& occupied) const override {
    engine::Suitable asked = suitable;
    if (mutation_ == Mutation::kCalendarForgetsBlackouts) asked.blackouts.clear();
    if (mutation_ == Mutation::kCalendarForgetsDurations) needed = Milliseconds(0);
    return right_->Ask(asked, now, needed, occupied);
  }
  Status Knows(const std::string& name) const override { return right_->Knows(name); }
  std::vector<engine::NamedTime> List(const engine::Span& within) const override {
    return right_->List(within);
  }
  std::string Location() const override { return right_->Location(); }

 private:
  const std::shared_ptr<const engine::Calendar> right_;
  const Mutation mutation_;
};

bool IsIn(const Times& times, const std::string& name, WallTime at) {
  const auto spans = times.find(name);
  if (spans == times.end()) return false;
  return std::any_of(spans->second.begin(), spans->second.end(),
                     [&](const engine::Span& span) { return span.begin <= at && at < span.end; });
}

}  // namespace

Times MakeUpTimes(uint64_t seed) {
  std::mt19937_64 random(seed ^ 0x54696d6573);
  const auto between = [&](int64_t least, int64_t greatest) {
    return least + static_cast<int64_t>(random() % static_cast<uint64_t>(greatest - least + 1));
  };
  Times times;
  for (const char* name : {"open", "also", "closed"}) {
    std::vector<engine::Span>& spans = times[name];
    int64_t at_ms = kFirstMs + between(0, 600'000);
    while (at_ms < kFirstMs + kRestlessMs) {
      const int64_t lasts_ms = between(60'000, 600'000);
      spans.push_back({FromUnixMs(at_ms), FromUnixMs(at_ms + lasts_ms)});
      at_ms += lasts_ms + between(60'000, 600'000);
    }
    if (name == std::string("closed")) continue;
    spans.push_back({FromUnixMs(at_ms), FromUnixMs(at_ms + kForEverMs)});
  }
  return times;
}

std::shared_ptr<const engine::Calendar> CalendarOf(const Times& times, Mutation mutation) {
  if (times.empty()) return nullptr;
  auto calendar = std::make_shared<engine::SpanCalendar>();
  calendar->spans = times;
  if (mutation == Mutation::kNone) return calendar;
  return std::make_shared<Wrong>(calendar, mutation);
}

bool IsSuitable(const Times& times, const engine::Suitable& suitable, WallTime at,
                Milliseconds needed) {
  if (suitable == engine::Suitable()) return true;
  const WallTime last = at + std::max(needed - Milliseconds(1), Milliseconds(0));
  const auto suits = [&](WallTime moment) {
    const auto in = [&](const std::string& name) { return IsIn(times, name, moment); };
    return (suitable.windows.empty() || std::ranges::any_of(suitable.windows, in)) &&
           std::ranges::none_of(suitable.blackouts, in);
  };
  if (!suits(at) || !suits(last)) return false;
  for (const auto& [name, spans] : times) {
    for (const engine::Span& span : spans) {
      for (const WallTime moment : {span.begin, span.end}) {
        if (at < moment && moment < last && !suits(moment)) return false;
      }
    }
  }
  return true;
}

}  // namespace mailhub::sim
