// See ics_lines.h.
#include "actuator/calendar/ics_lines.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "actuator/calendar/ics_rule.h"
#include "lib/base/lower.h"
#include "lib/base/printable.h"

namespace mailhub::calendar {
namespace {

constexpr size_t kMostEvents = 2'000;
constexpr size_t kMostNested = 8;
constexpr size_t kMostZoneParts = 200;    // STANDARD and DAYLIGHT of all zones
constexpr size_t kMostZoneRules = 32;     // RRULE of all zones: libical may take 0.1 s for each
constexpr size_t kMostZoneTimes = 2'000;  // RDATE of all zones

// One property, with what was folded joined again.
struct ContentLine {
  int line = 0;
  std::string name;        // in small letters
  std::string parameters;  // all of them, in small letters
  std::string value;
};

// "+0100", "-033000".
bool IsOffset(std::string_view text) {
  if (text.size() != 5 && text.size() != 7) return false;
  if (text[0] != '+' && text[0] != '-') return false;
  return IsIcsTime("20270104T" + std::string(text.substr(1)) + (text.size() == 5 ? "00" : ""));
}

// Splits at the first colon outside quotes; a name is letters, digits and dashes.
std::optional<ContentLine> Split(const std::string& line, int number) {
  bool quoted = false;
  size_t colon = 0;
  for (; colon < line.size() && (quoted || line[colon] != ':'); ++colon) {
    if (line[colon] == '"') quoted = !quoted;
  }
  if (colon == line.size()) return std::nullopt;
  const std::string head = Lower(std::string_view(line).substr(0, colon));
  const size_t semicolon = std::min(head.find(';'), head.size());
  ContentLine split{number, head.substr(0, semicolon), head.substr(semicolon),
                    line.substr(colon + 1)};
  const bool plain = !split.name.empty() && std::ranges::all_of(split.name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain) return std::nullopt;
  return split;
}

// Checks one line after the other.
class Checker {
 public:
  explicit Checker(const std::string& name) : name_(name) {}

  Result<std::vector<IcsEvent>> Check(std::string_view text) {
    std::string line;
    int first = 1;
    int number = 0;
    while (!text.empty()) {
      ++number;
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view part = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (part.ends_with('\r')) part.remove_suffix(1);
      if (std::ranges::any_of(part, [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
          })) {
        return Wrong(number, "", "must not hold control characters");
      }
      if (part.starts_with(' ') || part.starts_with('\t')) {
        line += part.substr(1);
        continue;
      }
      if (const Status taken = Take(line, first); !taken) return Fail(taken.error());
      line = part;
      first = number;
    }
    if (const Status taken = Take(line, first); !taken) return Fail(taken.error());
    if (!ended_) return Wrong(std::max(number, 1), "", "expected END:VCALENDAR at the end");
    return std::move(events_);
  }

 private:
  tl::unexpected<Error> Wrong(int line, const std::string& property,
                              const std::string& message) const {
    return Fail(ErrorKind::kInvalid, name_ + ":" + std::to_string(line) + ":1: " +
                                         (property.empty() ? "" : property + ": ") + message);
  }

  Status Take(const std::string& line, int number) {
    if (line.empty()) return {};
    // A fold may be within a character, so only a whole line must be UTF-8.
    if (!IsUtf8(line)) return Wrong(number, "", "expected UTF-8 text");
    const auto content = Split(line, number);
    if (ended_) return Wrong(number, "", "expected nothing after END:VCALENDAR");
    if (open_.empty() &&
        (!content || content->name != "begin" || Lower(content->value) != "vcalendar")) {
      return Wrong(number, "", "expected BEGIN:VCALENDAR, found \"" + Excerpt(line) + "\"");
    }
    if (!content) {
      return Wrong(
          number, "",
          "expected a property like DTSTART:20270104T090000, found \"" + Excerpt(line) + "\"");
    }
    if (content->name == "begin") return Begin(*content);
    if (content->name == "end") return End(*content);
    if (open_.size() == 2 && open_.back() == "vevent") return CheckProperty(*content);
    if (open_.size() == 2 && open_.back() == "vtimezone") return CheckZone(*content);
    if (open_.size() == 3 && open_[1] == "vtimezone") return CheckZonePart(*content);
    return {};
  }

  Status Begin(const ContentLine& line) {
    if (open_.size() == kMostNested) return Wrong(line.line, "BEGIN", "nested too deep");
    open_.push_back(Lower(line.value));
    if (open_.size() > 2 && open_[1] == "vtimezone") return BeginZonePart(line);
    if (open_.back() == "vtimezone") {
      if (open_.size() != 2) return Wrong(line.line, "BEGIN", "a zone must be in VCALENDAR itself");
      zone_parts_ = 0;
      zone_named_ = false;
    }
    if (open_.back() != "vevent") return {};
    if (open_.size() != 2) return Wrong(line.line, "BEGIN", "an event must be in VCALENDAR itself");
    if (events_.size() == kMostEvents) {
      return Wrong(line.line, "BEGIN", "more than " + std::to_string(kMostEvents) + " events");
    }
    events_.push_back({line.line});
    return {};
  }

