// See ics.h. libical reads components, properties and rules of repetition; local times become
// moments by zone.h, as all others of the calendar do.
#include "actuator/calendar/ics.h"

#include <libical/ical.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "actuator/calendar/ics_lines.h"
#include "lib/base/printable.h"

namespace mailhub::calendar {
namespace {

namespace chrono = std::chrono;

constexpr size_t kMostSpans = 20'000;
constexpr size_t kMostLookedAt = 100'000;

struct FreeComponent {
  void operator()(icalcomponent* component) const { icalcomponent_free(component); }
};
struct FreeIterator {
  void operator()(icalrecur_iterator* iterator) const { icalrecur_iterator_free(iterator); }
};

// libical keeps zones and its last error in globals.
std::mutex& LibicalMutex() {
  static std::mutex mutex;
  return mutex;
}

LocalTime LocalOf(const icaltimetype& time) {
  const chrono::local_days day(chrono::year(time.year) / time.month / time.day);
  return day + chrono::hours(time.hour) + chrono::minutes(time.minute) + Seconds(time.second);
}

icaltimetype TimeOf(LocalTime local, bool is_date) {
  const auto day = chrono::floor<chrono::days>(local);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(local - day);
  icaltimetype time = icaltime_null_time();
  time.year = static_cast<int>(date.year());
  time.month = static_cast<int>(static_cast<unsigned>(date.month()));
  time.day = static_cast<int>(static_cast<unsigned>(date.day()));
  time.is_date = is_date ? 1 : 0;
  if (is_date) return time;
  time.hour = static_cast<int>(clock.hours().count());
  time.minute = static_cast<int>(clock.minutes().count());
  time.second = static_cast<int>(clock.seconds().count());
  return time;
}

// A zone that the file defines itself, as a table. Its changes are looked for within `known`, hour
// by hour on the days that have one.
Zone TableOf(icaltimezone* zone, const std::string& name, const Span& known) {
  const auto offset_at = [&](WallTime at) {
    icaltimetype utc = TimeOf(LocalTime(at.time_since_epoch()), false);
    int is_daylight = 0;
    return Milliseconds(Seconds(icaltimezone_get_utc_offset_of_utc_time(zone, &utc, &is_daylight)));
  };
  std::vector<Zone::Era> eras = {{{kFirstKnown, kLastKnown}, offset_at(known.begin), "local"}};
  constexpr chrono::minutes kStep(15);
  for (WallTime day = chrono::floor<chrono::days>(known.begin); day < known.end;
       day += chrono::days(1)) {
    if (offset_at(day + chrono::days(1)) == eras.back().offset) continue;
    for (WallTime at = day; at < day + chrono::days(1); at += kStep) {
      const Milliseconds offset = offset_at(at + kStep);
      if (offset == eras.back().offset) continue;
      eras.back().span.end = at + kStep;
      eras.push_back({{at + kStep, kLastKnown}, offset, "local"});
    }
  }
  return Zone(name, std::move(eras));
}

// When something is: the time on the wall and its zone.
struct When {
  LocalTime local;
  std::shared_ptr<const Zone> zone;
  bool is_date = false;

  // A time that exists twice is the first of both, as the RFC has it.
  WallTime Moment() const { return zone->Earliest(local); }
};

// One VEVENT, in our terms.
struct Event {
  int line = 0;
  std::string uid;
  When start;
  // From the start: first the time on the wall, then exact time.
  Milliseconds length_on_wall{0};
  Milliseconds length{0};
  std::optional<WallTime> replaces;  // RECURRENCE-ID
  bool cancelled = false;
  std::optional<icalrecurrencetype> rule;
  std::vector<When> added;    // RDATE
  std::vector<When> removed;  // EXDATE
};

class IcsReader {
 public:
  IcsReader(const std::string& name, const Zone& floating, const Span& known)
      : name_(name), floating_(std::make_shared<const Zone>(floating)), known_(known) {}

