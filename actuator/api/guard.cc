// Two ways in. A bearer token is never sent by a browser unasked. A password is, so with it goes a
// header that a page of another origin cannot add without the server's consent, which it never
// gives.
#include "actuator/api/guard.h"

#include <utility>

#include "lib/base/digest.h"
#include "lib/config/yaml.h"

namespace mailhub::api {
namespace {

constexpr size_t kLongestToken = 4'096;

std::string Trimmed(const std::string& text) {
  const char* space = " \t\r\n";
  const size_t first = text.find_first_not_of(space);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace

Guard::Guard(std::string token_file) : token_file_(std::move(token_file)) {}

Result<std::string> Guard::MayChange(const http::Request& request) const {
  if (!request.user.empty()) {
    if (request.Header("X-Mailhub-Request") == "1") return request.user;
    return Fail(ErrorKind::kRefused, "changing something needs the header X-Mailhub-Request: 1");
  }
  if (token_file_.empty())
    return Fail(ErrorKind::kRefused,
                "no API token is configured, so nothing can be changed without a login");
  auto file = config::ReadFile(token_file_, kLongestToken);
  if (!file) return Fail(ErrorKind::kUnreachable, "the API token: " + file.error().message);
  const std::string token = Trimmed(*file);
  if (token.empty()) return Fail(ErrorKind::kUnreachable, "the API token file is empty");
  // Digests are of one length: the comparison tells nothing about the token's.
  if (EqualInConstantTime(Sha256Hex(token), Sha256Hex(request.BearerToken()))) return std::string();
  if (request.BearerToken().empty())
    return Fail(ErrorKind::kRefused,
                "changing something needs the API token (Authorization: Bearer ...)");
  return Fail(ErrorKind::kRefused, "what was sent as a bearer token is not the API token");
}

}  // namespace mailhub::api
