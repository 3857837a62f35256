// A report as text, in each of its formats. Pure. All text from the network becomes printable.
#pragma once

#include <string>
#include <vector>

#include "actuator/ctl/report.h"

namespace mailhub::ctl {

// What was asked for; RFC 3339, `until` empty: up to now. And what is lacking of it.
struct ReportSpan {
  std::string since, until;
  WholeFrom whole = {};
  std::string incomplete = {};  // as MarkIncomplete
};

// The cells of a table for people; durations as "p50 / p90". A month that is not complete says so.
std::vector<std::string> ReportHeader();
std::vector<std::vector<std::string>> ReportRows(const std::vector<ReportGroup>& groups);

// RFC 4180 with durations in seconds; no cell is a formula.
std::string ReportCsv(const std::vector<ReportGroup>& groups);
std::string ReportJson(const std::vector<ReportGroup>& groups, const ReportSpan& span);
// One page without anything from elsewhere, everything escaped.
std::string ReportHtml(const std::vector<ReportGroup>& groups, const ReportSpan& span);
// One sample of each run at the time of its end, for
// `promtool tsdb create-blocks-from openmetrics`. kInvalid: a run's end is no time.
Result<std::string> ReportOpenMetrics(const std::vector<ReportedRun>& runs);

}  // namespace mailhub::ctl
