// Checks whether a request may change something.
#pragma once

#include <optional>
#include <string>

#include "actuator/webhook/token_file.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Thread-safe. Reads the token file anew at every call, so that the token can be replaced while the
// actuator runs.
class Guard {
 public:
  explicit Guard(const std::string& token_file);

  // The name of the user who logged in; "" for the holder of the token. kRefused names what is
  // missing; kUnreachable: the token file cannot be used.
  Result<std::string> MayChange(const http::Request& request) const;
  // Whether the request has the API token. Errors as above; a wrong bearer token is kRefused.
  Result<bool> BearsToken(const http::Request& request) const;

 private:
  Status Judge(const http::Request& request) const;

  std::optional<webhook::TokenFile> tokens_;  // constant after construction
};

}  // namespace mailhub::api
