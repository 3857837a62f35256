// Puts the actuator together: the real clock, SSH, Prometheus and the journal meet here alone.
#include <cstdio>
#include <memory>

#include "actuator/api/api.h"
#include "actuator/configuration.h"
#include "actuator/journal/journal.h"
#include "actuator/options.h"
#include "actuator/ports.h"
#include "actuator/service/service.h"
#include "actuator/webhook/receiver.h"
#include "lib/base/log.h"
#include "lib/config/yaml.h"
#include "lib/daemon/daemon.h"
#include "lib/http/server.h"

namespace mailhub {
namespace {

constexpr char kVersion[] = MAILHUB_VERSION;
constexpr int kEventStreams = 6;
constexpr size_t kHistoryForMetrics = 10'000;
constexpr Milliseconds kLongestShutdown{1'900};

int Refuse(const char* what, const Error& error) {
  LogError(what, {{"why", error.message}});
  return 1;
}

int CheckOnly(const std::string& path) {
  const auto configuration = LoadConfiguration(path);
  if (!configuration) {
    std::fprintf(stderr, "%s\n", configuration.error().message.c_str());
    return 1;
  }
  std::printf("%s: good, %zu triggers, %zu runbooks, %zu hosts\n", path.c_str(),
              configuration->settings.triggers.size(), configuration->runbooks->List().size(),
              configuration->site->hosts.size());
  return 0;
}

Result<condition::GateOptions> GateOptionsOf(const settings::PrometheusSettings& settings) {
  condition::GateOptions options;
  options.prometheus_url = settings.url;
  options.timeout = settings.timeout;
  options.client.ca_file = settings.ca_file;
  options.client.basic_user = settings.basic_user;
  options.client.bearer_token_file = settings.bearer_token_file;
  if (!settings.basic_password_file.empty()) {
    auto password = config::ReadFile(settings.basic_password_file, 4096);
    if (!password) return Fail(password.error());
    while (!password->empty() && (password->back() == '\n' || password->back() == '\r'))
      password->pop_back();
    options.client.basic_password = *password;
  }
  return options;
}

// What the HTTP side is made of; owns nothing that the service uses.
class Web {
 public:
  Web(service::Service* service, api::ActuatorMetrics* metrics, const Clock* clock,
      const settings::Fixed& fixed, http::ServerOptions options)
      : receiver_(service, fixed.webhook_token_file),
        server_(WithHooks(std::move(options), metrics)) {
    api::ApiOptions api_options;
    api_options.version = kVersion;
    api_options.token_file = fixed.web.api_token_file;
    api_options.max_event_streams = kEventStreams;
    api::AddRoutes(server_, *service, *metrics, *clock, api_options);
    server_.Handle("POST", webhook::kPath,
                   [this](const http::Request& request) { return receiver_.Receive(request); });
  }
  http::Server& server() { return server_; }

 private:
  http::ServerOptions WithHooks(http::ServerOptions options, api::ActuatorMetrics* metrics) {
    options.before_body = [this](const http::Request& request) -> std::optional<http::Response> {
      if (request.path != webhook::kPath || request.method != "POST") return std::nullopt;
      return receiver_.BeforeBody(request);
    };
    options.on_finished = [metrics](std::string_view route, int status, Milliseconds) {
      if (route == webhook::kPath) CountWebhook(metrics, status);
    };
    return options;
  }
  static void CountWebhook(api::ActuatorMetrics* metrics, int status) {
    using api::NotificationDecision;
    metrics->WebhookAnswered(status);
    metrics->NotificationDecided(status == 200   ? NotificationDecision::kAccepted
                                 : status == 401 ? NotificationDecision::kUnauthorized
                                 : status == 503 ? NotificationDecision::kOverloaded
                                                 : NotificationDecision::kInvalid);
  }

  const webhook::Receiver receiver_;
  http::Server server_;
};

int Run(const ActuatorOptions& options) {
  auto configuration = LoadConfiguration(options.config_file);
  if (!configuration) return Refuse("The configuration is refused", configuration.error());
  settings::Fixed fixed = configuration->settings.fixed;
  if (!options.listen_address.empty()) fixed.web.listen_address = options.listen_address;
  if (!options.web_config_file.empty()) fixed.web.config_file = options.web_config_file;
  if (Status allowed = CheckListenAddress(fixed.web.listen_address, fixed.web.config_file);
      !allowed) {
    return Refuse("The actuator may not listen there", allowed.error());
  }
  if (!fixed.webhook_token_file.empty()) {
    if (Status token = webhook::TokenFile::Check(fixed.webhook_token_file); !token) {
      return Refuse("The webhook's token file is refused", token.error());
    }
  }
  auto gate_options = GateOptionsOf(fixed.prometheus);
  if (!gate_options)
    return Refuse("The password for Prometheus cannot be read", gate_options.error());

  const RealClock clock;
  auto journal = journal::Journal::Open(fixed.journal, clock.Now());
  if (!journal) return Refuse("The journal cannot be used", journal.error());
  api::ActuatorMetrics metrics(kVersion);
  MetricsObserver observer(&metrics);
  PrometheusPort prometheus(*std::move(gate_options), &clock);
  remote::RemoteHosts hosts(configuration->site);
  HostsPort hosts_port(&hosts);

  service::ServiceOptions service_options;
  service_options.version = kVersion;
  service_options.engine = configuration->settings.engine;
  service_options.plans = configuration->runbooks;
  service_options.first_mode = fixed.first_mode;
  service_options.most_waiting = fixed.most_waiting;
  service_options.on_fatal = [](const Error& error) {
    LogError("The journal contradicts itself; nothing is done any more", {{"why", error.message}});
    daemon::EndProgram();
  };
  service_options.read_configuration = [&]() -> Result<service::Reconfigure> {
    auto again = LoadConfiguration(options.config_file);
    metrics.ConfigReloaded(again.has_value());
    if (!again) {
      LogError("The configuration is refused; the old one stays", {{"why", again.error().message}});
      return Fail(again.error());
    }
    hosts.UseSite(again->site);
    LogInfo("The configuration is in force", {{"file", options.config_file}});
    return service::Reconfigure{again->settings.engine, again->runbooks};
  };
  service::Service service(std::move(service_options),
                           {journal->get(), &hosts_port, &prometheus, &observer, &clock},
                           journal::JournalReader(fixed.journal));
  if (Status started = service.Start(); !started)
    return Refuse("The journal cannot be read", started.error());
  if (auto history = service.History("", kHistoryForMetrics))
    metrics.Restore(*history, *service.Look());

  http::ServerOptions server_options;
  server_options.listen_address = fixed.web.listen_address;
  server_options.max_connections = fixed.most_connections;
  server_options.max_streams = kEventStreams + 1;
  if (!fixed.web.config_file.empty()) {
    auto web_config = http::WebConfig::Load(fixed.web.config_file);
    if (!web_config) return Refuse("The web configuration is refused", web_config.error());
    server_options.web_config = *web_config;
  }
  Web web(&service, &metrics, &clock, fixed, std::move(server_options));
  if (Status listening = web.server().Start(); !listening)
    return Refuse("The actuator cannot listen", listening.error());
  LogInfo("Listening", {{"address", fixed.web.listen_address}, {"version", kVersion}});

  daemon::ServeSignals([&] { static_cast<void>(service.Reload()); });  // it has said what is wrong
  LogInfo("Ending");
  const daemon::ShutdownLimit limit(kLongestShutdown, 0);
  prometheus.Cancel();
  web.server().Stop();
  service.Stop();
  hosts.Stop();
  return 0;
}

}  // namespace
}  // namespace mailhub

int main(int argc, char** argv) {
  int exit_status = 0;
  const auto options = mailhub::ReadOptions(argc, argv, MAILHUB_VERSION, &exit_status);
  if (!options) return exit_status;
  mailhub::InitLog(options->log_level, options->log_format);
  if (options->check_only) return mailhub::CheckOnly(options->config_file);
  mailhub::daemon::BlockSignals();
  return mailhub::Run(*options);
}
