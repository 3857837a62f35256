// All of this goes to the journal and to operators' terminals, so lengths and characters are
// limited here.
#include "actuator/api/request.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "actuator/webhook/rfc3339.h"
#include "lib/base/lower.h"
#include "lib/base/nesting.h"
#include "lib/base/printable.h"

namespace mailhub::api {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestBody = size_t{64} << 10;
constexpr size_t kLongestName = 128;
constexpr size_t kLongestText = 2'000;
constexpr size_t kMostParameters = 64;
constexpr int64_t kLargestNumber = 1'000'000'000;

template <typename Words>
std::string Listed(const Words& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text.empty() ? "none" : text;
}

template <typename Words>
bool IsOneOf(std::string_view word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Result<std::string> Text(const std::string& field, const Json& value, size_t longest) {
  if (!value.is_string()) return Fail(ErrorKind::kInvalid, field + ": expected a string");
  std::string text = value.get<std::string>();
  if (text.size() > longest)
    return Fail(ErrorKind::kInvalid, field + ": longer than " + std::to_string(longest) + " bytes");
  if (HasControls(text)) return Fail(ErrorKind::kInvalid, field + ": has control characters");
  return text;
}

Result<int> Number(const std::string& field, const Json& value) {
  if (value.is_number_integer()) {
    const auto number = value.get<int64_t>();
    if (number >= 1 && number <= kLargestNumber) return static_cast<int>(number);
  }
  return Fail(ErrorKind::kInvalid,
              field + ": expected a whole number from 1 to " + std::to_string(kLargestNumber));
}

Result<std::map<std::string, std::string>> Parameters(const Json& value) {
  if (!value.is_object() || value.size() > kMostParameters)
    return Fail(ErrorKind::kInvalid, "parameters: expected an object of at most " +
                                         std::to_string(kMostParameters) + " strings");
  std::map<std::string, std::string> parameters;
  for (const auto& [name, entry] : value.items()) {
    if (name.size() > kLongestName || HasControls(name))
      return Fail(ErrorKind::kInvalid, "parameters: the name " + Excerpt(name) +
                                           " is too long, or has control characters");
    auto text = Text("parameters." + Excerpt(name, kLongestName), entry, kLongestText);
    if (!text) return Fail(text.error());
    parameters[name] = *text;
  }
  return parameters;
}

Status Fill(ChangeBody& body, const std::string& key, const Json& value) {
  static const std::map<std::string, std::string ChangeBody::*> texts = {
      {"by", &ChangeBody::by},   {"mode", &ChangeBody::mode}, {"reason", &ChangeBody::reason},
      {"run", &ChangeBody::run}, {"step", &ChangeBody::step}, {"runbook", &ChangeBody::runbook},
  };
  if (key == "parameters") {
    auto parameters = Parameters(value);
    if (!parameters) return Fail(parameters.error());
    body.parameters = std::move(*parameters);
    return {};
  }
  if (key == "hold" || key == "attempt" || key == "pause") {
    const auto number = Number(key, value);
    if (!number) return Fail(number.error());
    (key == "hold" ? body.hold : key == "pause" ? body.pause : body.attempt) = *number;
    return {};
  }
  if (key == "now") {
    if (!value.is_boolean()) return Fail(ErrorKind::kInvalid, "now: expected true or false");
    body.now = value.get<bool>();
    return {};
  }
  auto text = Text(key, value, key == "reason" ? kLongestText : kLongestName);
  if (!text) return Fail(text.error());
  if (key == "reason" && text->find_first_not_of(' ') == std::string::npos) return {};  // blanks
  body.*texts.at(key) = std::move(*text);
  return {};
}

// Refuses a repeated key: the choice between its values would be a guess.
Result<Json> ParseObject(const std::string& text) {
  if (IsNestedDeeperThan(text, kDeepestJson))
    return Fail(ErrorKind::kInvalid, "the body is nested too deep");
  if (HasSignsOutsideJson(text)) return Fail(ErrorKind::kInvalid, "the body is no valid JSON");
  std::string twice;
  std::vector<std::vector<std::string>> seen;
  const Json::parser_callback_t look = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) seen.emplace_back();
    if (event == Json::parse_event_t::object_end && !seen.empty()) seen.pop_back();
    if (event == Json::parse_event_t::key && !seen.empty()) {
      auto key = parsed.get<std::string>();
      if (std::find(seen.back().begin(), seen.back().end(), key) != seen.back().end()) twice = key;
      if (seen.back().size() <= kMostParameters) seen.back().push_back(std::move(key));
    }
    return true;
  };
  Json json = Json::parse(text, look, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Fail(ErrorKind::kInvalid, "the body is no valid JSON");
  if (!json.is_object()) return Fail(ErrorKind::kInvalid, "the body must be a JSON object");
  if (!twice.empty())
    return Fail(ErrorKind::kInvalid, "duplicate key in the body: " + Excerpt(twice));
  return json;
}

}  // namespace

