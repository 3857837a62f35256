// Prints what the calendar says, for tests in Python. Each line of standard input is a case:
//   {"calendar": TEXT, "files": {PATH: TEXT}, "within": [MS, MS], "asks": [{"windows": [NAME], "blackouts": [NAME],
//    "now": MS, "needed": MS, "horizon": MS, "occupied": [[MS, MS]]}]}
// and each line of standard output its answer:
//   {"spans": {NAME: [[MS, MS]]}, "asks": [{"now": BOOL, "slot": [MS, MS or null] or null}]}
// or {"refused": SENTENCE}.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "actuator/calendar/calendar.h"
#include "actuator/calendar/read.h"
#include "actuator/calendar/suitable.h"

namespace mailhub::calendar {
namespace {

using nlohmann::json;

Span SpanOf(const json& pair) {
  return {FromUnixMs(pair[0].get<long long>()), FromUnixMs(pair[1].get<long long>())};
}

json AnswerTo(const Calendar& calendar, const json& ask) {
  Suitable suitable{ask["windows"], ask["blackouts"]};
  std::vector<Span> occupied;
  for (const json& pair : ask["occupied"]) occupied.push_back(SpanOf(pair));
  const Opening opening = Ask(calendar, suitable, FromUnixMs(ask["now"].get<long long>()),
                              Milliseconds(ask["needed"].get<long long>()), occupied,
                              Milliseconds(ask["horizon"].get<long long>()));
  json slot;
  if (opening.slot) {
    slot = {ToUnixMs(opening.slot->begin), nullptr};
    if (opening.slot->end) slot[1] = ToUnixMs(*opening.slot->end);
  }
  return {{"now", opening.now}, {"slot", slot}, {"sentence", opening.Sentence()}};
}

int Main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const json one = json::parse(line);
    const Span within = SpanOf(one["within"]);
    // iCalendar files are given by their text: {"name.ics": TEXT}.
    const json files = one.value("files", json::object());
    const auto calendar = ParseCalendar(
        one["calendar"].get<std::string>(), "/calendar.yml", within.begin,
        [&](const std::string& path) { return Result<std::string>(files.value(path, "")); });
    if (!calendar) {
      std::cout << json{{"refused", calendar.error().message}}.dump() << '\n';
      continue;
    }
    json answer = {{"spans", json::object()}, {"asks", json::array()}};
    for (const Interval& interval : calendar->Intervals()) {
      json& spans = answer["spans"][interval.name] = json::array();
      for (const Span& span : SpansOf(interval, within)) {
        spans.push_back({ToUnixMs(span.begin), ToUnixMs(span.end)});
      }
    }
    for (const json& ask : one["asks"]) answer["asks"].push_back(AnswerTo(*calendar, ask));
    std::cout << answer.dump() << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace mailhub::calendar

int main() {
  return mailhub::calendar::Main();
}
