// See web.h.
#include "actuator/web.h"

#include <utility>

#include "actuator/api/answer.h"
#include "actuator/surroundings.h"
#include "actuator/webhook/notification.h"
#include "lib/base/log.h"

namespace mailhub {
namespace {

constexpr int kEventStreams = 6;
constexpr int kLongNotifications = 2;  // over 1 MiB, in memory at once

void CountWebhook(api::ActuatorMetrics* metrics, webhook::Outcome outcome, int status) {
  using api::NotificationDecision;
  using api::NotificationRefusal;
  metrics->WebhookAnswered(status);
  switch (outcome) {
    case webhook::Outcome::kCommitted:
      return metrics->NotificationDecided(NotificationDecision::kAccepted);
    case webhook::Outcome::kLater:
      return metrics->NotificationDecided(NotificationDecision::kOverloaded);
    case webhook::Outcome::kUnauthorized:
      metrics->NotificationRefused(NotificationRefusal::kUnauthorized);
      return metrics->NotificationDecided(NotificationDecision::kUnauthorized);
    case webhook::Outcome::kTooLarge:
      metrics->NotificationRefused(NotificationRefusal::kTooLarge);
      return metrics->NotificationDecided(NotificationDecision::kInvalid);
    case webhook::Outcome::kMalformed:
      metrics->NotificationRefused(NotificationRefusal::kMalformed);
      return metrics->NotificationDecided(NotificationDecision::kInvalid);
  }
}

}  // namespace

Result<std::unique_ptr<Web>> Web::Make(const settings::Fixed& settings, const std::string& version,
                                       api::Backend* backend, api::ActuatorMetrics* metrics,
                                       api::Receivers* receivers, const Clock* clock,
                                       WebOptions web) {
  http::ServerOptions options;
  options.listen_addresses = settings.web.listen_addresses;
  if (!web.sockets.empty()) options.listen_addresses.clear();
  for (const int socket : web.sockets) {
    auto address = http::AddressOfSocket(socket);
    if (!address) return Fail(address.error());
    options.listen_addresses.push_back(*std::move(address));
  }
  Status allowed = CheckListenAddresses(options.listen_addresses, settings.web.config_file);
  if (!allowed) return Fail(allowed.error());
  options.sockets = std::move(web.sockets);
  options.route_prefix = web.prefix;
  options.max_connections = settings.most_connections;
  options.max_streams = kEventStreams + 1;
  options.max_long_answers = settings.most_connections / 4;
  options.max_of_one_address = settings.most_connections - settings.most_connections / 4;
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
      new Web(settings, version, backend, metrics, receivers, clock, web, std::move(options)));
}

Web::Web(const settings::Fixed& settings, const std::string& version, api::Backend* backend,
         api::ActuatorMetrics* metrics, api::Receivers* receivers, const Clock* clock,
         const WebOptions& web, http::ServerOptions options)
    : receiver_(
          backend, settings.webhook_token_file,
          [metrics](webhook::Outcome outcome, int status) {
            CountWebhook(metrics, outcome, status);
          },
          [roles = settings.web.roles](const std::string& login) {
            return api::RolesOf(roles, login).contains(engine::Role::kOperator);
          }),
      guard_(settings.web.api_token_file, settings.web.roles),
      server_(WithHooks(std::move(options), metrics)) {
  api::ApiOptions api_options;
  api_options.version = version;
  api_options.token_file = settings.web.api_token_file;
  api_options.roles = settings.web.roles;
  api_options.max_event_streams = kEventStreams;
  api_options.receivers = receivers;
  api_options.max_requests = web.max_requests;
  api_options.process_metrics = web.process_metrics;
  api::AddRoutes(server_, *backend, *metrics, *clock, api_options);
  // Its sender is checked before the first byte of a body is read.
  server_.Handle("POST", webhook::kPath,
                 [this](const http::Request& request) { return receiver_.Receive(request); },
                 {.bytes = webhook::kMostBytes, .long_at_once = kLongNotifications});
}

http::ServerOptions Web::WithHooks(http::ServerOptions options, api::ActuatorMetrics* metrics) {
  options.before_body = [this](const http::Request& request) -> std::optional<http::Response> {
    if (request.path != webhook::kPath || request.method != "POST") return std::nullopt;
    return receiver_.BeforeBody(request);
  };
  // A token is as good as a login. A notification's token is checked, counted and logged before its
  // body; only an attempted login must be valid.
  options.needs_no_login = [this](const http::Request& request) -> Result<bool> {
    const bool notification = request.path == webhook::kPath && request.method == "POST";
    const bool is_login = !request.Authorization().empty() && request.BearerToken().empty();
    if (notification && !is_login) return true;
    Result<bool> bears = guard_.BearsToken(request);
    if (!bears) {
      LogWarn("refused a request over HTTP", {{"path", request.path},
                                              {"from", request.remote_address},
                                              {"why", bears.error().message}});
    }
    return bears;
  };
  options.on_refusal = [](const http::Request& request, http::Response* response) {
    // Alertmanager sends a notification again after 503, and gives it up after 429.
    const bool notification = request.path == webhook::kPath && request.method == "POST";
    if (notification && response->status == 429) response->status = 503;
    api::PutInEnvelope(request, response);
  };
  options.on_finished = [metrics](std::string_view route, int status, Milliseconds) {
    // The server's own answer to a body without a length. All others are counted where they are
    // made, because the page of past alerts has the same path.
    if (route == webhook::kPath && status == 411) {
      CountWebhook(metrics, webhook::Outcome::kMalformed, status);
    }
  };
  return options;
}

}  // namespace mailhub
