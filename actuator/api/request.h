// Reads and checks requests: query parameters, JSON bodies, the author. nlohmann/json stays in the
// .cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actuator/engine/engine.h"
#include "lib/base/result.h"
#include "lib/base/words.h"
#include "lib/http/server.h"

namespace mailhub::api {

// kInvalid when the request has a query parameter that is not in `known` (the message names those),
// or has one twice other than "parameter".
Status OnlyQuery(const http::Request& request, const std::vector<std::string_view>& known);

// kInvalid when the parameter is present but no word of the enumeration; the message names the
// words.
template <HasWords Enum>
Status QueryWord(const http::Request& request, std::string_view name) {
  const auto word = request.Query(name);
  if (!word || Named<Enum>(*word)) return {};
  return Fail(ErrorKind::kInvalid, std::string(name) + ": expected " + Choices<Enum>());
}

// A whole number from 1; 0 when the parameter is absent.
Result<uint64_t> QueryNumber(const http::Request& request, std::string_view name);

// RFC 3339; nothing when the parameter is absent.
Result<std::optional<WallTime>> QueryTime(const http::Request& request, std::string_view name);

// A whole number between 1 and `most`; `otherwise` when the parameter is absent.
Result<size_t> QueryLimit(const http::Request& request, size_t otherwise, size_t most);

// Whether the body is declared as JSON. A page of another origin cannot say so unasked.
bool SaysJson(const http::Request& request);

// The values of the repeated parameter "parameter=NAME=VALUE".
Result<std::map<std::string, std::string>> QueryParameters(const http::Request& request);

// The body of a changing request: one flat JSON object of known keys, at most 64 KiB, content type
// application/json. An empty body is an empty object.
struct ChangeBody {
  std::string by;
  std::string reason;
  std::string runbook;
  std::string run;  // id or its beginning
  std::string mode;
  std::string step;  // path
  int attempt = 0;   // 0: absent, as for `hold`
  int hold = 0;
  int pause = 0;
  bool now = false;
  std::map<std::string, std::string> parameters;
};
Result<ChangeBody> ParseChange(const http::Request& request,
                               std::initializer_list<std::string_view> known);

// The API's and mailhubctl's word for it: "pause" ...; not "start", which is about no run.
std::optional<engine::Verb> ParseRunVerb(std::string_view word);
Result<engine::Mode> ParseMode(std::string_view word);

}  // namespace mailhub::api
