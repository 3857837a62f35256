// The values of a web configuration file, before any file that it names is opened; internal to
// this folder. web_config.h describes the file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"
#include "lib/http/tls.h"
#include "lib/http/token_bucket.h"

namespace mailhub::http {

struct WebSettings {
  std::optional<TlsSettings> tls;
  std::string tls_place;                                     // with tls: "web.yml:2:3"
  std::map<std::string, std::string> users;                  // name -> bcrypt hash
  std::vector<std::pair<std::string, std::string>> headers;  // each of one printable line
  RateLimit rate_limit;                                      // of all requests together
};

// kInvalid with file:line:column. Relative paths are relative to the folder of `path`.
Result<WebSettings> ParseWebSettings(std::string_view text, const std::string& path);

}  // namespace mailhub::http