  Result<Spans> Read(std::string_view text) {
    const auto lines = CheckIcsLines(text, name_);
    if (!lines) return Fail(lines.error());
    const std::lock_guard lock(LibicalMutex());
    icalerror_set_errors_are_fatal(0);
    const std::unique_ptr<icalcomponent, FreeComponent> root(
        icalparser_parse_string(std::string(text).c_str()));
    if (!root || icalcomponent_isa(root.get()) != ICAL_VCALENDAR_COMPONENT) {
      return Wrong(1, "cannot be read as one VCALENDAR");
    }
    root_ = root.get();
    if (const Status read = ReadEvents(*lines); !read) return Fail(read.error());
    for (const Event& event : events_) {
      if (event.replaces) replaced_[event.uid].insert(*event.replaces);
    }
    for (const Event& event : events_) {
      if (event.cancelled) continue;
      if (const Status added = AddTimes(event); !added) return Fail(added.error());
    }
    return Clip(Union(std::move(spans_)), known_);
  }

 private:
  tl::unexpected<Error> Wrong(int line, const std::string& message) const {
    return Fail(ErrorKind::kInvalid, name_ + ":" + std::to_string(line) + ":1: " + message);
  }

  Status ReadEvents(const std::vector<IcsEvent>& lines) {
    size_t at = 0;
    for (icalcomponent* one = icalcomponent_get_first_component(root_, ICAL_VEVENT_COMPONENT);
         one != nullptr; one = icalcomponent_get_next_component(root_, ICAL_VEVENT_COMPONENT)) {
      if (at == lines.size()) break;
      Event event;
      event.line = lines[at++].line;
      if (Status read = ReadEvent(one, &event); !read) return read;
      events_.push_back(std::move(event));
    }
    if (at != lines.size()) return Wrong(lines[at].line, "this event cannot be read");
    if (icalcomponent_count_errors(root_) > 0) return Wrong(1, ErrorIn(root_));
    return {};
  }

  // What libical says of the first property that it could not read.
  static std::string ErrorIn(icalcomponent* component) {
    for (icalcomponent* inner = icalcomponent_get_first_component(component, ICAL_ANY_COMPONENT);
         inner != nullptr;
         inner = icalcomponent_get_next_component(component, ICAL_ANY_COMPONENT)) {
      if (icalcomponent_count_errors(inner) > 0) return ErrorIn(inner);
    }
    icalproperty* error = icalcomponent_get_first_property(component, ICAL_XLICERROR_PROPERTY);
    const char* text = error == nullptr ? nullptr : icalproperty_get_value_as_string(error);
    return "cannot be read: " + Excerpt(text == nullptr ? "unknown why" : text, 200);
  }

  Status ReadEvent(icalcomponent* component, Event* event) {
    if (icalcomponent_count_errors(component) > 0) return Wrong(event->line, ErrorIn(component));
    std::optional<When> end;
    std::optional<icaldurationtype> duration;
    bool started = false;
    bool has_status = false;
    for (icalproperty* property = icalcomponent_get_first_property(component, ICAL_ANY_PROPERTY);
         property != nullptr;
         property = icalcomponent_get_next_property(component, ICAL_ANY_PROPERTY)) {
      Status read;
      switch (icalproperty_isa(property)) {
        case ICAL_DTSTART_PROPERTY:
          if (started) return Wrong(event->line, "this event has two DTSTART");
          started = true;
          read = ReadWhen(property, icalproperty_get_dtstart(property), *event, &event->start);
          break;
        case ICAL_DTEND_PROPERTY:
          if (end || duration) return Wrong(event->line, "this event has two ends");
          read = ReadWhen(property, icalproperty_get_dtend(property), *event, &end.emplace());
          break;
        case ICAL_DURATION_PROPERTY:
          if (end || duration) return Wrong(event->line, "this event has two ends");
          duration = icalproperty_get_duration(property);
          break;
        case ICAL_UID_PROPERTY:
          event->uid = Text(icalproperty_get_uid(property));
          break;
        case ICAL_STATUS_PROPERTY:
          if (std::exchange(has_status, true))
            return Wrong(event->line, "this event has two STATUS");
          event->cancelled = icalproperty_get_status(property) == ICAL_STATUS_CANCELLED;
          break;
        case ICAL_RECURRENCEID_PROPERTY: {
          When replaced;
          read = ReadWhen(property, icalproperty_get_recurrenceid(property), *event, &replaced);
          if (read) event->replaces = replaced.Moment();
          break;
        }
        case ICAL_RRULE_PROPERTY:
          if (event->rule) return Wrong(event->line, "this event has two RRULE");
          event->rule = icalproperty_get_rrule(property);
          break;
        case ICAL_EXDATE_PROPERTY:
          read = ReadWhen(property, icalproperty_get_exdate(property), *event,
                          &event->removed.emplace_back());
          break;
        case ICAL_RDATE_PROPERTY:
          read = ReadWhen(property, icalproperty_get_rdate(property).time, *event,
                          &event->added.emplace_back());
          break;
        default:
          break;
      }
      if (!read) return read;
    }
    if (!started) return Wrong(event->line, "this event has no DTSTART");
    if (event->rule) {
      if (Status rule = CheckRule(*event->rule, *event); !rule) return rule;
    }
    return ReadLength(end, duration, event);
  }

