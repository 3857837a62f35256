// mailhub_service_*: a StateSet, so that a rule can name a state.
#include "exporter/collector/service_state.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kState{"mailhub_service_state", "Whether the service is in the state."};
constexpr metrics::Metric kStart{
    "mailhub_service_start_time_seconds",
    "When the active service's main process started, in the host's unix time."};
constexpr metrics::Metric kRestarts{
    "mailhub_service_restarts_total",
    "How often the service manager restarted the service by itself.", metrics::Type::Counter};

}  // namespace

void AddService(const std::string& name, const ServiceReport& report, metrics::Families* families) {
  for (const ServiceState state : All<ServiceState>()) {
    families->Add(kState, {{"name", name}, {"state", Name(state)}}, report.state == state ? 1 : 0);
  }
  if (report.start_time_seconds)
    families->Add(kStart, {{"name", name}}, *report.start_time_seconds);
  if (report.restarts) families->Add(kRestarts, {{"name", name}}, *report.restarts);
}

}  // namespace mailhub::exporter
