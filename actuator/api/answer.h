// Answers in the API's envelope.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/http/server.h"

namespace mailhub::api {

// JSON that no cache keeps.
http::Response JsonResponse(int status, std::string body);

// 200 with the data, or the error with the status of its kind.
http::Response Answer(Result<std::string> data);

// Whether errors about that path come in the envelope, whoever makes them.
bool AnswersInEnvelope(std::string_view path);

// For http::ServerOptions::on_refusal: the server's own refusals, and the webhook's, are plain
// text.
void PutInEnvelope(const http::Request& request, http::Response* response);

}  // namespace mailhub::api
