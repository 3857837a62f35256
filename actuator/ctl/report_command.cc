// `mailhubctl report`: gets all finished runs of a time, page by page, and prints them in one format.
#include <cstdio>

#include "actuator/ctl/commands.h"
#include "actuator/ctl/output.h"
#include "actuator/ctl/pages.h"
#include "actuator/ctl/report_text.h"
#include "lib/base/printable.h"

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
  const auto asked = SpanOf(request);
  if (!asked) return Complain(asked.error());
  QueryPairs query = {{"since", asked->since}, {"limit", kRunsAtOnce}};
  for (const auto& [name, value] : {std::pair{"until", &asked->until},
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
  const auto whole_from = ParseWholeFrom(*data);
  if (!whole_from) return Complain(whole_from.error());
  ReportSpan span = *asked;
  span.whole = {whole_from->has_value(), whole_from->value_or("")};
  // As everywhere: people see local times, programs get UTC.
  const bool utc = request.utc || (request.format != "table" && request.format != "html");
  auto groups = GroupsOf(*runs, utc);
  span.incomplete = MarkIncomplete(span.whole, span.since, utc, &groups);
  // These two formats have no place for a sentence.
  const bool aside = request.format == "openmetrics" || request.format == "csv";
  if (aside && !span.incomplete.empty())
    std::fprintf(stderr, "mailhubctl: %s\n", Printable(span.incomplete).c_str());
  if (request.format == "openmetrics") {
    const auto text = ReportOpenMetrics(*runs);
    if (!text) return Complain(text.error());
    Out(*text);
  } else if (request.format == "csv") {
    Out(ReportCsv(groups));
  } else if (request.format == "json") {
    Out(ReportJson(groups, span));
  } else if (request.format == "html") {
    Out(ReportHtml(groups, span));
  } else {
    OutTable(ReportHeader(), ReportRows(groups));
    if (!span.incomplete.empty()) OutLines({Printable(span.incomplete)});
  }
  return 0;
}

}  // namespace mailhub::ctl
