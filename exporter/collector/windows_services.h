// Parses the output of `sc.exe query NAME` on a Windows host into the services' common schema.
#pragma once

#include <string>
#include <string_view>

#include "exporter/collector/service_state.h"
#include "lib/base/result.h"

namespace mailhub::exporter {

// The command that queries a service. Its name has no quotes; the site file's reader ensures that.
std::string WindowsServiceCommand(const std::string& name);

// kCorrupt when the output lacks the service of that name.
Result<ServiceReport> ReadWindowsService(const std::string& name, std::string_view output);

}  // namespace mailhub::exporter