  Status End(const ContentLine& line) {
    if (Lower(line.value) != open_.back()) {
      return Wrong(line.line, "END",
                   "expected the end of " + Excerpt(open_.back()) + ", found \"" +
                       Excerpt(line.value) + "\"");
    }
    if (open_.size() == 2 && open_.back() == "vtimezone" && (zone_parts_ == 0 || !zone_named_)) {
      return Wrong(line.line, "VTIMEZONE", "needs TZID, and STANDARD or DAYLIGHT");
    }
    if (open_.size() == 3 && open_[1] == "vtimezone") {
      for (const char* needed : {"dtstart", "tzoffsetfrom", "tzoffsetto"}) {
        if (!part_has_.contains(needed)) {
          return Wrong(line.line, "VTIMEZONE", "this part needs " + std::string(needed));
        }
      }
    }
    open_.pop_back();
    ended_ = open_.empty();
    return {};
  }

  // libical writes a zone's rules out, so what it may find there is bounded here.
  Status BeginZonePart(const ContentLine& line) {
    if (open_.size() != 3 || (open_.back() != "standard" && open_.back() != "daylight")) {
      return Wrong(line.line, "VTIMEZONE", "expected STANDARD or DAYLIGHT");
    }
    part_has_.clear();
    ++zone_parts_;
    if (++all_zone_parts_ <= kMostZoneParts) return {};
    return Wrong(line.line, "VTIMEZONE",
                 "more than " + std::to_string(kMostZoneParts) + " STANDARD and DAYLIGHT");
  }

  Status CheckZone(const ContentLine& line) {
    if (line.name != "tzid") return {};
    if (zone_named_) return Wrong(line.line, "VTIMEZONE", "has two TZID");
    zone_named_ = true;
    if (zones_.insert(line.value).second) return {};
    return Wrong(line.line, "VTIMEZONE",
                 "another one has the TZID \"" + Excerpt(line.value) + "\"");
  }

  Status CheckZonePart(const ContentLine& line) {
    constexpr std::array<std::string_view, 5> kOnce = {"dtstart", "tzoffsetfrom", "tzoffsetto",
                                                       "rrule", "exdate"};
    const bool once = std::ranges::find(kOnce, line.name) != kOnce.end();
    if (once && !part_has_.insert(line.name).second) {
      return Wrong(line.line, "VTIMEZONE", "two " + line.name + " in one part");
    }
    if (line.name.starts_with("ex"))
      return Wrong(line.line, "VTIMEZONE", line.name + " is not read");
    if (line.name == "dtstart" && !IsIcsTime(line.value, 1600)) {
      return Wrong(line.line, "DTSTART", "expected a time like 19701025T020000");
    }
    if (line.name.starts_with("tzoffset") && !IsOffset(line.value)) {
      return Wrong(line.line, "VTIMEZONE", "expected an offset like +0100, below a day");
    }
    if (line.name == "rrule" && ++zone_rules_ > kMostZoneRules) {
      return Wrong(line.line, "RRULE",
                   "more than " + std::to_string(kMostZoneRules) + " rules of zones in this file");
    }
    if (line.name == "rrule") return AsStatus(line, MistakeInZoneRule(line.value));
    if (line.name != "rdate") return {};
    zone_times_ += static_cast<size_t>(std::ranges::count(line.value, ',')) + 1;
    if (zone_times_ <= kMostZoneTimes) return {};
    return Wrong(line.line, "VTIMEZONE", "more than " + std::to_string(kMostZoneTimes) + " RDATE");
  }

  Status AsStatus(const ContentLine& line, const std::string& mistake) const {
    if (mistake.empty()) return {};
    return Wrong(line.line, "RRULE", mistake);
  }

  Status CheckProperty(const ContentLine& line) const {
    constexpr std::array<std::string_view, 5> kTimes = {"dtstart", "dtend", "recurrence-id",
                                                        "exdate", "rdate"};
    if (line.name == "exrule") {
      return Wrong(line.line, "EXRULE", "is not read; write EXDATE instead");
    }
    if (line.name == "rrule") return AsStatus(line, MistakeInRule(line.value));
    if (std::ranges::find(kTimes, line.name) == kTimes.end()) return {};
    std::string name;
    for (const char c : line.name)
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (line.parameters.find(";range=") != line.parameters.npos) {
      return Wrong(line.line, name, "RANGE is not read; repeat the change in each event");
    }
    const bool list = line.name == "exdate" || line.name == "rdate";
    std::string_view rest = line.value;
    while (true) {
      const size_t comma = list ? std::min(rest.find(','), rest.size()) : rest.size();
      const std::string_view one = rest.substr(0, comma);
      if (!IsIcsDate(one) && !IsIcsTime(one)) {
        return Wrong(line.line, name,
                     "expected a date like 20270104 or a time like 20270104T090000, from 1900 to "
                     "2099, found \"" +
                         Excerpt(one) + "\"");
      }
      if (comma == rest.size()) return {};
      rest.remove_prefix(comma + 1);
    }
  }

  const std::string& name_;
  std::vector<std::string> open_;  // components, in small letters
  std::vector<IcsEvent> events_;
  std::set<std::string> zones_;     // TZIDs of the file
  std::set<std::string> part_has_;  // properties of this STANDARD or DAYLIGHT
  size_t zone_parts_ = 0;           // of this VTIMEZONE
  bool zone_named_ = false;
  size_t all_zone_parts_ = 0;
  size_t zone_rules_ = 0;
  size_t zone_times_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<std::vector<IcsEvent>> CheckIcsLines(std::string_view text, const std::string& name) {
  return Checker(name).Check(text);
}

}  // namespace mailhub::calendar
