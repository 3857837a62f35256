// See receiver.h.
#include "actuator/webhook/receiver.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "actuator/webhook/notification.h"
#include "lib/base/digest.h"
#include "lib/base/log.h"

namespace mailhub::webhook {
namespace {

bool IsJson(std::string_view content_type) {
  std::string media(content_type.substr(0, content_type.find(';')));
  std::erase(media, ' ');
  std::transform(media.begin(), media.end(), media.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return media == "application/json";
}

http::Response Refuse(const http::Request& request, int status, const std::string& why) {
  LogWarn(
      "notification refused",
      {{"remote", request.remote_address}, {"status", std::to_string(status)}, {"reason", why}});
  http::Response response = http::TextResponse(status, why);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace

Receiver::Receiver(api::Backend* backend, const std::string& token_file,
                   std::function<void(int)> answered)
    : backend_(backend),
      token_file_(token_file.empty() ? std::nullopt : std::make_optional<TokenFile>(token_file)),
      answered_(std::move(answered)) {}

std::optional<http::Response> Receiver::BeforeBody(const http::Request& request) const {
  std::optional<http::Response> refusal = Judge(request);
  if (refusal && answered_) answered_(refusal->status);
  return refusal;
}

http::Response Receiver::Receive(const http::Request& request) const {
  http::Response response = Handle(request);
  if (answered_) answered_(response.status);
  return response;
}

std::optional<http::Response> Receiver::Judge(const http::Request& request) const {
  // Who the server let in by name has proved more than the token would.
  if (request.user.empty()) {
    if (!token_file_) return Refuse(request, 401, "a login is needed");
    const Status verified = token_file_->Verify(request.BearerToken());
    if (!verified) {
      // A token file that cannot be read is our fault: Alertmanager must come again, and it does
      // so after a 5xx only.
      const int status = verified.error().kind == ErrorKind::kRefused ? 401 : 503;
      return Refuse(request, status, verified.error().message);
    }
  }
  if (!IsJson(request.Header("Content-Type"))) {
    return Refuse(request, 415, "the body must be application/json");
  }
  return std::nullopt;
}

http::Response Receiver::Handle(const http::Request& request) const {
  if (auto refusal = Judge(request)) return *std::move(refusal);
  if (request.body.size() > kMostBytes) return Refuse(request, 413, "the body is too long");
  Result<engine::Notification> notification = ParseNotification(request.body);
  if (!notification) return Refuse(request, 400, notification.error().message);
  if (notification->truncated > 0) {
    LogWarn("Alertmanager left alerts out of a notification (max_alerts)",
            {{"left_out", std::to_string(notification->truncated)}});
  }
  notification->id = RandomHex(128);
  const Result<std::string> committed = backend_->Submit(*std::move(notification));
  if (committed) return http::TextResponse(200, "committed " + *committed);
  const int status = committed.error().kind == ErrorKind::kInvalid ? 400 : 503;
  return Refuse(request, status, committed.error().message);
}

}  // namespace mailhub::webhook
