// See configuration.h.
#include "actuator/configuration.h"

#include "actuator/calendar_check.h"
#include "actuator/site_calendar.h"
#include "actuator/trigger_check.h"
#include "lib/base/clock.h"

namespace mailhub {
Result<Configuration> LoadConfiguration(const std::string& path) {
  auto settings = settings::LoadSettings(path);
  if (!settings) return Fail(settings.error());
  auto site = config::LoadSite(settings->site_file);
  if (!site) return Fail(site.error());
  if (site->actuator_key.empty()) {
    return Fail(ErrorKind::kInvalid, settings->site_file + ": ssh.actuator_key: missing");
  }
  Configuration configuration;
  configuration.site = std::make_shared<const config::Site>(std::move(*site));
  auto runbooks = runbook::RunbookLibrary::Load(settings->runbooks_directory, configuration.site);
  if (!runbooks) return Fail(runbooks.error());
  configuration.runbooks = *std::move(runbooks);
  if (Status checked = CheckTriggers(*settings, *configuration.runbooks, *configuration.site);
      !checked) {
    return Fail(checked.error());
  }
  if (!settings->calendar_file.empty()) {
    auto calendar = LoadSiteCalendar(settings->calendar_file, RealClock().Now());
    if (!calendar) return Fail(calendar.error());
    settings->engine.calendar = *std::move(calendar);
  }
  if (Status checked =
          CheckCalendarNames(*settings, *configuration.runbooks, settings->engine.calendar.get());
      !checked) {
    return Fail(checked.error());
  }
  configuration.settings = *std::move(settings);
  return configuration;
}

}  // namespace mailhub
