// What `sc.exe query NAME` prints on a Windows host, read into the schema that all services share.
#pragma once

#include <string>
#include <string_view>

#include "exporter/collector/service_state.h"
#include "lib/base/result.h"

namespace mailhub::exporter {

// The command that asks about a service. Its name has been checked to be a label, so it needs no
// quoting anywhere.
std::string WindowsServiceCommand(const std::string& name);

// kCorrupt when the output says nothing about the service.
Result<ServiceReport> ReadWindowsService(std::string_view output);

}  // namespace mailhub::exporter
