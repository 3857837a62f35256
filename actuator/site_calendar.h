// The site's calendar as the engine asks it.
#pragma once

#include <memory>
#include <string>

#include "actuator/engine/calendar.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub {

// Reads calendar.yml and the iCalendar files that it names. Fails as calendar::LoadCalendar does.
Result<std::shared_ptr<const engine::Calendar>> LoadSiteCalendar(const std::string& path,
                                                                 WallTime now);

}  // namespace mailhub
