// `mailhubctl report`: gets all finished runs of a time, page by page, and prints them in one format.
#include "actuator/ctl/commands.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/report_text.h"

namespace mailhub::ctl {
namespace {

// A page has 1 MiB at most, whatever is asked for.
constexpr const char* kRunsAtOnce = "10000";

// Times of the request as the API takes them; the message names the option.
Result<ReportSpan> SpanOf(const ReportRequest& request) {
  ReportSpan span;
  const WallTime now = RealClock().Now();
  const auto since = ReportTime(request.since, now);
  if (!since) return Fail("--since", since.error());
  span.since = *since;
  if (request.until.empty()) return span;
  const auto until = ReportTime(request.until, now);
  if (!until) return Fail("--until", until.error());
  span.until = *until;
  return span;
}

}  // namespace

int Report(ApiClient& api, const ReportRequest& request, const Filters& filters) {
  const auto span = SpanOf(request);
  if (!span) return Complain(span.error());
  QueryPairs query = {{"since", span->since}, {"limit", kRunsAtOnce}};
  for (const auto& [name, value] : {std::pair{"until", &span->until},
                                    {"runbook", &filters.runbook},
                                    {"target", &filters.target},
                                    {"result", &filters.result}})
    if (!value->empty()) query.emplace_back(name, *value);
  const PagedList list = {.key = "runs", .cursor = "before"};
  const auto data = GetPages(api, "/api/v1/report", query, list);
  if (!data) return Complain(data.error());
  // A part of the runs would give wrong counts.
  if (!MoreText(*data, list, "").empty())
    return Complain({ErrorKind::kOverloaded,
                     "these are too many runs for one report; ask for a shorter time, with --since "
                     "and --until"});
  const auto runs = ParseReport(*data);
  if (!runs) return Complain(runs.error());
  if (request.format == "openmetrics") {
    const auto text = ReportOpenMetrics(*runs);
    if (!text) return Complain(text.error());
    Out(*text);
    return 0;
  }
  // As everywhere: people see local times, programs get UTC.
  const bool for_people = request.format == "table" || request.format == "html";
  const auto groups = GroupsOf(*runs, request.utc || !for_people);
  if (request.format == "csv") {
    Out(ReportCsv(groups));
  } else if (request.format == "json") {
    Out(ReportJson(groups, *span));
  } else if (request.format == "html") {
    Out(ReportHtml(groups, *span));
  } else {
    OutTable(ReportHeader(), ReportRows(groups));
  }
  return 0;
}

}  // namespace mailhub::ctl
