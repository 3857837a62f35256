// See calendar_days.h.
#include "actuator/ctl/calendar_days.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "actuator/ctl/output.h"
#include "actuator/ctl/text.h"
#include "lib/base/printable.h"

namespace mailhub::ctl {
namespace {

namespace chrono = std::chrono;

using calendar::LocalTime;
using calendar::Span;

constexpr chrono::minutes kCell{30};
constexpr size_t kDateColumn = 12;
constexpr size_t kMostRuns = 9;      // that have a digit
constexpr size_t kMostLetters = 26;  // of names
constexpr size_t kMostTimes = 10;    // of one name; JSON has all

std::string DayText(chrono::local_days day) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%s %2u %s", kDays[chrono::weekday(day).c_encoding()],
                static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1]);
  std::string all = text;
  all.resize(kDateColumn, ' ');
  return all;
}

bool Overlap(const Span& a, const Span& b) {
  return a.begin < b.end && b.begin < a.end;
}

// The time that the picture shows of a run: what is not known is not drawn.
Span TimeOf(const CalendarRun& run, WallTime now) {
  if (run.started) return {*run.started, std::max(now, run.ends.value_or(now))};
  if (run.starts && run.ends) return {*run.starts, *run.ends};
  return {};
}

// Draws cell by cell.
class Picture {
 public:
  Picture(const LiveCalendar& live, const CalendarView& view) : live_(live), view_(view) {
    for (size_t i = 0; i < live.names.size(); ++i) {
      const CalendarName& name = live.names[i];
      const bool seen = !calendar::Clip(name.spans, view.Within()).empty();
      if (name.blackout || !seen || letters_.size() == kMostLetters) continue;
      letters_[i] = static_cast<char>('a' + letters_.size());
    }
  }

  std::vector<std::string> Legend() const {
    std::string names;
    for (const auto& [index, letter] : letters_) {
      names += std::string(1, letter) + " " + Printable(live_.names[index].name) + "   ";
    }
    std::vector<std::string> lines = Wrapped(names + "* several of these names", 98, 0);
    std::string black;
    for (const CalendarName& name : live_.names) {
      if (name.blackout) black += (black.empty() ? "" : ", ") + Printable(name.name);
    }
    if (!black.empty()) {
      for (const std::string& line : Wrapped("# no run starts: " + black, 98, 2)) {
        lines.push_back(line);
      }
    }
    lines.emplace_back(
        "1 to 9 a run, as below   @ several or further runs   ? a name is not known   . nothing");
    return lines;
  }

  std::vector<std::string> Days() const {
    std::string hours(kDateColumn, ' ');
    for (int hour = 0; hour < 24; hour += 2) {
      std::string text = std::to_string(hour);
      text.resize(4, ' ');
      hours += text;
    }
    std::vector<std::string> lines = {hours.substr(0, hours.find_last_not_of(' ') + 1)};
    for (int day = 0; day < view_.days; ++day) {
      const chrono::local_days date = view_.first + chrono::days(day);
      std::string line = DayText(date);
      for (LocalTime at(date); at < LocalTime(date + chrono::days(1)); at += kCell) {
        line += CellOf({view_.zone.Earliest(at), view_.zone.Earliest(at + kCell)});
      }
      lines.push_back(line.substr(0, line.find_last_not_of(' ') + 1));
    }
    return lines;
  }

 private:
  char CellOf(const Span& cell) const {
    if (cell.begin >= cell.end) return ' ';  // the clocks skip all of it
    const char run = RunIn(cell);
    return run != 0 ? run : NamesIn(cell);
  }

  char RunIn(const Span& cell) const {
    char found = 0;
    for (size_t i = 0; i < live_.runs.size(); ++i) {
      if (!Overlap(TimeOf(live_.runs[i], live_.now), cell)) continue;
      if (found != 0 || i >= kMostRuns) return '@';
      found = static_cast<char>('1' + i);
    }
    return found;
  }

