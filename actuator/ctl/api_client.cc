// See api_client.h.
#include "actuator/ctl/api_client.h"

#include <cstdio>

#include "actuator/ctl/model.h"
#include "actuator/webhook/token_file.h"
#include "lib/base/printable.h"
#include "lib/config/yaml.h"

namespace mailhub::ctl {
namespace {

Result<std::string> FirstLine(const std::string& path) {
  auto text = config::ReadFile(path, 4096);
  if (!text) return Fail(text.error());
  return text->substr(0, text->find_first_of("\r\n"));
}

}  // namespace

ApiClient::ApiClient(http::ClientOptions options, const Connection& connection)
    : client_(std::make_unique<http::Client>(std::move(options))),
      url_(connection.url),
      by_(connection.by),
      has_token_(!connection.token_file.empty() || !connection.user.empty()) {
  while (url_.ends_with('/')) url_.pop_back();
  request_.timeout = connection.timeout;
  request_.headers = {{"X-Mailhub-Request", "1"}, {"Accept", "application/json"}};
}

Result<ApiClient> ApiClient::Make(const Connection& connection) {
  if (!connection.url.starts_with("http://") && !connection.url.starts_with("https://"))
    return Fail(ErrorKind::kInvalid,
                "the URL must begin with http:// or https://, and is: " + connection.url);
  http::ClientOptions options;
  options.user_agent = "mailhubctl";
  options.ca_file = connection.ca_file;
  // A login is always typed; a token may come from the environment.
  if (connection.user.empty() && !connection.token_file.empty()) {
    // While a token is being replaced, the actuator accepts each of the file's tokens.
    const auto tokens = webhook::TokenFile::Tokens(connection.token_file);
    ApiClient client(std::move(options), connection);
    if (tokens) {
      client.request_.headers.emplace_back("Authorization", "Bearer " + tokens->front());
    } else {
      client.token_trouble_ = Fail("--token-file", tokens.error()).value();
    }
    return client;
  }
  if (!connection.user.empty()) {
    const auto password = FirstLine(connection.password_file);
    if (!password) return Fail("--password-file", password.error());
    options.basic_user = connection.user;
    options.basic_password = *password;
  }
  return ApiClient(std::move(options), connection);
}

Result<std::string> ApiClient::Open(const Result<http::HttpResponse>& response,
                                    const char* if_unknown) const {
  if (!response) {
    const Error& error = response.error();
    const bool named = error.message.find(url_) != std::string::npos;
    if (error.kind == ErrorKind::kOutcomeUnknown) {
      return Fail(error.kind, (named ? "" : url_ + ": ") + error.message + if_unknown);
    }
    return named ? Fail(error) : Fail(url_, error);
  }
  auto data = OpenEnvelope(response->status, response->body);
  if (data) return data;
  std::string message = data.error().message;
  if (data.error().kind == ErrorKind::kInvalid && response->status != 400)
    message = url_ + ": " + message;
  if (response->status == 401)
    message += has_token_ ? "; it came from --token-file or --user" : "; give --token-file";
  return Fail(data.error().kind, message);
}

Result<std::string> ApiClient::Get(const std::string& path, const QueryPairs& query) {
  if (token_trouble_ && !warned_) {
    warned_ = true;
    std::fprintf(stderr, "mailhubctl: warning: %s; looking goes on without it\n",
                 Printable(token_trouble_->message).c_str());
  }
  std::string url = url_ + path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    url += separator + http::UrlEncode(name) + "=" + http::UrlEncode(value);
    separator = '&';
  }
  return Open(client_->Get(url, request_));
}

Result<std::string> ApiClient::Post(const std::string& path, const std::string& json) {
  if (token_trouble_) return Fail(*token_trouble_);
  // The verbs about a run name what they answer; the others would act a second time.
  const bool starts = path == "/api/v1/runs";
  const bool about_run = !starts && path.starts_with("/api/v1/runs/");
  return Open(
      client_->Post(url_ + path, json, "application/json", request_),
      starts ? "; it may still take effect: see `run list` and `history` first, for a "
               "second start is a second run"
      : about_run
          ? "; it may still take effect: see `run show`; the same command again is carried out once"
          : "; it may still take effect: look before you send it again");
}

Result<std::string> ApiClient::Ask(const std::string& path, const std::string& json,
                                   Milliseconds timeout) {
  if (token_trouble_) return Fail(*token_trouble_);
  http::RequestOptions request = request_;
  request.timeout = timeout;
  return Open(client_->Post(url_ + path, json, "application/json", request),
              "; nothing was changed");
}

}  // namespace mailhub::ctl
