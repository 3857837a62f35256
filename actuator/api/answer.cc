// See answer.h.
#include "actuator/api/answer.h"

#include <utility>

#include "actuator/api/render.h"

namespace mailhub::api {
namespace {

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kRefused:
      return 409;
    case ErrorKind::kUnreachable:
    case ErrorKind::kOverloaded:
      return 503;
    case ErrorKind::kOutcomeUnknown:
      return 504;
    case ErrorKind::kCorrupt:
    case ErrorKind::kInternal:
      break;
  }
  return 500;
}

}  // namespace

http::Response JsonResponse(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

http::Response Answer(const Result<std::string>& data) {
  if (data) return JsonResponse(200, Success(*data));
  const Error& error = data.error();
  http::Response response =
      JsonResponse(StatusOf(error.kind), Failure(Name(error.kind), error.message));
  if (response.status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace mailhub::api
