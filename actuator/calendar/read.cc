// See read.h.
#include "actuator/calendar/read.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "actuator/calendar/ics.h"
#include "actuator/calendar/moment.h"
#include "actuator/calendar/ranges.h"
#include "lib/config/reader.h"

namespace mailhub::calendar {
namespace {

using config::Node;
using config::Reader;

// A question takes some steps for each rule and day, so there is a limit to the rules.
constexpr size_t kMostIntervals = 500;
constexpr size_t kMostRules = 1'000;
constexpr size_t kMostRanges = 64;  // of one kind, in one rule
constexpr size_t kMostTimes = 2'000;
constexpr size_t kMostBlackouts = 32;
constexpr size_t kMostFiles = 16;

// Names stand in sentences, labels and commands.
constexpr config::AllowList kNames{" _-.,:+/()'&@", " -", 64};

Result<std::string> Name(const Node& node) {
  constexpr std::string_view kExpected =
      "a name of at most 64 letters of ASCII, digits, blanks and _-.,:+/()'&@, which begins with "
      "no blank or dash and ends with no blank";
  auto name = config::ReadString(node);
  if (!name || !kNames.Allows(*name) || name->back() == ' ') return node.Expected(kExpected);
  return name;
}

// Reads one file; zones are loaded once.
class CalendarReader {
 public:
  CalendarReader(WallTime now, const FileReader& files) : now_(now), files_(files) {}

  Result<Calendar> Read(const Node& root) {
    in_.Keys(root, {"time_intervals", "periods", "ics", "blackouts"});
    for (const Node& node : List(root["time_intervals"], "a list of time intervals")) {
      Add(node, &CalendarReader::ReadTimeInterval);
    }
    for (const Node& node : List(root["periods"], "a list of periods")) {
      Add(node, &CalendarReader::ReadPeriod);
    }
    for (const Node& node : List(root["ics"], "a list of iCalendar files")) {
      Add(node, &CalendarReader::ReadIcsFile);
    }
    std::vector<std::string> blackouts = ReadBlackouts(root["blackouts"]);
    return in_.Finish(Calendar(std::move(intervals_), std::move(blackouts)));
  }

 private:
  // The items; none if the key is missing. An empty list is a mistake: Alertmanager takes one for
  // "never", and a person for "always".
  std::vector<Node> List(const Node& node, std::string_view expected) {
    if (!node.Present()) return {};
    std::vector<Node> items = node.Items();
    if (items.empty()) in_.Keep(node.Expected(std::string(expected) + " with one at least"));
    return items;
  }

  void Add(const Node& node, Interval (CalendarReader::*read)(const Node&)) {
    if (in_.Failed()) return;
    if (intervals_.size() == kMostIntervals) {
      in_.Keep(node.Invalid("more than " + std::to_string(kMostIntervals) + " names in all"));
      return;
    }
    Interval interval = (this->*read)(node);
    in_.Need(node["name"], "the interval's name");
    interval.name = in_.Required(node["name"], Name);
    if (!names_.insert(interval.name).second) {
      in_.Keep(node["name"].Invalid("another interval has this name"));
    }
    if (!in_.Failed()) intervals_.push_back(std::move(interval));
  }

  Interval ReadTimeInterval(const Node& node) {
    in_.Keys(node, {"name", "time_intervals"});
    in_.Need(node["time_intervals"], "a list of rules");
    Interval interval;
    interval.zone = utc_;
    for (const Node& rule : List(node["time_intervals"], "a list of rules")) {
      if (in_.Failed()) return interval;
      if (++rules_ > kMostRules) {
        in_.Keep(rule.Invalid("more than " + std::to_string(kMostRules) + " rules in all"));
      }
      interval.rules.push_back(ReadRule(rule));
    }
    if (!interval.rules.empty()) interval.zone = interval.rules.front().zone;
    return interval;
  }

  TimeInterval ReadRule(const Node& node) {
    in_.Keys(node, {"times", "weekdays", "days_of_month", "months", "years", "location"});
    TimeInterval rule;
    rule.times = Ranges(node["times"], ReadTimes);
    rule.weekdays = Ranges(node["weekdays"], ReadWeekdays);
    rule.days_of_month = Ranges(node["days_of_month"], ReadDaysOfMonth);
    rule.months = Ranges(node["months"], ReadMonths);
    rule.years = Ranges(node["years"], ReadYears);
    rule.zone = Location(node["location"]);
    times_ += rule.times.size();
    if (times_ > kMostTimes) {
      in_.Keep(node["times"].Invalid("more than " + std::to_string(kMostTimes) + " times in all"));
    }
    return rule;
  }

  std::vector<Range> Ranges(const Node& node, Result<Range> (*read)(const Node&)) {
    std::vector<Range> ranges;
    for (const Node& item : List(node, "a list")) {
      if (in_.Failed()) break;
      if (ranges.size() == kMostRanges) {
        in_.Keep(item.Invalid("more than " + std::to_string(kMostRanges) + " in one list"));
      }
      ranges.push_back(in_.Required(item, read));
    }
    return ranges;
  }

