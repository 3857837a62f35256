// Pages made from the site file: service discovery, the configuration without its secrets, the
// landing page.
#pragma once

#include <string>

#include "lib/config/site.h"

namespace mailhub::exporter {

// For http_sd_configs: one target per host, by name; groups, platform and address as
// __meta_mailhub_* labels.
std::string RenderDiscovery(const config::Site& site);

// The site file as parsed. Omits the places of keys and the text of commands, which may contain
// passwords.
std::string RenderConfig(const config::Site& site);

// HTML with links and a form to probe a host. Its links are relative, so they hold below any prefix. `site` may be
// null.
std::string RenderLanding(const config::Site* site, const std::string& version,
                          const std::string& telemetry_path);

}  // namespace mailhub::exporter
