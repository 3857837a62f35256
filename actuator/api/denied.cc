// See denied.h.
#include "actuator/api/denied.h"

#include "actuator/api/answer.h"
#include "actuator/api/render.h"
#include "lib/base/log.h"

namespace mailhub::api {

std::optional<http::Response> Denied(const Guard& guard, const http::Request& request, Author* who,
                                     engine::Role needed) {
  auto user = guard.MayChange(request, needed);
  if (user) {
    *who = *user;
    return std::nullopt;
  }
  LogWarn(
      "refused a change over HTTP",
      {{"path", request.path}, {"from", request.remote_address}, {"why", user.error().message}});
  if (user.error().kind != ErrorKind::kRefused) return Answer(Fail(user.error()));
  const int status = request.user.empty() ? 401 : 403;
  http::Response response = JsonResponse(status, Failure("unauthorized", user.error().message));
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"mailhub\"");
  return response;
}

}  // namespace mailhub::api
