// Other names of hosts; internal to this folder.
#pragma once

#include "lib/config/reader.h"
#include "lib/config/site.h"

namespace mailhub::config {

// Reads `aliases` of all hosts under `root`, after hosts and groups. A mistake names both lines when
// one is the name of a host or a group, or is listed twice.
void ReadAliases(Reader& in, const Node& root, Site* site);

}  // namespace mailhub::config
