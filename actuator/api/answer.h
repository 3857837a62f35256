// Answers in the API's envelope.
#pragma once

#include <string>

#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// JSON that no cache keeps.
http::Response JsonResponse(int status, std::string body);

// 200 with the data, or the error with the status of its kind.
http::Response Answer(const Result<std::string>& data);

}  // namespace mailhub::api
