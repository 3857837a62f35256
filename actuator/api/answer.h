// HTTP responses with the API's JSON envelope.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// A JSON response that no cache keeps.
http::Response JsonResponse(int status, std::string body);

// 200 with the data, or the error with the status of its kind.
http::Response Answer(Result<std::string> data);

// Whether all errors about that path come in the envelope, the server's own included.
bool AnswersInEnvelope(std::string_view path);

// For http::ServerOptions::on_refusal. The refusals of the server and of the webhook are plain
// text.
void PutInEnvelope(const http::Request& request, http::Response* response);

}  // namespace mailhub::api
