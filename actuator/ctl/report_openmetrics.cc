// ReportOpenMetrics, see report_text.h.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <tuple>

#include "actuator/ctl/report_text.h"
#include "actuator/webhook/rfc3339.h"
#include "lib/base/printable.h"

namespace mailhub::ctl {
namespace {

// A label's value between its quotes.
std::string Label(const std::string& text) {
  std::string out;
  for (const char c : Printable(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

struct Family {
  const char* name;
  const char* unit;  // null: none
  const char* help;
  std::optional<double> (*value)(const ReportedRun& run);
};

constexpr Family kFamilies[] = {
    {"mailhub_report_run_duration_seconds", "seconds", "Time from the start to the end of a run",
     [](const ReportedRun& run) { return run.past.duration_s; }},
    {"mailhub_report_run_waited_seconds", "seconds",
     "Time from the request of a run until its start",
     [](const ReportedRun& run) { return run.waited_s; }},
    {"mailhub_report_run_worked_seconds", "seconds",
     "Time of a run without its holds, pauses and questions",
     [](const ReportedRun& run) { return run.worked_s; }},
    {"mailhub_report_run_holds", nullptr, "How often a run held",
     [](const ReportedRun& run) {
       double holds = 0;
       for (const auto& [reason, times] : run.holds) holds += times;
       return std::optional<double>(holds);
     }},
};

struct Ended {
  std::string labels;
  int64_t at_ms = 0;
  const ReportedRun* run = nullptr;
};

// "1772359200.123", exactly.
std::string Timestamp(int64_t ms) {
  const std::string thousandths = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + "." + std::string(3 - thousandths.size(), '0') + thousandths;
}

}  // namespace

Result<std::string> ReportOpenMetrics(const std::vector<ReportedRun>& runs) {
  std::vector<Ended> ended;
  ended.reserve(runs.size());
  for (const ReportedRun& run : runs) {
    const auto at = webhook::ParseRfc3339(run.past.finished_at);
    if (!at || ToUnixMs(*at) < 0)
      return Fail(ErrorKind::kInvalid, "run " + run.past.id +
                                           ": finishedAt: expected a time since 1970, found \"" +
                                           Excerpt(run.past.finished_at) + "\"");
    ended.push_back({"{runbook=\"" + Label(run.past.runbook) + "\",target=\"" +
                         Label(run.past.target) + "\",result=\"" + Label(run.past.result) + "\"}",
                     ToUnixMs(*at), &run});
  }
  // The samples of a series stand together, oldest first, each at a time of its own: a Prometheus
  // takes one sample at a time.
  std::stable_sort(ended.begin(), ended.end(), [](const Ended& a, const Ended& b) {
    return std::tie(a.labels, a.at_ms) < std::tie(b.labels, b.at_ms);
  });
  for (size_t i = 1; i < ended.size(); ++i) {
    if (ended[i].labels != ended[i - 1].labels) continue;
    ended[i].at_ms = std::max(ended[i].at_ms, ended[i - 1].at_ms + 1);
  }
  std::string out;
  for (const Family& family : kFamilies) {
    const std::string name = family.name;
    out += "# HELP " + name + " " + family.help + ".\n# TYPE " + name + " gauge\n";
    if (family.unit != nullptr) out += "# UNIT " + name + " " + family.unit + "\n";
    for (const Ended& one : ended) {
      const std::optional<double> value = family.value(*one.run);
      if (!value) continue;
      out += name + one.labels + " " + nlohmann::json(*value).dump() + " " + Timestamp(one.at_ms) +
             "\n";
    }
  }
  return out + "# EOF\n";
}

}  // namespace mailhub::ctl
