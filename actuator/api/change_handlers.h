// Handlers of the requests that change something. Each checks the request and sends one command to
// the engine.
#pragma once

#include <optional>
#include <string>

#include "actuator/api/backend.h"
#include "actuator/api/guard.h"
#include "actuator/api/receivers.h"
#include "actuator/api/request.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. `backend` and `receivers` (null: there are none) must outlive it.
class ChangeHandlers {
 public:
  ChangeHandlers(Backend& backend, const std::string& token_file, RolesByLogin roles,
                 Receivers* receivers = nullptr);

  http::Response StartRun(const http::Request& request);
  http::Response ActOnRun(const http::Request& request);
  http::Response SetMode(const http::Request& request);
  http::Response TakeOver(const http::Request& request);
  http::Response CloseEpisode(const http::Request& request);
  http::Response TestReceiver(const http::Request& request);
  http::Response Reload(const http::Request& request);

 private:
  // As mailhub::api::Denied().
  std::optional<http::Response> Denied(const http::Request& request, Author* who,
                                       engine::Role needed = engine::Role::kOperator);
  // kInvalid when the body lacks the step, attempt or hold that the verb is about.
  Status SaysWhatItAnswers(engine::Verb verb, const std::string& run, const ChangeBody& body);
  http::Response Submit(Ask what);

  // Constant after construction.
  Backend& backend_;
  const Guard guard_;
  Receivers* const receivers_;
};

}  // namespace mailhub::api
