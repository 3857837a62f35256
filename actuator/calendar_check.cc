// See calendar_check.h.
#include "actuator/calendar_check.h"

#include <string>

#include "lib/config/reader.h"

namespace mailhub {
namespace {

Status Check(const std::string& name, const config::Node& at, const engine::Calendar* calendar) {
  if (calendar == nullptr) {
    return at.Invalid("\"" + name + "\" is a name of the calendar, and none is configured");
  }
  const Status known = calendar->Knows(name);
  if (!known) return at.Invalid(known.error().message);
  return {};
}

}  // namespace

Status CheckCalendarNames(const settings::Settings& settings,
                          const runbook::RunbookLibrary& runbooks,
                          const engine::Calendar* calendar) {
  for (const runbook::RunbookInfo& info : runbooks.List()) {
    for (const runbook::PlacedName& placed : info.calendar_names) {
      if (Status known = Check(placed.name, placed.at, calendar); !known) return known;
    }
  }
  for (const settings::PlacedTrigger& placed : settings.triggers) {
    for (const char* key : {"windows", "blackouts"}) {
      for (const config::Node& item : placed.at[key].Items()) {
        const auto name = config::ReadString(item);
        if (!name) return Fail(name.error());
        if (Status known = Check(*name, item, calendar); !known) return known;
      }
    }
  }
  return {};
}

}  // namespace mailhub
