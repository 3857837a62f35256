// See web.h.
#include "actuator/web.h"

#include <utility>

#include "actuator/webhook/notification.h"

namespace mailhub {
namespace {

constexpr int kEventStreams = 6;

void CountWebhook(api::ActuatorMetrics* metrics, int status) {
  using api::NotificationDecision;
  metrics->WebhookAnswered(status);
  metrics->NotificationDecided(status == 200   ? NotificationDecision::kAccepted
                               : status == 401 ? NotificationDecision::kUnauthorized
                               : status >= 500 ? NotificationDecision::kOverloaded
                                               : NotificationDecision::kInvalid);
}

}  // namespace

Status CheckListenAddress(const std::string& address, const std::string& web_config_file) {
  if (http::IsLoopback(address)) return {};
  const char* why =
      "others than this machine could reach it: TLS and authentication (web.config.file) are "
      "needed";
  if (web_config_file.empty()) return Fail(ErrorKind::kRefused, address + ": " + why);
  const auto web = http::WebConfig::Load(web_config_file);
  if (!web) return Fail(web.error());
  if (!(*web)->UsesTls() || !((*web)->RequiresLogin() || (*web)->RequiresClientCertificate())) {
    return Fail(ErrorKind::kRefused, address + ": " + why);
  }
  return {};
}

Result<std::unique_ptr<Web>> Web::Make(const settings::Fixed& settings, const std::string& version,
                                       api::Backend* backend, api::ActuatorMetrics* metrics,
                                       const Clock* clock) {
  Status allowed = CheckListenAddress(settings.web.listen_address, settings.web.config_file);
  if (!allowed) return Fail(allowed.error());
  http::ServerOptions options;
  options.listen_address = settings.web.listen_address;
  options.max_connections = settings.most_connections;
  options.max_streams = kEventStreams + 1;
  options.max_body_bytes = webhook::kMostBytes;
  if (!settings.web.config_file.empty()) {
    auto web_config = http::WebConfig::Load(settings.web.config_file);
    if (!web_config) return Fail(web_config.error());
    options.web_config = *web_config;
  }
  if (!settings.webhook_token_file.empty()) {
    Status usable = webhook::TokenFile::Check(settings.webhook_token_file);
    if (!usable) return Fail("webhook.token_file", usable.error());
  }
  return std::unique_ptr<Web>(
      new Web(settings, version, backend, metrics, clock, std::move(options)));
}

Web::Web(const settings::Fixed& settings, const std::string& version, api::Backend* backend,
         api::ActuatorMetrics* metrics, const Clock* clock, http::ServerOptions options)
    : receiver_(backend, settings.webhook_token_file,
                [metrics](int status) { CountWebhook(metrics, status); }),
      server_(WithHooks(std::move(options), metrics)) {
  api::ApiOptions api_options;
  api_options.version = version;
  api_options.token_file = settings.web.api_token_file;
  api_options.max_event_streams = kEventStreams;
  api::AddRoutes(server_, *backend, *metrics, *clock, api_options);
  server_.Handle("POST", webhook::kPath,
                 [this](const http::Request& request) { return receiver_.Receive(request); });
}

http::ServerOptions Web::WithHooks(http::ServerOptions options, api::ActuatorMetrics* metrics) {
  options.before_body = [this](const http::Request& request) -> std::optional<http::Response> {
    if (request.path != webhook::kPath || request.method != "POST") return std::nullopt;
    return receiver_.BeforeBody(request);
  };
  options.on_finished = [metrics](std::string_view route, int status, Milliseconds) {
    // The server's own answers to bodies; all others are counted where they are given, because
    // looking at past alerts shares the path.
    if (route == webhook::kPath && (status == 411 || status == 413)) CountWebhook(metrics, status);
  };
  return options;
}

}  // namespace mailhub
