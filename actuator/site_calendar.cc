// See site_calendar.h.
#include "actuator/site_calendar.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "actuator/calendar/calendar.h"
#include "actuator/calendar/read.h"
#include "actuator/calendar/suitable.h"

namespace mailhub {
namespace {

class SiteCalendar final : public engine::Calendar {
 public:
  explicit SiteCalendar(calendar::Calendar calendar) : calendar_(std::move(calendar)) {}

  engine::Opening Ask(const engine::Suitable& suitable, WallTime now, Milliseconds needed,
                      const std::vector<engine::Span>& occupied) const override {
    std::vector<calendar::Span> taken;
    taken.reserve(occupied.size());
    for (const engine::Span& span : occupied) taken.push_back({span.begin, span.end});
    const auto found =
        calendar::Ask(calendar_, {suitable.windows, suitable.blackouts}, now, needed, taken);
    engine::Opening opening;
    opening.now = found.now;
    if (found.now) return opening;
    if (found.slot) opening.begin = found.slot->begin;
    opening.why = found.Sentence();
    return opening;
  }

  Status Knows(const std::string& name) const override {
    std::string names;
    for (const calendar::Interval& interval : calendar_.Intervals()) {
      if (interval.name == name) return {};
      names += (names.empty() ? "" : ", ") + interval.name;
    }
    return Fail(ErrorKind::kNotFound, "the calendar has no \"" + name + "\"; there are: " + names);
  }

  std::vector<engine::NamedTime> List(const engine::Span& within) const override {
    std::vector<engine::NamedTime> all;
    for (const calendar::Interval& interval : calendar_.Intervals()) {
      engine::NamedTime one;
      one.name = interval.name;
      one.kind = Name(interval.kind);
      one.location = interval.zone->Name();
      one.for_all =
          std::ranges::find(calendar_.Blackouts(), one.name) != calendar_.Blackouts().end();
      one.known = {interval.known.begin, interval.known.end};
      for (const calendar::Span& span : calendar::SpansOf(interval, {within.begin, within.end})) {
        one.spans.push_back({span.begin, span.end});
      }
      all.push_back(std::move(one));
    }
    return all;
  }

  std::string Location() const override { return calendar::DaysOf(calendar_).Name(); }

 private:
  const calendar::Calendar calendar_;
};

}  // namespace

Result<std::shared_ptr<const engine::Calendar>> LoadSiteCalendar(const std::string& path,
                                                                 WallTime now) {
  auto calendar = calendar::LoadCalendar(path, now);
  if (!calendar) return Fail(calendar.error());
  return std::make_shared<const SiteCalendar>(std::move(*calendar));
}

}  // namespace mailhub
