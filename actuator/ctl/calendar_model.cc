// See calendar_model.h.
#include "actuator/ctl/calendar_model.h"

#include <utility>

#include "actuator/ctl/json_fields.h"
#include "actuator/webhook/rfc3339.h"

namespace mailhub::ctl {
namespace {

WallTime NeededTime(const Json& json, const char* key) {
  const auto time = webhook::ParseRfc3339(NeededText(json, key));
  if (!time) throw std::runtime_error(std::string(key) + ": " + time.error().message);
  return *time;
}

std::optional<WallTime> Time(const Json& json, const char* key) {
  if (At(json, key).is_null()) return std::nullopt;
  return NeededTime(json, key);
}

CalendarName ToName(const Json& json) {
  CalendarName one;
  one.name = NeededText(json, "name");
  one.blackout = Needed(json, "blackout").get<bool>();
  one.known = {NeededTime(json, "knownFrom"), NeededTime(json, "knownTo")};
  std::vector<calendar::Span> spans;
  for (const Json& span : NeededList(json, "spans")) {
    spans.push_back({NeededTime(span, "begin"), NeededTime(span, "end")});
  }
  one.spans = calendar::Union(std::move(spans));
  return one;
}

CalendarRun ToCalendarRun(const Json& json) {
  CalendarRun run;
  run.id = NeededText(json, "id");
  run.runbook = NeededText(json, "runbook");
  run.target = Text(json, "target");
  run.state = NeededText(json, "state");
  run.started = Time(json, "startedAt");
  run.starts = Time(json, "startsAt");
  run.ends = Time(json, "endsAt");
  run.end_unknown = Text(json, "endUnknown");
  run.reserved_s = Number(json, "reservedSeconds").value_or(0);
  run.reserved_from = Text(json, "reservedFrom");
  run.waiting_for = Text(json, "waitingFor");
  return run;
}

}  // namespace

Result<LiveCalendar> ParseCalendar(const std::string& data) {
  return Parse(data, [](const Json& json) {
    LiveCalendar live;
    live.now = NeededTime(json, "time");
    live.configured = Needed(json, "configured").get<bool>();
    live.location = NeededText(json, "location");
    live.mode = NeededText(json, "mode");
    for (const Json& one : NeededList(json, "intervals")) live.names.push_back(ToName(one));
    for (const Json& run : NeededList(json, "runs")) live.runs.push_back(ToCalendarRun(run));
    return live;
  });
}

}  // namespace mailhub::ctl
