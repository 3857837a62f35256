// What `sc.exe query NAME` prints on a Windows host, read into the schema that all services share.
#pragma once

#include <string>
#include <string_view>

#include "exporter/collector/service_state.h"
#include "lib/base/result.h"

namespace mailhub::exporter {

// The command that asks about a service. Its name has no quotes: the site file's reader has seen to
// it.
std::string WindowsServiceCommand(const std::string& name);

// kCorrupt when the output says nothing about the service of that name.
Result<ServiceReport> ReadWindowsService(const std::string& name, std::string_view output);

}  // namespace mailhub::exporter
