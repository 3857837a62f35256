// What others call a host; internal to this folder.
#pragma once

#include "lib/base/result.h"
#include "lib/config/site.h"
#include "lib/config/yaml.h"

namespace mailhub::config {

// Reads `aliases` of all hosts under `root`, after hosts and groups. kInvalid with both lines when
// one is the name of a host or a group, or is listed twice.
Status ReadAliases(const Node& root, Site* site);

}  // namespace mailhub::config
