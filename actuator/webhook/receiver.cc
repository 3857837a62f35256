// See receiver.h.
#include "actuator/webhook/receiver.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

#include "actuator/webhook/notification.h"
#include "lib/base/digest.h"
#include "lib/base/log.h"
#include "lib/base/lower.h"

namespace mailhub::webhook {
namespace {

bool IsJson(std::string_view content_type) {
  std::string media(content_type.substr(0, content_type.find(';')));
  std::erase(media, ' ');
  return Lower(std::move(media)) == "application/json";
}

// The body's announced length; 0 without a readable one.
size_t AnnouncedLength(const http::Request& request) {
  const std::string_view text = request.Header("Content-Length");
  size_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

}  // namespace

Receiver::Receiver(api::Backend* backend, const std::string& token_file, Answered answered,
                   MaySend may_send)
    : backend_(backend),
      token_file_(token_file.empty() ? std::nullopt : std::make_optional<TokenFile>(token_file)),
      answered_(std::move(answered)),
      may_send_(std::move(may_send)) {}

Receiver::Verdict Receiver::Refuse(const http::Request& request, Outcome outcome, int status,
                                   const std::string& why) {
  LogWarn(
      "notification refused",
      {{"remote", request.remote_address}, {"status", std::to_string(status)}, {"reason", why}});
  http::Response response = http::TextResponse(status, why);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 503) response.headers.emplace_back("Retry-After", "5");
  return {outcome, std::move(response)};
}

std::optional<http::Response> Receiver::BeforeBody(const http::Request& request) const {
  std::optional<Verdict> refusal = Judge(request);
  if (!refusal) return std::nullopt;
  if (answered_) answered_(refusal->outcome, refusal->response.status);
  return std::move(refusal->response);
}

http::Response Receiver::Receive(const http::Request& request) const {
  Verdict verdict = Handle(request);
  if (answered_) answered_(verdict.outcome, verdict.response.status);
  return std::move(verdict.response);
}

std::optional<Receiver::Verdict> Receiver::Judge(const http::Request& request) const {
  // A logged-in user has proven more than the token would.
  if (request.user.empty()) {
    if (!token_file_) return Refuse(request, Outcome::kUnauthorized, 401, "a login is needed");
    const Status verified = token_file_->Verify(request.BearerToken());
    if (!verified && verified.error().kind == ErrorKind::kRefused) {
      return Refuse(request, Outcome::kUnauthorized, 401, verified.error().message);
    }
    // An unreadable token file is our fault: Alertmanager must send again, and it does so only
    // after a 5xx.
    if (!verified) return Refuse(request, Outcome::kLater, 503, verified.error().message);
  } else if (may_send_ && !may_send_(request.user)) {
    return Refuse(request, Outcome::kUnauthorized, 403,
                  request.user + " may not send notifications: that needs the role operator");
  }
  if (!IsJson(request.Header("Content-Type"))) {
    return Refuse(request, Outcome::kMalformed, 415, "the body must be application/json");
  }
  const size_t length = AnnouncedLength(request);
  if (length > kMostBytes) {
    return Refuse(request, Outcome::kTooLarge, 503,
                  "the notification has " + std::to_string(length) + " bytes, and " +
                      std::to_string(kMostBytes) +
                      " are taken at most; smaller groups (group_by) or max_alerts help");
  }
  return std::nullopt;
}

Receiver::Verdict Receiver::Handle(const http::Request& request) const {
  Result<engine::Notification> notification = ParseNotification(request.body);
  if (!notification) {
    const std::string& why = notification.error().message;
    switch (notification.error().kind) {
      case ErrorKind::kInvalid:
        return Refuse(request, Outcome::kMalformed, 400, why);
      case ErrorKind::kRefused:
        return Refuse(request, Outcome::kTooLarge, 503, why);
      default:
        return Refuse(request, Outcome::kLater, 503, why);
    }
  }
  if (notification->truncated > 0) {
    LogWarn("Alertmanager left alerts out of a notification (max_alerts)",
            {{"left_out", std::to_string(notification->truncated)}});
  }
  notification->id = RandomHex(128);
  notification->by = request.user;
  const Result<std::string> committed = backend_->Submit(*std::move(notification));
  if (committed) {
    http::Response response;
    response.content_type = "application/json";
    // The API's envelope; the name is hexadecimal digits.
    response.body = R"({"status":"success","data":{"notification":")" + *committed + "\"}}\n";
    return {Outcome::kCommitted, std::move(response)};
  }
  const bool malformed = committed.error().kind == ErrorKind::kInvalid;
  return Refuse(request, malformed ? Outcome::kMalformed : Outcome::kLater, malformed ? 400 : 503,
                committed.error().message);
}

}  // namespace mailhub::webhook
