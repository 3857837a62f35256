// POST /api/v1/alerts: where Alertmanager delivers.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "actuator/api/backend.h"
#include "actuator/webhook/token_file.h"
#include "lib/http/server.h"

namespace mailhub::webhook {

inline constexpr const char* kPath = "/api/v1/alerts";

// Answers
//   200  the notification is committed; the body names it
//   400  what is wrong with the body: Alertmanager does not send it again
//   401  no token or a wrong one; 415 the body is not declared as JSON; 413 it is too long
//   503  not committed, or not known to be: Alertmanager sends it again
// Thread-safe. Owns nothing; `backend` must outlive it.
class Receiver {
 public:
  // `token_file` may be empty only where the server asks for a login. `answered` is told the status
  // of each delivery that came this far; it may be empty.
  Receiver(api::Backend* backend, const std::string& token_file,
           std::function<void(int)> answered = {});

  // What can be said before the body is read: for http::ServerOptions::before_body.
  std::optional<http::Response> BeforeBody(const http::Request& request) const;
  // Looks at everything again, so that it is safe without the other.
  http::Response Receive(const http::Request& request) const;

 private:
  std::optional<http::Response> Judge(const http::Request& request) const;
  http::Response Handle(const http::Request& request) const;

  api::Backend* const backend_;
  const std::optional<TokenFile> token_file_;
  const std::function<void(int)> answered_;
};

}  // namespace mailhub::webhook
