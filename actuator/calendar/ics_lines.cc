// See ics_lines.h.
#include "actuator/calendar/ics_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "lib/base/lower.h"
#include "lib/base/printable.h"

namespace mailhub::calendar {
namespace {

constexpr size_t kMostEvents = 2'000;
constexpr size_t kMostNested = 8;

// One property, with what was folded joined again.
struct ContentLine {
  int line = 0;
  std::string name;        // in small letters
  std::string parameters;  // all of them, in small letters
  std::string value;
};

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

int NumberOf(std::string_view digits) {
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// "20270104".
bool IsDate(std::string_view text) {
  namespace chrono = std::chrono;
  if (text.size() != 8 || !IsDigits(text)) return false;
  const chrono::year_month_day date{
      chrono::year(NumberOf(text.substr(0, 4))),
      chrono::month(static_cast<unsigned>(NumberOf(text.substr(4, 2)))),
      chrono::day(static_cast<unsigned>(NumberOf(text.substr(6))))};
  return date.ok() && date.year() >= chrono::year(1900) && date.year() <= chrono::year(2099);
}

// "20270104T090000", with Z in UTC.
bool IsDateTime(std::string_view text) {
  if (text.size() == 16 && text.back() == 'Z') text.remove_suffix(1);
  if (text.size() != 15 || text[8] != 'T' || !IsDate(text.substr(0, 8))) return false;
  const std::string_view time = text.substr(9);
  return IsDigits(time) && NumberOf(time.substr(0, 2)) < 24 && NumberOf(time.substr(2, 2)) < 60 &&
         NumberOf(time.substr(4)) < 60;
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
    return {};
  }

  Status Begin(const ContentLine& line) {
    if (open_.size() == kMostNested) return Wrong(line.line, "BEGIN", "nested too deep");
    open_.push_back(Lower(line.value));
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
    open_.pop_back();
    ended_ = open_.empty();
    return {};
  }

  Status CheckProperty(const ContentLine& line) const {
    constexpr std::array<std::string_view, 5> kTimes = {"dtstart", "dtend", "recurrence-id",
                                                        "exdate", "rdate"};
    if (line.name == "exrule") {
      return Wrong(line.line, "EXRULE", "is not read; write EXDATE instead");
    }
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
      if (!IsDate(one) && !IsDateTime(one)) {
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
  bool ended_ = false;
};

}  // namespace

Result<std::vector<IcsEvent>> CheckIcsLines(std::string_view text, const std::string& name) {
  return Checker(name).Check(text);
}

}  // namespace mailhub::calendar
