// Handles POST /api/v1/alerts, Alertmanager's deliveries.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "actuator/api/backend.h"
#include "actuator/webhook/token_file.h"
#include "lib/http/server.h"

namespace mailhub::webhook {

inline constexpr const char* kPath = "/api/v1/alerts";

// The outcome of one delivery.
enum class Outcome {
  kCommitted,
  kMalformed,     // broken for good
  kUnauthorized,  // no login, no token or a wrong one
  kTooLarge,      // too many bytes or alerts
  kLater,         // not committed, or perhaps not
};

// Answers
//   200  the notification is committed; the body names it
//   400  the body's defect: Alertmanager does not send it again
//   401  no token or a wrong one; 403 a login that may not change anything; 415 the body is not declared as JSON
//   503  not committed, perhaps not committed, or too large: Alertmanager sends it again, and it
//        may be smaller then
// Thread-safe. Owns nothing; `backend` must outlive it.
class Receiver {
 public:
  using Answered = std::function<void(Outcome outcome, int status)>;

  // Whether that login may send notifications, which start runs.
  using MaySend = std::function<bool(const std::string& login)>;
  // `token_file` may be empty only if the server requires a login. `answered` is called for each
  // delivery that reaches the receiver; it may be empty. `may_send` may be empty: every login.
  Receiver(api::Backend* backend, const std::string& token_file, Answered answered = {},
           MaySend may_send = {});

  // Checks sender, content type and length. Returns the answer for a body that must not be read.
  // For http::ServerOptions::before_body.
  std::optional<http::Response> BeforeBody(const http::Request& request) const;
  // Only for requests that BeforeBody() accepted; it does not check the sender again.
  http::Response Receive(const http::Request& request) const;

 private:
  struct Verdict {
    Outcome outcome;
    http::Response response;
  };
  static Verdict Refuse(const http::Request& request, Outcome outcome, int status,
                        const std::string& why);
  std::optional<Verdict> Judge(const http::Request& request) const;
  Verdict Handle(const http::Request& request) const;

  api::Backend* const backend_;
  const std::optional<TokenFile> token_file_;
  const Answered answered_;
  const MaySend may_send_;
};

}  // namespace mailhub::webhook
