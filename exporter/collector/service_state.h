// The one schema for services of every kind and source.
#pragma once

#include <optional>
#include <string>

#include "lib/base/words.h"
#include "lib/metrics/families.h"

namespace mailhub::exporter {

enum class ServiceState { kActive, kActivating, kDeactivating, kInactive, kFailed, kAbsent };
constexpr auto WordsOf(ServiceState) {
  using enum ServiceState;
  return Vocabulary<ServiceState>({
      {kActive, "active"},
      {kActivating, "activating"},
      {kDeactivating, "deactivating"},
      {kInactive, "inactive"},
      {kFailed, "failed"},
      {kAbsent, "absent"},
  });
}

struct ServiceReport {
  ServiceState state = ServiceState::kAbsent;
  std::optional<double> start_time_seconds;  // unix time on that host, while it is active
  std::optional<double> restarts;
};

void AddService(const std::string& name, const ServiceReport& report, metrics::Families* families);

}  // namespace mailhub::exporter