  static std::string Text(const char* text) { return text == nullptr ? "" : text; }

  Status ReadWhen(icalproperty* property, const icaltimetype& time, const Event& event,
                  When* when) {
    if (icaltime_is_null_time(time))
      return Wrong(event.line, "this event has a date without value");
    when->local = LocalOf(time);
    when->is_date = time.is_date != 0;
    when->zone = floating_;
    if (when->is_date) return {};
    if (icaltime_is_utc(time)) {
      when->zone = utc_;
      return {};
    }
    icalparameter* parameter = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
    if (parameter == nullptr) return {};
    const std::string tzid = Text(icalparameter_get_tzid(parameter));
    when->zone = Find(tzid);
    if (when->zone) return {};
    return Wrong(event.line,
                 "this event has the time zone \"" + Excerpt(tzid) +
                     "\", which neither the machine's time zone data nor a VTIMEZONE of "
                     "this file have");
  }

  // Null: unknown.
  std::shared_ptr<const Zone> Find(const std::string& tzid) {
    const auto [found, added] = zones_.try_emplace(tzid);
    if (!added) return found->second;
    if (auto zone = LoadZone(tzid)) {
      found->second = std::make_shared<const Zone>(*std::move(zone));
    } else if (icaltimezone* own = icalcomponent_get_timezone(root_, tzid.c_str())) {
      found->second = std::make_shared<const Zone>(TableOf(own, tzid, known_));
    }
    return found->second;
  }

  // Only rules for which libical was seen to agree with another implementation: it takes no notice
  // of some parts elsewhere, such as a negative BYMONTHDAY of DAILY. Repetitions within a day are no
  // times for people, and are countless.
  Status CheckRule(const icalrecurrencetype& rule, const Event& event) const {
    const auto has = [](const short* list) { return list[0] != ICAL_RECURRENCE_ARRAY_MAX; };
    const bool monthly = rule.freq == ICAL_MONTHLY_RECURRENCE;
    const bool yearly = rule.freq == ICAL_YEARLY_RECURRENCE;
    const bool daily = rule.freq == ICAL_DAILY_RECURRENCE || rule.freq == ICAL_WEEKLY_RECURRENCE;
    const bool in_month = monthly || (yearly && has(rule.by_month));
    const bool never =
        has(rule.by_hour) || has(rule.by_minute) || has(rule.by_second) || has(rule.by_week_no) ||
        rule.rscale != nullptr ||
        (rule.week_start != ICAL_MONDAY_WEEKDAY && rule.week_start != ICAL_SUNDAY_WEEKDAY);
    if ((!daily && !monthly && !yearly) || never ||
        (!in_month && (has(rule.by_month_day) || has(rule.by_set_pos))) ||
        (!yearly && has(rule.by_year_day))) {
      return Wrong(event.line,
                   "RRULE: expected DAILY, WEEKLY, MONTHLY or YEARLY, with BYDAY and BYMONTH; in "
                   "MONTHLY, and in YEARLY with BYMONTH, also BYMONTHDAY and BYSETPOS; in YEARLY "
                   "also BYYEARDAY; and WKST of MO or SU");
    }
    return {};
  }

