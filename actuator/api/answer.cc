// See answer.h.
#include "actuator/api/answer.h"

#include <utility>

#include "actuator/api/render.h"

namespace mailhub::api {
namespace {

constexpr const char* kJson = "application/json";

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

std::string TypeOf(int status) {
  switch (status) {
    case 401:
    case 403:
      return "unauthorized";
    case 404:
      return Name(ErrorKind::kNotFound);
    case 409:
      return Name(ErrorKind::kRefused);
    case 429:
    case 503:
      return Name(ErrorKind::kOverloaded);
    case 504:
      return Name(ErrorKind::kOutcomeUnknown);
    default:
      return Name(status < 500 ? ErrorKind::kInvalid : ErrorKind::kInternal);
  }
}

}  // namespace

bool AnswersInEnvelope(std::string_view path) {
  return path.starts_with("/api/") || path == "/-/reload";
}

void PutInEnvelope(const http::Request& request, http::Response* response) {
  if (!AnswersInEnvelope(request.path) || response->content_type == kJson) return;
  std::string why = std::move(response->body);
  while (why.ends_with('\n')) why.pop_back();
  response->content_type = kJson;
  response->body = Failure(TypeOf(response->status), why);
}

http::Response JsonResponse(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = kJson;
  response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

http::Response Answer(Result<std::string> data) {
  if (data) return JsonResponse(200, Success(*std::move(data)));
  const Error& error = data.error();
  http::Response response =
      JsonResponse(StatusOf(error.kind), Failure(Name(error.kind), error.message));
  if (response.status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace mailhub::api
