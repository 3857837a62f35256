// Whether the calendar knows each window and blackout that runbooks and triggers name.
#pragma once

#include "actuator/engine/calendar.h"
#include "actuator/runbook/library.h"
#include "actuator/settings/settings.h"
#include "lib/base/result.h"

namespace mailhub {

// `calendar`: null if none is configured. kInvalid: file:line:column, the name, the known ones.
Status CheckCalendarNames(const settings::Settings& settings,
                          const runbook::RunbookLibrary& runbooks,
                          const engine::Calendar* calendar);

}  // namespace mailhub
