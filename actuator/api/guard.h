// Who may change something over HTTP.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// Immutable and thread-safe. The token file is read anew at every question, so that a token can be
// replaced while the actuator runs.
class Guard {
 public:
  explicit Guard(std::string token_file);

  // Who it is: the name of a user who logged in, "" for the holder of the token. kRefused with what
  // is missing; kUnreachable when the token file cannot be read or is empty.
  Result<std::string> MayChange(const http::Request& request) const;

 private:
  const std::string token_file_;
};

}  // namespace mailhub::api
