// A changing API request: the first line is the query, the rest the body.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "actuator/api/request.h"
#include "lib/base/printable.h"
#include "lib/http/message.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using api::ChangeBody;
using nlohmann::json;

Result<ChangeBody> Parse(const http::Request& request) {
  return api::ParseChange(request, {"by", "reason", "runbook", "mode", "parameters"});
}

void DemandText(std::string_view text, size_t longest) {
  Demand(text.size() <= longest, "a text has its bound", text);
  Demand(IsUtf8(text), "a text is UTF-8", text);
  Demand(
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
      "a text has no control characters", text);
}

void DemandSound(const std::map<std::string, std::string>& parameters) {
  for (const auto& [name, value] : parameters) {
    DemandText(name, 2'000);
    DemandText(value, 2'000);
  }
}

std::string Written(const ChangeBody& body) {
  return json{{"by", body.by},
              {"reason", body.reason},
              {"runbook", body.runbook},
              {"mode", body.mode},
              {"parameters", body.parameters}}
      .dump();
}

void TryBody(http::Request request) {
  const auto body = Parse(request);
  if (!body) return DemandGoodMessage(body.error());
  for (const std::string& text : {body->by, body->runbook, body->mode}) DemandText(text, 128);
  DemandText(body->reason, 2'000);
  Demand(body->parameters.size() <= 64, "there are at most 64 parameters");
  DemandSound(body->parameters);
  for (const auto& [name, value] : body->parameters) DemandText(name, 128);
  request.body = Written(*body);
  if (request.body.size() > size_t{64} * 1024) return;
  const auto again = Parse(request);
  Demand(again && Written(*again) == request.body, "a body is the same when it is written and read",
         request.body);
  const auto mode = api::ParseMode(body->mode);
  if (!mode) DemandGoodMessage(mode.error());
  api::ParseRunVerb(body->mode);
}

void TryQuery(const http::Request& request) {
  const Status known = api::OnlyQuery(request, {"limit", "parameter", "state"});
  if (!known) DemandGoodMessage(known.error());
  const auto limit = api::QueryLimit(request, 100, 1'000);
  if (!limit) DemandGoodMessage(limit.error());
  if (limit) Demand(*limit >= 1 && *limit <= 1'000, "a limit keeps its bounds");
  const auto parameters = api::QueryParameters(request);
  if (!parameters) return DemandGoodMessage(parameters.error());
  DemandSound(*parameters);
}

}  // namespace

void TryChange(std::string_view bytes) {
  const size_t line = bytes.find('\n');
  http::Request request;
  request.method = "POST";
  if (http::ParseTarget("/api/v1/runs", bytes.substr(0, line), &request)) TryQuery(request);
  request.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  if (line != std::string_view::npos) request.body = bytes.substr(line + 1);
  TryBody(std::move(request));
}

}  // namespace mailhub::fuzz
