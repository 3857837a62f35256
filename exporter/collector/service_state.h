// The one schema for services of every kind and source.
#pragma once

#include <optional>
#include <string>

#include "lib/config/service_managers.h"
#include "lib/metrics/families.h"

namespace mailhub::exporter {

using config::ServiceState;

struct ServiceReport {
  ServiceState state = ServiceState::kAbsent;
  std::optional<double> start_time_seconds;  // unix time on that host, while it is active
  std::optional<double> restarts;
};

void AddService(const std::string& name, const ServiceReport& report, metrics::Families* families);

}  // namespace mailhub::exporter
