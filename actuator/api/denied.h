// The answer to a request that may not be made.
#pragma once

#include <optional>
#include <string>

#include "actuator/api/guard.h"
#include "lib/http/server.h"

namespace mailhub::api {

// 401, 403 or 503, and a line in the log; nothing when the request's author has the role, and *who is
// then that author.
std::optional<http::Response> Denied(const Guard& guard, const http::Request& request, Author* who,
                                     engine::Role needed = engine::Role::kOperator);

}  // namespace mailhub::api
