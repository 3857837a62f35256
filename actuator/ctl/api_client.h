// Client of the actuator's HTTP API for mailhubctl: address, credentials, and errors that name the
// address.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/client.h"

namespace mailhub::ctl {

struct Connection {
  std::string url = "http://127.0.0.1:9110";
  std::string token_file;
  std::string user;
  std::string password_file;
  std::string ca_file;
  std::string by;  // the author for the journal; a logged-in user's name comes before it
  Milliseconds timeout{10'000};
};

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

// Confined to one thread.
class ApiClient {
 public:
  // kInvalid: the URL, or a file that cannot be read. An unreadable token is a warning on standard
  // error at the first Get(), and every Post() fails for it.
  static Result<ApiClient> Make(const Connection& connection);

  // Both return the envelope's data. kUnreachable names the URL; an error of the actuator keeps its
  // kind; kOutcomeUnknown: the request may have been carried out.
  Result<std::string> Get(const std::string& path, const QueryPairs& query = {});
  Result<std::string> Post(const std::string& path, const std::string& json);
  // A POST that only asks, and may take that long. Needs the token, too.
  Result<std::string> Ask(const std::string& path, const std::string& json, Milliseconds timeout);

  const std::string& by() const { return by_; }

 private:
  ApiClient(http::ClientOptions options, const Connection& connection);
  Result<std::string> Open(const Result<http::HttpResponse>& response,
                           const char* if_unknown = "") const;

  std::unique_ptr<http::Client> client_;
  std::string url_;
  std::string by_;
  bool has_token_ = false;
  std::optional<Error> token_trouble_;
  bool warned_ = false;
  http::RequestOptions request_;
};

}  // namespace mailhub::ctl
