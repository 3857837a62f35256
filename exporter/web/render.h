// Pages made from the site file: service discovery, the configuration without its secrets, the
// landing page.
#pragma once

#include <string>

#include "lib/config/site.h"

namespace mailhub::exporter {

// For http_sd_configs: one target a host, its name; groups, platform and address as
// __meta_mailhub_* labels.
std::string RenderDiscovery(const config::Site& site);

// The site file as it was understood. Where keys lie is not told, nor what commands hold: they may
// carry passwords.
std::string RenderConfig(const config::Site& site);

// HTML with links and a form that probes a host. `site` may be null.
std::string RenderLanding(const config::Site* site, const std::string& version,
                          const std::string& telemetry_path);

}  // namespace mailhub::exporter
