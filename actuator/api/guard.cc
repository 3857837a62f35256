// Two proofs are accepted. A browser never sends a bearer token unasked. It does send a password,
// so a password needs an additional header, which a page of another origin cannot add.
#include "actuator/api/guard.h"

#include <utility>

namespace mailhub::api {

engine::Roles RolesOf(const RolesByLogin& roles, const std::string& login) {
  const auto listed = roles.find(login);
  return listed == roles.end() ? Author().roles : listed->second;
}

Guard::Guard(const std::string& token_file, RolesByLogin roles) : roles_(std::move(roles)) {
  if (!token_file.empty()) tokens_.emplace(token_file);
}

Status Guard::Judge(const http::Request& request) const {
  const Status verified = tokens_->Verify(request.BearerToken());
  if (verified) return {};
  if (verified.error().kind == ErrorKind::kRefused)
    return Fail(ErrorKind::kRefused, "what was sent as a bearer token is not the API token");
  return Fail(ErrorKind::kUnreachable, "the API token: " + verified.error().message);
}

Result<bool> Guard::BearsToken(const http::Request& request) const {
  if (!tokens_ || request.BearerToken().empty()) return false;
  if (Status judged = Judge(request); !judged) return Fail(judged.error());
  return true;
}

Result<Author> Guard::MayChange(const http::Request& request, engine::Role needed) const {
  if (!request.user.empty()) {
    const Author author{request.user, RolesOf(roles_, request.user)};
    if (!author.roles.contains(needed)) {
      return Fail(ErrorKind::kRefused, author.roles.contains(engine::Role::kViewer)
                                           ? request.user + " is a viewer, and may only look"
                                           : request.user + " may not do this: it needs the role " +
                                                 engine::Name(needed));
    }
    if (request.Header("X-Mailhub-Request") == "1") return author;
    return Fail(ErrorKind::kRefused, "changing something needs the header X-Mailhub-Request: 1");
  }
  if (!tokens_)
    return Fail(ErrorKind::kRefused,
                "no API token is configured, so nothing can be changed without a login");
  const Status judged = Judge(request);
  if (judged) return Author();
  if (judged.error().kind == ErrorKind::kRefused && request.BearerToken().empty())
    return Fail(ErrorKind::kRefused,
                "changing something needs the API token (Authorization: Bearer ...)");
  return Fail(judged.error());
}

}  // namespace mailhub::api
