#include "lib/http/web_settings.h"

#include <filesystem>

#include "lib/config/reader.h"
#include "lib/http/passwords.h"

namespace mailhub::http {
namespace {

using config::Node;
using config::Reader;

constexpr int kMostBurst = 1'000'000;

Result<std::string> FileIn(const Node& node, const std::filesystem::path& directory) {
  auto file = config::ReadString(node);
  if (file) *file = (directory / *file).string();
  return file;
}

Result<int> Version(const Node& node) {
  const auto name = config::ReadString(node);
  if (!name) return Fail(name.error());
  if (const int version = TlsVersion(*name); version != 0) return version;
  return node.Invalid("expected TLS12 or TLS13");
}

// A list of names, each turned into OpenSSL's by `translate`, joined as it wants them.
Result<std::string> Names(const Node& node, std::string (*translate)(const std::string&)) {
  const auto names = config::ReadStrings(node);
  if (!names) return Fail(names.error());
  std::string joined;
  for (size_t i = 0; i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    const std::string known = translate(name);
    if (known.empty()) return node.Items()[i].Invalid("unknown name " + name);
    if (known != "-") joined.append(joined.empty() ? "" : ":").append(known);
  }
  return joined;
}

Result<ClientAuth> AuthType(const Node& node) {
  static const std::map<std::string, ClientAuth> kNames{
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequestClientCertificate", ClientAuth::kRequest},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"RequireClientCert", ClientAuth::kRequireAny},  // the older name
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  const auto name = config::ReadString(node);
  if (!name) return Fail(name.error());
  if (const auto found = kNames.find(*name); found != kNames.end()) return found->second;
  return node.Invalid(
      "expected NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
      "RequireAndVerifyClientCert");
}

// NAME_file, or its text as NAME.
void ReadPem(Reader& in, const Node& node, const std::string& name,
             const std::filesystem::path& directory, Pem* pem) {
  const Node text = node[name];
  const Node file = node[name + "_file"];
  if (text.Present() && file.Present())
    in.Keep(text.Invalid("expected either the text here or " + name + "_file, not both"));
  in.Optional(text, &pem->text, config::ReadString);
  in.Optional(file, &pem->file, FileIn, directory);
  if (text.Present()) pem->file = text.Where() + ": " + name;
}

void ReadSans(Reader& in, const Node& node, TlsSettings* tls) {
  if (!node.Present()) return;
  tls->checks_sans = true;
  const std::vector<std::string> names = in.Required(node, config::ReadStrings);
  if (names.empty()) in.Keep(node.Invalid("expected at least one name; else nobody could connect"));
  tls->client_allowed_sans.insert(names.begin(), names.end());
  const bool required = tls->client_auth == ClientAuth::kRequireAny ||
                        tls->client_auth == ClientAuth::kRequireAndVerify;
  if (!required) {
    in.Keep(node.Invalid(
        "needs the client_auth_type RequireAndVerifyClientCert or RequireAnyClientCert: with "
        "others a client need not show a certificate"));
  }
}

void ReadTls(Reader& in, const Node& node, const std::filesystem::path& directory,
             WebSettings* settings) {
  if (!node.Present()) return;
  in.Keys(node, {"cert", "cert_file", "key", "key_file", "client_auth_type", "client_ca",
                 "client_ca_file", "client_allowed_sans", "min_version", "max_version",
                 "cipher_suites", "curve_preferences", "prefer_server_cipher_suites"});
  TlsSettings tls;
  ReadPem(in, node, "cert", directory, &tls.cert);
  ReadPem(in, node, "key", directory, &tls.key);
  ReadPem(in, node, "client_ca", directory, &tls.client_ca);
  in.Optional(node["client_auth_type"], &tls.client_auth, AuthType);
  in.Optional(node["min_version"], &tls.min_version, Version);
  in.Optional(node["max_version"], &tls.max_version, Version);
  in.Optional(node["cipher_suites"], &tls.ciphers, Names, CipherName);
  in.Optional(node["curve_preferences"], &tls.groups, Names, GroupName);
  in.Optional(node["prefer_server_cipher_suites"], &tls.prefer_server_ciphers, config::ReadBool);
  if (tls.cert.Empty() || tls.key.Empty()) {
    in.Keep(node.Invalid("needs cert_file and key_file, or their text as cert and key"));
  }
  const bool verifies = tls.client_auth == ClientAuth::kVerifyIfGiven ||
                        tls.client_auth == ClientAuth::kRequireAndVerify;
  if (verifies && tls.client_ca.Empty()) {
    in.Keep(node.Invalid("this client_auth_type needs client_ca_file or client_ca"));
  }
  if (!verifies && !tls.client_ca.Empty()) {
    in.Keep(node.Invalid("client_ca_file and client_ca need a client_auth_type that verifies"));
  }
  ReadSans(in, node["client_allowed_sans"], &tls);
  if (tls.min_version != 0 && tls.max_version != 0 && tls.min_version > tls.max_version) {
    in.Keep(node.Invalid("min_version is above max_version"));
  }
  settings->tls = std::move(tls);
  settings->tls_place = node.Where();
}

// The text after a line end would be another header, or a body.
Result<std::string> HeaderValue(const Node& node) {
  auto value = config::ReadString(node);
  if (value && !config::IsPrintableAscii(*value)) {
    return node.Invalid("expected one line of printable ASCII");
  }
  return value;
}

void ReadHttp(Reader& in, const Node& node, WebSettings* settings) {
  if (!node.Present()) return;
  in.Keys(node, {"http2", "headers"});
  bool ignored = false;
  in.Optional(node["http2"], &ignored, config::ReadBool);
  const Node headers = node["headers"];
  if (!headers.Present()) return;
  in.Keys(headers, {"Content-Security-Policy", "Strict-Transport-Security",
                    "X-Content-Type-Options", "X-Frame-Options", "X-XSS-Protection"});
  for (const Node::Entry& entry : headers.Entries()) {
    const std::string value = in.Required(entry.value, HeaderValue);
    if (entry.key == "X-Frame-Options" && value != "deny" && value != "sameorigin")
      in.Keep(entry.value.Invalid("expected deny or sameorigin"));
    if (entry.key == "X-Content-Type-Options" && value != "nosniff")
      in.Keep(entry.value.Invalid("expected nosniff"));
    settings->headers.emplace_back(entry.key, value);
  }
}

void ReadRateLimit(Reader& in, const Node& node, WebSettings* settings) {
  if (!node.Present()) return;
  in.Keys(node, {"interval", "burst"});
  in.Need(node["interval"], "a duration like 100ms, or 0 for no limit");
  RateLimit limit;
  limit.interval = in.Required(node["interval"], config::ReadDuration);
  if (limit.interval != Milliseconds(0)) {
    in.Need(node["burst"], "how many requests may come at once");
    limit.burst = in.Required(node["burst"], config::ReadInt, 1, kMostBurst);
  } else {
    in.Optional(node["burst"], &limit.burst, config::ReadInt, 0, kMostBurst);
  }
  settings->rate_limit = limit;
}

void ReadUsers(Reader& in, const Node& node, WebSettings* settings) {
  if (!node.Present()) return;
  if (!node.IsMap()) in.Keep(node.Invalid("expected names with their password hashes"));
  for (const Node::Entry& entry : node.Entries()) {
    const std::string hash = in.Required(entry.value, config::ReadString);
    if (entry.key.find(':') != std::string::npos) {
      in.Keep(entry.key_node.Invalid("a name is not empty and has no colon"));
    }
    if (!IsBcrypt(hash)) {
      in.Keep(entry.value.Invalid("expected a bcrypt hash ($2y$, $2b$ or $2a$) of cost 4 to 16"));
    }
    settings->users.emplace(entry.key, hash);
  }
}

}  // namespace

Result<WebSettings> ParseWebSettings(std::string_view text, const std::string& path) {
  const auto root = config::ParseYaml(text, path);
  if (!root) return Fail(root.error());
  Reader in;
  in.Keys(*root, {"tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"});
  WebSettings settings;
  const auto directory = std::filesystem::path(path).parent_path();
  ReadTls(in, (*root)["tls_server_config"], directory, &settings);
  ReadHttp(in, (*root)["http_server_config"], &settings);
  ReadUsers(in, (*root)["basic_auth_users"], &settings);
  ReadRateLimit(in, (*root)["rate_limit"], &settings);
  return in.Finish(std::move(settings));
}

}  // namespace mailhub::http
