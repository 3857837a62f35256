// Loads and checks all configuration files together, and accepts or refuses them as a whole.
#pragma once

#include <memory>
#include <string>

#include "actuator/runbook/library.h"
#include "actuator/settings/settings.h"
#include "lib/base/result.h"
#include "lib/config/site.h"

namespace mailhub {

struct Configuration {
  settings::Settings settings;
  std::shared_ptr<const config::Site> site;
  std::shared_ptr<const runbook::RunbookLibrary> runbooks;
};

// kInvalid names file, line and column, also for a trigger that cannot work. CheckSurroundings
// checks keys, tokens and the journal's directory.
Result<Configuration> LoadConfiguration(const std::string& path);

}  // namespace mailhub
