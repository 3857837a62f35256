// Everything the actuator reads from files, checked against each other and taken or refused as a
// whole.
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

// kInvalid names file, line and column: also of a trigger that could not do what it says. Whether
// keys, tokens and the journal's directory can be used is CheckSurroundings' matter.
Result<Configuration> LoadConfiguration(const std::string& path);

}  // namespace mailhub
