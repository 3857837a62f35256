// Who may change something over HTTP.
#pragma once

#include <optional>
#include <string>

#include "actuator/webhook/token_file.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. The token file is looked at anew at every question, so that a token can be replaced
// while the actuator runs.
class Guard {
 public:
  explicit Guard(const std::string& token_file);

  // Who it is: the name of a user who logged in, "" for the holder of the token. kRefused with what
  // is missing; kUnreachable when the token file cannot be used.
  Result<std::string> MayChange(const http::Request& request) const;
  // Whether the request bears the API token. Errors as above; a bearer token that is another one is
  // kRefused.
  Result<bool> BearsToken(const http::Request& request) const;

 private:
  Status Judge(const http::Request& request) const;

  std::optional<webhook::TokenFile> tokens_;  // constant after construction
};

}  // namespace mailhub::api
