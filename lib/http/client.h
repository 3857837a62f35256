// The HTTP client of both programs. Time and size are bounded; a failure says whether the request
// may have had an effect. libcurl stays in the .cc.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::http {

struct ClientOptions {
  std::string ca_file;    // PEM; empty: the system's
  std::string cert_file;  // client certificate and key, PEM; both or neither
  std::string key_file;
  std::string basic_user;  // empty: no basic authentication
  std::string basic_password;
  std::string bearer_token_file;  // read anew for every request; surrounding white space is
                                  // dropped; empty: none
  std::string user_agent = "mailhub";
  // True at shutdown: requests end within 1 s. Must outlive the client.
  const std::atomic<bool>* cancelled = nullptr;
};

struct RequestOptions {
  std::vector<std::pair<std::string, std::string>> headers;
  Milliseconds timeout{10'000};                  // look-up, connect, send, receive
  size_t max_response_bytes = size_t{16} << 20;  // of the body, after decompression
  bool status_suffices = false;  // a longer body is no error: its begin is given, the rest not read
  bool idempotent = false;       // POST: a repetition does no harm (a query). See Post
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  bool Succeeded() const { return status >= 200 && status < 300; }
  std::string_view Header(std::string_view lower_case_name) const;  // "" when absent
};

// Owns a connection pool that is reused between calls. Confined to one thread at a time. Uses only
// http and https, follows no redirect, ignores proxies of the environment, always verifies
// certificates.
//
// Any answer is a success here, 500 included: check `status`. Errors:
//   kInvalid         the URL, a file of the options, or an answer that is too long or no HTTP
//   kUnreachable     no connection, no answer in time, cancelled; surely nothing was sent, unless
//                    it is idempotent
//   kRefused         the certificate of either side is not accepted
//   kOutcomeUnknown  never if it is idempotent: it was or may have been sent, and no complete
//                    answer came
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<HttpResponse> Get(const std::string& url, const RequestOptions& options = {});

  // Unless idempotent, it uses a fresh connection: on a kept one that has just died, libcurl would
  // send it again.
  Result<HttpResponse> Post(const std::string& url, std::string_view body,
                            std::string_view content_type, const RequestOptions& options = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Percent-encodes all but unreserved characters, for query strings.
std::string UrlEncode(std::string_view text);

}  // namespace mailhub::http
