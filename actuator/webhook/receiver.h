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

// What became of one delivery.
enum class Outcome {
  kCommitted,
  kMalformed,     // it can never be right
  kUnauthorized,  // no login, no token or a wrong one
  kTooLarge,      // more bytes or alerts than are taken
  kLater,         // not committed, or not known to be
};

// Answers
//   200  the notification is committed; the body names it
//   400  what is wrong with the body: Alertmanager does not send it again
//   401  no token or a wrong one; 415 the body is not declared as JSON
//   503  not committed, or not known to be, or too large: Alertmanager sends it again, and what is
//        too large today may be smaller by then
// Thread-safe. Owns nothing; `backend` must outlive it.
class Receiver {
 public:
  using Answered = std::function<void(Outcome outcome, int status)>;

  // `token_file` may be empty only where the server asks for a login. `answered` is told of each
  // delivery that came this far; it may be empty.
  Receiver(api::Backend* backend, const std::string& token_file, Answered answered = {});

  // Who sends it, as what, and of which length: the answer to what is not to be read. For
  // http::ServerOptions::before_body.
  std::optional<http::Response> BeforeBody(const http::Request& request) const;
  // Only for what BeforeBody() let pass: nobody is asked again who they are.
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
};

}  // namespace mailhub::webhook