  char NamesIn(const Span& cell) const {
    char found = '.';
    bool unknown = false;
    for (size_t i = 0; i < live_.names.size(); ++i) {
      const CalendarName& name = live_.names[i];
      unknown = unknown || cell.begin < name.known.begin || cell.end > name.known.end;
      if (calendar::Clip(name.spans, cell).empty()) continue;
      if (name.blackout) return '#';
      const auto letter = letters_.find(i);
      found = found != '.' || letter == letters_.end() ? '*' : letter->second;
    }
    return unknown ? '?' : found;
  }

  const LiveCalendar& live_;
  const CalendarView& view_;
  std::map<size_t, char> letters_;  // by the name's place
};

std::string ReservedText(const CalendarRun& run) {
  return run.reserved_s > 0
             ? " (" + ElapsedText(run.reserved_s) + ": " + Printable(run.reserved_from) + ")"
             : "";
}

void AddRun(const CalendarRun& run, size_t number, const calendar::Zone& zone,
            std::vector<std::string>* lines) {
  std::string line = number <= kMostRuns ? std::to_string(number) : "@";
  line += " " + Printable(run.runbook) + (run.target.empty() ? "" : " " + Printable(run.target)) +
          " (" + ShortId(Printable(run.id)) + "), " + Printable(run.state) + ": ";
  line += run.started  ? "began " + zone.Text(*run.started)
          : run.starts ? "planned start " + zone.Text(*run.starts)
                       : "its start is not known";
  line += run.ends ? ", expected end " + zone.Text(*run.ends) + ReservedText(run)
                   : ", its end is not known: " + Printable(run.end_unknown);
  lines->push_back(line);
  if (!run.waiting_for.empty()) {
    lines->push_back("    " + std::string(run.started ? "" : "waits: ") +
                     Printable(run.waiting_for));
  }
}

void AddTimes(const CalendarName& name, const CalendarView& view, std::vector<std::string>* lines) {
  lines->push_back(Printable(name.name) + (name.blackout ? ", no run starts:" : ":"));
  const Span within = view.Within();
  const calendar::Spans spans = calendar::Clip(name.spans, within);
  for (size_t i = 0; i < std::min(spans.size(), kMostTimes); ++i) {
    lines->push_back("  " + std::string(spans[i].begin > within.begin ? "" : "before ") +
                     view.zone.Text(spans[i].begin) + " to " +
                     (spans[i].end < within.end ? "" : "after ") + view.zone.Text(spans[i].end));
  }
  if (spans.empty()) lines->push_back("  at no time of these days");
  if (spans.size() > kMostTimes) {
    lines->push_back("  and " + std::to_string(spans.size() - kMostTimes) + " more");
  }
  if (within.begin < name.known.begin || within.end > name.known.end) {
    lines->push_back("  not known before " + view.zone.Text(name.known.begin) + " and from " +
                     view.zone.Text(name.known.end) + " on");
  }
}

}  // namespace

std::vector<std::string> CalendarDays(const LiveCalendar& live, const CalendarView& view) {
  std::vector<std::string> lines;
  const Picture picture(live, view);
  if (!live.configured) {
    lines.emplace_back("This actuator has no calendar: every time is suitable.");
  }
  if (live.mode != "active") {
    lines.push_back("Mode " + Printable(live.mode) + ": no run starts, and no step begins.");
  }
  lines.push_back("Days of " + view.zone.Name() +
                  "; a character is 30 minutes, and shows what there is in any part of it:");
  for (const std::string& line : picture.Legend()) lines.push_back("  " + line);
  lines.emplace_back();
  for (std::string& line : picture.Days()) lines.push_back(std::move(line));
  lines.emplace_back();
  if (live.runs.empty()) lines.emplace_back("No run is unfinished.");
  for (size_t i = 0; i < live.runs.size(); ++i) AddRun(live.runs[i], i + 1, view.zone, &lines);
  if (!live.names.empty()) lines.emplace_back();
  for (const CalendarName& name : live.names) AddTimes(name, view, &lines);
  return lines;
}

}  // namespace mailhub::ctl