  Interval ReadPeriod(const Node& node) {
    in_.Keys(node, {"name", "begin", "end", "location"});
    Interval interval;
    interval.kind = Kind::kPeriod;
    interval.zone = Location(node["location"]);
    const Moment begin = in_.Required(node["begin"], ReadMoment);
    const Moment end = in_.Required(node["end"], ReadMoment);
    if (in_.Failed()) return interval;
    if (begin.whole_day != end.whole_day) {
      in_.Keep(node["end"].Invalid(begin.whole_day ? "expected a date, as begin is one"
                                                   : "expected a date and a time, as begin is"));
    }
    // A date as the end is the last day that counts.
    const LocalTime last = end.whole_day ? end.at + std::chrono::days(1) : end.at;
    const Span span{interval.zone->Earliest(begin.at), interval.zone->Latest(last)};
    if (begin.at >= last || span.begin >= span.end) {
      in_.Keep(node["end"].Invalid("expected an end after the begin"));
    }
    interval.fixed = {span};
    return interval;
  }

  Interval ReadIcsFile(const Node& node) {
    in_.Keys(node, {"name", "file", "location"});
    Interval interval;
    interval.kind = Kind::kIcs;
    interval.zone = Location(node["location"]);
    interval.known = {std::max(now_ - kIcsBefore, kFirstKnown),
                      std::min(now_ + kIcsAfter, kLastKnown)};
    in_.Need(node["file"], "the path of an iCalendar file");
    const std::string path = in_.Required(node["file"], config::PathFromFile);
    if (in_.Failed()) return interval;
    if (++files_read_ > kMostFiles) {
      in_.Keep(node.Invalid("more than " + std::to_string(kMostFiles) + " iCalendar files"));
      return interval;
    }
    const auto text = files_(path);
    if (!text) {
      in_.Keep(node["file"].Invalid(text.error().message));
      return interval;
    }
    // A mistake in the file has its own place.
    auto spans = ReadIcs(*text, path, *interval.zone, interval.known);
    if (spans) {
      interval.fixed = *std::move(spans);
    } else {
      in_.Keep(Fail(spans.error()));
    }
    return interval;
  }

  static Result<Moment> ReadMoment(const Node& node) {
    if (node.IsScalar()) {
      if (const auto moment = ParseMoment(node.Scalar())) return *moment;
    }
    return node.Expected(
        "a date like 2027-01-04, or a date and a time like \"2027-01-04 08:30\", from 1971 to "
        "2098");
  }

  std::shared_ptr<const Zone> Location(const Node& node) {
    if (!node.Present()) return utc_;
    const std::string name = in_.Required(node, config::ReadString);
    if (in_.Failed()) return utc_;
    std::shared_ptr<const Zone>& known = zones_[name];
    if (known) return known;
    auto zone = LoadZone(name);
    if (!zone) {
      in_.Keep(node.Invalid(zone.error().message));
      return utc_;
    }
    known = std::make_shared<const Zone>(*std::move(zone));
    return known;
  }

  std::vector<std::string> ReadBlackouts(const Node& node) {
    std::vector<std::string> blackouts;
    for (const Node& item : List(node, "a list of names")) {
      if (in_.Failed()) break;
      if (blackouts.size() == kMostBlackouts) {
        in_.Keep(item.Invalid("more than " + std::to_string(kMostBlackouts) + " blackouts"));
      }
      blackouts.push_back(in_.Required(item, config::ReadString));
      if (!names_.contains(blackouts.back())) {
        in_.Keep(item.Invalid("expected the name of an interval in this file"));
      }
    }
    return blackouts;
  }

  Reader in_;
  const WallTime now_;
  const FileReader& files_;
  const std::shared_ptr<const Zone> utc_ = std::make_shared<const Zone>();
  std::map<std::string, std::shared_ptr<const Zone>> zones_;
  std::vector<Interval> intervals_;
  std::set<std::string> names_;
  size_t rules_ = 0;
  size_t times_ = 0;
  size_t files_read_ = 0;
};

}  // namespace

Result<Calendar> LoadCalendar(const std::string& path, WallTime now) {
  const Result<Node> root = config::LoadYaml(path);
  if (!root) return Fail(root.error());
  const FileReader files = [](const std::string& file) { return config::ReadFile(file); };
  return CalendarReader(now, files).Read(*root);
}

Result<Calendar> ParseCalendar(const std::string& text, const std::string& path, WallTime now,
                               const FileReader& files) {
  const Result<Node> root = config::ParseYaml(text, path);
  if (!root) return Fail(root.error());
  return CalendarReader(now, files).Read(*root);
}

}  // namespace mailhub::calendar
