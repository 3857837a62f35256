// The web configuration's text. Files that it names are not opened.
#include <algorithm>

#include "lib/http/web_settings.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

constexpr char kPath[] = "/etc/mailhub/web.yml";

// Names in OpenSSL's spelling, with colons between them.
void DemandNames(std::string_view list) {
  Demand(std::all_of(list.begin(), list.end(),
                     [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '-' || c == '_' || c == ':';
                     }),
         "a list of names is one", list);
  for (const std::string_view word : {"ALL", "NULL", "LOW", "DEFAULT"}) {
    Demand((":" + std::string(list) + ":").find(":" + std::string(word)) == std::string::npos,
           "a list names suites one by one", list);
  }
}

}  // namespace

void TryWebConfig(std::string_view bytes) {
  const auto settings = http::ParseWebSettings(bytes, kPath);
  if (!settings) {
    Demand(settings.error().kind == ErrorKind::kInvalid, "a bad file is invalid");
    return DemandPlaced(settings.error(), kPath, bytes);
  }
  for (const auto& [name, value] : settings->headers) {
    Demand(std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; }),
           "a header is one line", value);
  }
  for (const auto& [name, hash] : settings->users) {
    Demand(!name.empty() && name.find(':') == std::string::npos, "a user has a name", name);
    Demand(hash.size() == 60 && hash.starts_with("$2"), "a password is a bcrypt hash", hash);
  }
  const http::RateLimit& limit = settings->rate_limit;
  Demand(
      limit.interval >= Milliseconds(0) && (limit.interval == Milliseconds(0) || limit.burst > 0),
      "a limit admits somebody");
  if (!settings->tls) return;
  const http::TlsSettings& tls = *settings->tls;
  DemandPlaced(Error{ErrorKind::kInvalid, settings->tls_place + ": x"}, kPath, bytes);
  for (const http::Pem* pem : {&tls.cert, &tls.key}) {
    Demand(pem->file.starts_with('/'), "a path, or a text's place, is absolute", pem->file);
  }
  Demand(tls.checks_sans == !tls.client_allowed_sans.empty(), "whoever checks names has some");
  DemandNames(tls.ciphers);
  DemandNames(tls.groups);
}

}  // namespace mailhub::fuzz
