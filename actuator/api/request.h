// What clients ask, checked: query parameters, JSON bodies, who they are. nlohmann/json stays in
// the .cc.
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

// kInvalid when the request has a query parameter that is not in `known`, naming those; or one
// twice that is not "parameter".
Status OnlyQuery(const http::Request& request, const std::vector<std::string_view>& known);

// kInvalid when the parameter is there and is no word of the enumeration, naming those.
template <HasWords Enum>
Status QueryWord(const http::Request& request, std::string_view name) {
  const auto word = request.Query(name);
  if (!word || Named<Enum>(*word)) return {};
  return Fail(ErrorKind::kInvalid, std::string(name) + ": expected " + Choices<Enum>());
}

// A whole number from 1; 0 when the parameter is not there.
Result<uint64_t> QueryNumber(const http::Request& request, std::string_view name);

// A whole number between 1 and `most`; `otherwise` when the parameter is not there.
Result<size_t> QueryLimit(const http::Request& request, size_t otherwise, size_t most);

// The values of repeated "parameter=NAME=VALUE".
Result<std::map<std::string, std::string>> QueryParameters(const http::Request& request);

// The body of a changing request: one flat JSON object, at most 64 KiB, of the content type
// application/json, every key known to the route. An empty body is an empty object.
struct ChangeBody {
  std::string by;
  std::string reason;
  std::string runbook;
  std::string run;  // id or its beginning
  std::string mode;
  std::string step;  // path
  int attempt = 0;   // 0: not there, as for `hold`
  int hold = 0;
  int pause = 0;
  std::map<std::string, std::string> parameters;
};
Result<ChangeBody> ParseChange(const http::Request& request,
                               std::initializer_list<std::string_view> known);

// The word the API and mailhubctl use for it: "pause" ...; not "start", which is about no run.
std::optional<engine::Verb> ParseRunVerb(std::string_view word);
Result<engine::Mode> ParseMode(std::string_view word);

}  // namespace mailhub::api