bool SaysJson(const http::Request& request) {
  std::string type(request.Header("Content-Type"));
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  return Lower(std::move(type)) == "application/json";
}

Status OnlyQuery(const http::Request& request, const std::vector<std::string_view>& known) {
  for (const auto& [name, value] : request.query) {
    if (!IsOneOf(name, known))
      return Fail(ErrorKind::kInvalid, "unknown query parameter '" + Excerpt(name, kLongestName) +
                                           "'; known here: " + Listed(known));
    if (name != "parameter" && request.QueryAll(name).size() > 1)
      return Fail(ErrorKind::kInvalid, "duplicate query parameter '" + name + "'");
  }
  return {};
}

Result<uint64_t> QueryNumber(const http::Request& request, std::string_view name) {
  const auto text = request.Query(name);
  if (!text) return 0;
  uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end;
  if (!whole || number < 1 || number > static_cast<uint64_t>(INT64_MAX))
    return Fail(ErrorKind::kInvalid, std::string(name) + ": expected a whole number from 1");
  return number;
}

Result<std::optional<WallTime>> QueryTime(const http::Request& request, std::string_view name) {
  const auto text = request.Query(name);
  if (!text) return std::nullopt;
  const auto time = webhook::ParseRfc3339(*text);
  if (!time)
    return Fail(ErrorKind::kInvalid, std::string(name) +
                                         ": expected a time like 2026-01-31T00:00:00Z, found \"" +
                                         Excerpt(*text, kLongestName) + "\"");
  return *time;
}

Result<size_t> QueryLimit(const http::Request& request, size_t otherwise, size_t most) {
  const auto text = request.Query("limit");
  if (!text) return otherwise;
  size_t limit = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, limit);
  if (parsed.ec != std::errc() || parsed.ptr != end || limit < 1 || limit > most)
    return Fail(ErrorKind::kInvalid,
                "limit: expected a whole number from 1 to " + std::to_string(most));
  return limit;
}

Result<std::map<std::string, std::string>> QueryParameters(const http::Request& request) {
  std::map<std::string, std::string> parameters;
  for (const std::string& text : request.QueryAll("parameter")) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return Fail(ErrorKind::kInvalid, "parameter: expected NAME=VALUE");
    if (text.size() > kLongestText || HasControls(text) || !IsUtf8(text))
      return Fail(ErrorKind::kInvalid, "parameter: too long, no UTF-8, or with control characters");
    if (!parameters.emplace(text.substr(0, equals), text.substr(equals + 1)).second)
      return Fail(ErrorKind::kInvalid,
                  "parameter: duplicate '" + Excerpt(text.substr(0, equals)) + "'");
  }
  return parameters;
}

Result<ChangeBody> ParseChange(const http::Request& request,
                               std::initializer_list<std::string_view> known) {
  ChangeBody body;
  if (request.body.empty()) return body;
  if (!SaysJson(request))
    return Fail(ErrorKind::kInvalid, "expected the header Content-Type: application/json");
  if (request.body.size() > kLongestBody)
    return Fail(ErrorKind::kInvalid, "the body is longer than 64 KiB");
  auto json = ParseObject(request.body);
  if (!json) return Fail(json.error());
  for (const auto& [key, value] : json->items()) {
    if (!IsOneOf(key, known))
      return Fail(ErrorKind::kInvalid, "unknown key '" + Excerpt(key, kLongestName) +
                                           "' in the body; known here: " + Listed(known));
    const Status filled = Fill(body, key, value);
    if (!filled) return Fail(filled.error());
  }
  return body;
}

std::optional<engine::Verb> ParseRunVerb(std::string_view word) {
  const auto verb = Named<engine::Verb>(word);
  return verb == engine::Verb::kStart ? std::nullopt : verb;
}

Result<engine::Mode> ParseMode(std::string_view word) {
  if (const auto mode = Named<engine::Mode>(word)) return *mode;
  return Fail(ErrorKind::kInvalid, "mode: expected " + Choices<engine::Mode>());
}

}  // namespace mailhub::api