  Status ReadLength(const std::optional<When>& end, const std::optional<icaldurationtype>& duration,
                    Event* event) const {
    const When& start = event->start;
    if (duration) {
      const Milliseconds exact = chrono::hours(duration->hours) +
                                 chrono::minutes(duration->minutes) + Seconds(duration->seconds);
      event->length_on_wall = chrono::days(duration->days) + chrono::days(7) * duration->weeks;
      event->length = exact;
      if (duration->is_neg != 0 || (start.is_date && exact.count() != 0)) {
        return Wrong(event->line,
                     "DURATION: expected one that is not negative, and in days for a whole day");
      }
    } else if (end) {
      if (end->is_date != start.is_date) {
        return Wrong(event->line, "DTEND: expected a date if DTSTART is one, else a time");
      }
      event->length_on_wall = start.zone->ToLocal(end->Moment()) - start.local;
      if (end->zone == start.zone) event->length_on_wall = end->local - start.local;
    } else if (start.is_date) {
      event->length_on_wall = chrono::days(1);
    }
    if (event->length_on_wall.count() < 0 || event->length_on_wall > chrono::days(3'660)) {
      return Wrong(event->line, "expected an end after the begin, and at most 10 years later");
    }
    return {};
  }

  Status AddTimes(const Event& event) {
    std::set<LocalTime> times = {event.start.local};
    for (const When& added : event.added) times.insert(In(event, added));
    if (event.rule) {
      if (Status repeated = Repeat(event, &times); !repeated) return repeated;
    }
    for (const LocalTime local : times) {
      if (Removed(event, local)) continue;
      const WallTime begin = event.start.zone->Earliest(local);
      const WallTime end = event.start.zone->Earliest(local + event.length_on_wall) + event.length;
      if (end <= known_.begin || begin >= known_.end || begin >= end) continue;
      if (spans_.size() == kMostSpans) {
        return Wrong(event.line, "more than " + std::to_string(kMostSpans) + " times in this file");
      }
      spans_.push_back({begin, end});
    }
    return {};
  }

  // On the clocks of the event's zone.
  static LocalTime In(const Event& event, const When& when) {
    if (when.is_date || when.zone == event.start.zone) return when.local;
    return event.start.zone->ToLocal(when.Moment());
  }

  bool Removed(const Event& event, LocalTime local) const {
    const auto day = chrono::floor<chrono::days>(local);
    for (const When& removed : event.removed) {
      if (removed.is_date ? removed.local == LocalTime(day) : In(event, removed) == local)
        return true;
    }
    if (event.replaces) return false;
    const auto replaced = replaced_.find(event.uid);
    return replaced != replaced_.end() &&
           replaced->second.contains(event.start.zone->Earliest(local));
  }

  Status Repeat(const Event& event, std::set<LocalTime>* times) {
    icalrecurrencetype rule = *event.rule;
    // libical compares without zones, and looks for centuries unless there is an end.
    const LocalTime last = event.start.zone->ToLocal(known_.end);
    LocalTime until = last;
    if (!icaltime_is_null_time(rule.until)) {
      until = LocalOf(rule.until);
      if (rule.until.is_date != 0) until += chrono::days(1) - Seconds(1);
      if (icaltime_is_utc(rule.until)) {
        until = event.start.zone->ToLocal(WallTime(until.time_since_epoch()));
      }
      until = std::min(until, last);
    }
    rule.until = TimeOf(until, event.start.is_date);
    const std::unique_ptr<icalrecur_iterator, FreeIterator> iterator(
        icalrecur_iterator_new(rule, TimeOf(event.start.local, event.start.is_date)));
    if (!iterator) return Wrong(event.line, "RRULE: this rule gives no time");
    bool first = true;
    while (true) {
      const icaltimetype next = icalrecur_iterator_next(iterator.get());
      // What such a rule means is undefined, so each program finds other times. Where there is none
      // at all, the search took some time: the file may not have more of them.
      if (std::exchange(first, false) && until >= event.start.local &&
          (icaltime_is_null_time(next) || LocalOf(next) != event.start.local)) {
        return Wrong(event.line, "RRULE: expected one that has DTSTART as its first time");
      }
      if (icaltime_is_null_time(next)) return {};
      if (++looked_at_ > kMostLookedAt) {
        return Wrong(event.line, "RRULE: more than " + std::to_string(kMostLookedAt) +
                                     " repetitions in this file since its events began");
      }
      times->insert(LocalOf(next));
    }
  }

  const std::string& name_;
  const std::shared_ptr<const Zone> floating_;
  const std::shared_ptr<const Zone> utc_ = std::make_shared<const Zone>();
  const Span known_;
  icalcomponent* root_ = nullptr;
  std::map<std::string, std::shared_ptr<const Zone>> zones_;
  std::vector<Event> events_;
  std::map<std::string, std::set<WallTime>> replaced_;
  std::vector<Span> spans_;
  size_t looked_at_ = 0;
};

}  // namespace

Result<Spans> ReadIcs(std::string_view text, const std::string& name, const Zone& floating,
                      const Span& known) {
  return IcsReader(name, floating, known).Read(text);
}

}  // namespace mailhub::calendar
