#include "lib/http/web_settings.h"

#include <filesystem>

#include "lib/config/reader.h"
#include "lib/http/passwords.h"

namespace mailhub::http {
namespace {

using config::Node;
using config::Reader;

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
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  const auto name = config::ReadString(node);
  if (!name) return Fail(name.error());
  if (const auto found = kNames.find(*name); found != kNames.end()) return found->second;
  return node.Invalid(
      "expected NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
      "RequireAndVerifyClientCert");
}

void ReadTls(Reader& in, const Node& node, const std::filesystem::path& directory,
             WebSettings* settings) {
  if (!node.Present()) return;
  in.Keys(node,
          {"cert_file", "key_file", "client_auth_type", "client_ca_file", "min_version",
           "max_version", "cipher_suites", "curve_preferences", "prefer_server_cipher_suites"});
  TlsSettings tls;
  in.Optional(node["cert_file"], &tls.cert_file, FileIn, directory);
  in.Optional(node["key_file"], &tls.key_file, FileIn, directory);
  in.Optional(node["client_ca_file"], &tls.client_ca_file, FileIn, directory);
  in.Optional(node["client_auth_type"], &tls.client_auth, AuthType);
  in.Optional(node["min_version"], &tls.min_version, Version);
  in.Optional(node["max_version"], &tls.max_version, Version);
  in.Optional(node["cipher_suites"], &tls.ciphers, Names, CipherName);
  in.Optional(node["curve_preferences"], &tls.groups, Names, GroupName);
  in.Optional(node["prefer_server_cipher_suites"], &tls.prefer_server_ciphers, config::ReadBool);
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    in.Keep(node.Invalid("needs cert_file and key_file"));
  }
  const bool verifies = tls.client_auth == ClientAuth::kVerifyIfGiven ||
                        tls.client_auth == ClientAuth::kRequireAndVerify;
  if (verifies && tls.client_ca_file.empty()) {
    in.Keep(node.Invalid("this client_auth_type needs client_ca_file"));
  }
  if (!verifies && !tls.client_ca_file.empty()) {
    in.Keep(node.Invalid("client_ca_file needs a client_auth_type that verifies"));
  }
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
    settings->headers.emplace_back(entry.key, in.Required(entry.value, HeaderValue));
  }
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
  in.Keys(*root, {"tls_server_config", "http_server_config", "basic_auth_users"});
  WebSettings settings;
  const auto directory = std::filesystem::path(path).parent_path();
  ReadTls(in, (*root)["tls_server_config"], directory, &settings);
  ReadHttp(in, (*root)["http_server_config"], &settings);
  ReadUsers(in, (*root)["basic_auth_users"], &settings);
  return in.Finish(std::move(settings));
}

}  // namespace mailhub::http
