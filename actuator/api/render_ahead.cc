// Renders what is ahead: the calendar with its runs, and a plan with its start.
#include "actuator/api/render.h"
#include "actuator/api/start_json.h"

namespace mailhub::api {
namespace {

Json ToJson(const engine::NamedTime& named) {
  Json spans = Json::array();
  for (const engine::Span& span : named.spans) {
    spans.push_back({{"begin", FormatUtc(span.begin)}, {"end", FormatUtc(span.end)}});
  }
  return {{"name", named.name},
          {"kind", named.kind},
          {"location", named.location},
          {"blackout", named.for_all},
          {"knownFrom", FormatUtc(named.known.begin)},
          {"knownTo", FormatUtc(named.known.end)},
          {"spans", std::move(spans)}};
}

// The fields that a RunSummary has too have the same values.
Json ToJson(const engine::RunView& run) {
  return {{"id", run.id},
          {"runbook", run.runbook},
          {"target", run.target},
          {"by", run.by},
          {"state", Name(run.state)},
          {"startedAt", Time(run.started)},
          {"startsAt", Time(run.starts_at)},
          {"endsAt", Time(run.ends_at)},
          {"endUnknown", run.end_unknown},
          {"reservedSeconds", ReservedJson(run.needed)},
          {"reservedFrom", run.needed.from},
          {"waitingFor", run.waiting_for},
          {"unsuitable", run.unsuitable},
          {"atOnce", run.at_once}};
}

}  // namespace

std::string CalendarData(const CalendarLook& look, const engine::View& view) {
  const bool configured = look.calendar != nullptr;
  Json json = {{"time", FormatUtc(look.now)},
               {"since", FormatUtc(look.within.begin)},
               {"until", FormatUtc(look.within.end)},
               {"configured", configured},
               {"location", configured ? look.calendar->Location() : "UTC"},
               {"mode", Name(view.mode)},
               {"intervals", Json::array()},
               {"runs", Json::array()}};
  for (const engine::NamedTime& named : look.times) json["intervals"].push_back(ToJson(named));
  for (const engine::RunView& run : view.unfinished) json["runs"].push_back(ToJson(run));
  return Dump(json);
}

std::string PlanWithStartData(const engine::Plan& plan, const Result<engine::StartView>& start) {
  Json json = Json::parse(PlanData(plan));
  json["start"] = StartJson(start);
  return Dump(json);
}

}  // namespace mailhub::api
