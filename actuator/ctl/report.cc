// See report.h.
#include "actuator/ctl/report.h"

#include <algorithm>
#include <ctime>
#include <tuple>
#include <utility>

#include "actuator/ctl/text.h"
#include "actuator/webhook/rfc3339.h"
#include "lib/base/duration.h"
#include "lib/base/printable.h"

namespace mailhub::ctl {
namespace {

// The values of one group before they are ordered.
struct Values {
  std::vector<double> waited, worked, held, whole;
};

Quantiles QuantilesOf(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const size_t many = values.size();
  return {many, values[(many * 5 - 1) / 10], values[(many * 9 - 1) / 10]};
}

void Note(const ReportedRun& run, ReportGroup* group, Values* values) {
  ++group->results[run.past.result];
  for (const auto& [reason, times] : run.holds) group->holds[reason] += times;
  bool requested = false;
  for (const Act& act : run.acted) {
    group->acted[act.by][act.verb] += act.times;
    requested = requested || act.verb == "start";
  }
  if (!requested) ++group->acted[run.past.by]["start"];
  group->acted_more += run.acted_more;
  if (run.past.result != "succeeded") return;
  if (run.waited_s) values->waited.push_back(*run.waited_s);
  if (run.worked_s) values->worked.push_back(*run.worked_s);
  if (run.past.duration_s) values->whole.push_back(*run.past.duration_s);
  // Both are measured by different clocks: the difference may be a little below 0.
  if (run.worked_s && run.past.duration_s)
    values->held.push_back(std::max(0.0, *run.past.duration_s - *run.worked_s));
}

std::string UtcText(std::time_t seconds) {
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return {text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// "2026-01-31": the local begin of that day.
std::optional<std::time_t> BeginOfDay(const std::string& text) {
  if (text.size() != 10) return std::nullopt;
  std::tm day{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%d", &day);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const std::tm asked = day;
  day.tm_isdst = -1;
  const std::time_t begin = std::mktime(&day);
  // The 31st of February is no day.
  if (begin == -1 || day.tm_mday != asked.tm_mday || day.tm_mon != asked.tm_mon)
    return std::nullopt;
  return begin;
}

}  // namespace

std::vector<ReportGroup> GroupsOf(const std::vector<ReportedRun>& runs, bool utc) {
  std::map<std::tuple<std::string, std::string, std::string>, std::pair<ReportGroup, Values>> all;
  for (const ReportedRun& run : runs) {
    const std::string& end = run.past.finished_at;
    const std::string month = utc ? end.substr(0, 7) : LocalMonth(end);
    auto& [group, values] = all[{run.past.runbook, run.past.target, month}];
    group.runbook = run.past.runbook;
    group.target = run.past.target;
    group.month = month;
    Note(run, &group, &values);
  }
  std::vector<ReportGroup> groups;
  groups.reserve(all.size());
  for (auto& [key, both] : all) {
    auto& [group, values] = both;
    group.waited = QuantilesOf(std::move(values.waited));
    group.worked = QuantilesOf(std::move(values.worked));
    group.held = QuantilesOf(std::move(values.held));
    group.whole = QuantilesOf(std::move(values.whole));
    groups.push_back(std::move(group));
  }
  return groups;
}

std::string MarkIncomplete(const WholeFrom& whole, const std::string& since, bool utc,
                           std::vector<ReportGroup>* groups) {
  if (!whole.said) {
    for (ReportGroup& group : *groups) group.complete = "unknown";
    return "It is unknown whether all runs of this time are counted: this actuator does not say "
           "from when on its journal is whole.";
  }
  if (whole.time.empty()) return "";
  const auto from = webhook::ParseRfc3339(whole.time);
  const auto begin = webhook::ParseRfc3339(since);
  if (from && begin && *begin >= *from) return "";
  const std::string month = utc ? whole.time.substr(0, 7) : LocalMonth(whole.time);
  for (ReportGroup& group : *groups) {
    if (group.month <= month) group.complete = "no";
  }
  return "NOT COMPLETE: of the runs that ended before " + LocalTime(whole.time) +
         ", some have been removed from the journal (limits.keep_runs), and are not counted here.";
}

Result<std::string> ReportTime(const std::string& text, WallTime now) {
  if (const auto ago = ParseDuration(text))
    return UtcText(std::chrono::system_clock::to_time_t(now - *ago));
  if (const auto begin = BeginOfDay(text)) return UtcText(*begin);
  if (webhook::ParseRfc3339(text)) return text;
  return Fail(ErrorKind::kInvalid,
              "expected a time like 90d (ago), 2026-01-31 or 2026-01-31T12:00:00Z, found \"" +
                  Excerpt(text) + "\"");
}

}  // namespace mailhub::ctl
