// See report_text.h.
#include "actuator/ctl/report_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actuator/ctl/text.h"
#include "lib/base/printable.h"

namespace mailhub::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::string CountsText(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [name, times] : counts)
    text += (text.empty() ? "" : ", ") + Printable(name) + " " + std::to_string(times);
  return text;
}

// "anna: retry 2, skip 1; alertmanager: start 3".
std::string ActedText(const ReportGroup& group) {
  std::string text;
  for (const auto& [by, verbs] : group.acted)
    text +=
        (text.empty() ? "" : "; ") + (by.empty() ? "-" : Printable(by)) + ": " + CountsText(verbs);
  if (group.acted_more > 0) text += "; others: " + std::to_string(group.acted_more);
  return text;
}

std::string QuantilesText(const Quantiles& quantiles) {
  if (quantiles.known == 0) return "-";
  return ElapsedText(quantiles.p50_s) + " / " + ElapsedText(quantiles.p90_s);
}

int RunsOf(const ReportGroup& group) {
  int runs = 0;
  for (const auto& [result, times] : group.results) runs += times;
  return runs;
}

// The shortest text that gives the number again: 14400, 0.25.
std::string SecondsText(const std::optional<double>& seconds) {
  return seconds ? Json(*seconds).dump() : "";
}

Json QuantilesJson(const Quantiles& quantiles) {
  const auto number = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  return {{"runs", quantiles.known},
          {"p50", number(quantiles.p50_s)},
          {"p90", number(quantiles.p90_s)}};
}

Json GroupJson(const ReportGroup& group) {
  Json acted = Json::array();
  for (const auto& [by, verbs] : group.acted)
    for (const auto& [verb, times] : verbs)
      acted.push_back({{"by", by}, {"verb", verb}, {"times", times}});
  return {{"runbook", group.runbook},
          {"target", group.target},
          {"month", group.month},
          {"complete", group.complete},
          {"runs", RunsOf(group)},
          {"results", group.results},
          {"waitedSeconds", QuantilesJson(group.waited)},
          {"workedSeconds", QuantilesJson(group.worked)},
          {"heldSeconds", QuantilesJson(group.held)},
          {"durationSeconds", QuantilesJson(group.whole)},
          {"holds", group.holds},
          {"acted", std::move(acted)},
          {"actedMore", group.acted_more}};
}

std::string Html(const std::string& text) {
  std::string out;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string MonthText(const ReportGroup& group) {
  if (group.complete == "yes") return group.month;
  return group.month + (group.complete == "no" ? " (part)" : " (part?)");
}

}  // namespace

std::vector<std::string> ReportHeader() {
  return {"RUNBOOK", "TARGET", "MONTH", "RUNS",  "RESULTS", "WAITED",
          "WORKED",  "HELD",   "TOTAL", "HOLDS", "WHO"};
}

std::vector<std::vector<std::string>> ReportRows(const std::vector<ReportGroup>& groups) {
  std::vector<std::vector<std::string>> rows;
  rows.reserve(groups.size());
  for (const ReportGroup& group : groups)
    rows.push_back({group.runbook, group.target.empty() ? "-" : group.target, MonthText(group),
                    std::to_string(RunsOf(group)), CountsText(group.results),
                    QuantilesText(group.waited), QuantilesText(group.worked),
                    QuantilesText(group.held), QuantilesText(group.whole),
                    group.holds.empty() ? "-" : CountsText(group.holds), ActedText(group)});
  return rows;
}

std::string ReportCsv(const std::vector<ReportGroup>& groups) {
  std::vector<std::string> header = {"runbook", "target", "month", "runs", "results"};
  for (const char* what : {"waited", "worked", "held", "duration"})
    for (const char* quantile : {"_seconds_p50", "_seconds_p90"})
      header.push_back(std::string(what) + quantile);
  header.insert(header.end(), {"holds", "acted", "complete"});
  std::vector<std::vector<std::string>> rows;
  for (const ReportGroup& group : groups) {
    std::vector<std::string> row = {Printable(group.runbook), Printable(group.target),
                                    Printable(group.month), std::to_string(RunsOf(group)),
                                    CountsText(group.results)};
    for (const Quantiles* of : {&group.waited, &group.worked, &group.held, &group.whole})
      row.insert(row.end(), {SecondsText(of->p50_s), SecondsText(of->p90_s)});
    row.insert(row.end(), {CountsText(group.holds), ActedText(group), group.complete});
    rows.push_back(std::move(row));
  }
  return Csv(header, rows);
}

std::string ReportJson(const std::vector<ReportGroup>& groups, const ReportSpan& span) {
  Json list = Json::array();
  for (const ReportGroup& group : groups) list.push_back(GroupJson(group));
  const Json all = {{"since", span.since},
                    {"until", span.until.empty() ? Json(nullptr) : Json(span.until)},
                    {"wholeFrom", span.whole.time.empty() ? Json(nullptr) : Json(span.whole.time)},
                    {"incomplete", span.incomplete},
                    {"groups", std::move(list)}};
  return all.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

std::string ReportHtml(const std::vector<ReportGroup>& groups, const ReportSpan& span) {
  // The policy allows nothing but this page's own style, should an escape ever be missing.
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<title>Runs of runbooks</title>\n<style>\n"
      "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}"
      "th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}"
      "th{background:#eee}\n</style></head>\n<body><h1>Runs of runbooks</h1>\n<p>Finished since " +
      Html(LocalTime(span.since)) +
      (span.until.empty() ? "" : ", before " + Html(LocalTime(span.until))) +
      ". Durations are p50 / p90 of the runs that succeeded. Waited: from the request until the "
      "start. Worked: without holds, pauses and questions. Held: in these.</p>\n" +
      (span.incomplete.empty() ? "" : "<p><strong>" + Html(span.incomplete) + "</strong></p>\n") +
      "<table>\n<tr>";
  for (const std::string& cell : ReportHeader()) out += "<th>" + Html(cell) + "</th>";
  out += "</tr>\n";
  for (const auto& row : ReportRows(groups)) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + Html(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</table>\n" + (groups.empty() ? "<p>No run finished in this time.</p>\n" : "") +
         "</body></html>\n";
}

}  // namespace mailhub::ctl
