// See gate_options.h.
#include "actuator/gate_options.h"

#include "lib/config/secret.h"

namespace mailhub {
Result<condition::GateOptions> GateOptionsOf(const settings::PrometheusSettings& settings) {
  condition::GateOptions options;
  options.series = {settings.job, settings.labels};
  options.scrape_interval = settings.scrape_interval;
  condition::PrometheusOptions& prometheus = options.prometheus;
  prometheus.url = settings.url;
  prometheus.timeout = settings.timeout;
  prometheus.headers.assign(settings.headers.begin(), settings.headers.end());
  for (const auto& [name, file] : settings.header_files) {
    const auto value = config::ReadSecret(file);
    if (!value) return Fail(value.error());
    prometheus.headers.emplace_back(name, *value);
  }
  prometheus.client.ca_file = settings.ca_file;
  prometheus.client.basic_user = settings.basic_user;
  prometheus.client.bearer_token_file = settings.bearer_token_file;
  if (settings.basic_password_file.empty()) return options;
  auto password = config::ReadSecret(settings.basic_password_file);
  if (!password) return Fail(password.error());
  prometheus.client.basic_password = *std::move(password);
  return options;
}

}  // namespace mailhub
