// Handlers of the requests that change something. Each checks the request and sends one command to
// the engine.
#pragma once

#include <optional>
#include <string>

#include "actuator/api/backend.h"
#include "actuator/api/guard.h"
#include "actuator/api/request.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. `backend` must outlive it.
class ChangeHandlers {
 public:
  ChangeHandlers(Backend& backend, const std::string& token_file);

  http::Response StartRun(const http::Request& request);
  http::Response ActOnRun(const http::Request& request);
  http::Response SetMode(const http::Request& request);
  http::Response TakeOver(const http::Request& request);
  http::Response CloseEpisode(const http::Request& request);
  http::Response Reload(const http::Request& request);

 private:
  // As mailhub::api::Denied().
  std::optional<http::Response> Denied(const http::Request& request, std::string* who);
  // kInvalid when the body lacks the step, attempt or hold that the verb is about.
  Status SaysWhatItAnswers(engine::Verb verb, const std::string& run, const ChangeBody& body);
  http::Response Submit(Ask what);

  // Constant after construction.
  Backend& backend_;
  const Guard guard_;
};

}  // namespace mailhub::api
