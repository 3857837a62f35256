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
  if (!settings->tls) return;
  const http::TlsSettings& tls = *settings->tls;
  DemandPlaced(Error{ErrorKind::kInvalid, settings->tls_place + ": x"}, kPath, bytes);
  for (const std::string* file : {&tls.cert_file, &tls.key_file}) {
    Demand(file->starts_with('/'), "a path is absolute", *file);
  }
  DemandNames(tls.ciphers);
  DemandNames(tls.groups);
}

}  // namespace mailhub::fuzz
