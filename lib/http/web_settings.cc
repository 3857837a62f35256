#include "lib/http/web_settings.h"

#include <filesystem>

#include "lib/config/yaml.h"
#include "lib/http/passwords.h"

namespace mailhub::http {
namespace {

using config::Node;

constexpr const char* kPrintable =
    " !\"#$%&'()*+,-./"
    "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

template <typename T>
Status ReadOptional(const Node& node, Result<T> (Node::*read)() const, T* value) {
  if (!node.Present()) return {};
  auto result = (node.*read)();
  if (!result) return Fail(result.error());
  *value = std::move(*result);
  return {};
}

Status ReadFileName(const Node& node, const std::filesystem::path& directory, std::string* file) {
  if (Status status = ReadOptional(node, &Node::String, file); !status) return status;
  if (!file->empty()) *file = (directory / *file).string();
  return {};
}

Status ReadVersion(const Node& node, int* version) {
  std::string name;
  if (Status status = ReadOptional(node, &Node::String, &name); !status || name.empty())
    return status;
  *version = TlsVersion(name);
  if (*version == 0) return node.Invalid("expected TLS12 or TLS13");
  return {};
}

// A list of names, each turned into OpenSSL's by `translate`, joined as it wants them.
Status ReadNames(const Node& node, std::string (*translate)(const std::string&),
                 std::string* joined) {
  if (!node.Present()) return {};
  auto names = node.Strings();
  if (!names) return Fail(names.error());
  for (size_t i = 0; i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    const std::string known = translate(name);
    if (known.empty()) return node.Items()[i].Invalid("unknown name " + name);
    if (known != "-") joined->append(joined->empty() ? "" : ":").append(known);
  }
  return {};
}

Status ReadClientAuth(const Node& node, ClientAuth* client_auth) {
  std::string name;
  if (Status status = ReadOptional(node, &Node::String, &name); !status || name.empty())
    return status;
  static const std::map<std::string, ClientAuth> kNames{
      {"NoClientCert", ClientAuth::kNone},
      {"RequestClientCert", ClientAuth::kRequest},
      {"RequestClientCertificate", ClientAuth::kRequest},
      {"RequireAnyClientCert", ClientAuth::kRequireAny},
      {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
      {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) {
    return node.Invalid(
        "expected NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven "
        "or "
        "RequireAndVerifyClientCert");
  }
  *client_auth = found->second;
  return {};
}

Status ReadTls(const Node& node, const std::filesystem::path& directory, WebSettings* settings) {
  if (!node.Present()) return {};
  TlsSettings tls;
  Status status = node.OnlyKeys({"cert_file", "key_file", "client_auth_type", "client_ca_file",
                                 "min_version", "max_version", "cipher_suites", "curve_preferences",
                                 "prefer_server_cipher_suites"});
  if (status) status = ReadFileName(node["cert_file"], directory, &tls.cert_file);
  if (status) status = ReadFileName(node["key_file"], directory, &tls.key_file);
  if (status) status = ReadFileName(node["client_ca_file"], directory, &tls.client_ca_file);
  if (status) status = ReadClientAuth(node["client_auth_type"], &tls.client_auth);
  if (status) status = ReadVersion(node["min_version"], &tls.min_version);
  if (status) status = ReadVersion(node["max_version"], &tls.max_version);
  if (status) status = ReadNames(node["cipher_suites"], &CipherName, &tls.ciphers);
  if (status) status = ReadNames(node["curve_preferences"], &GroupName, &tls.groups);
  if (status)
    status =
        ReadOptional(node["prefer_server_cipher_suites"], &Node::Bool, &tls.prefer_server_ciphers);
  if (!status) return status;
  if (tls.cert_file.empty() || tls.key_file.empty())
    return node.Invalid("needs cert_file and key_file");
  const bool verifies = tls.client_auth == ClientAuth::kVerifyIfGiven ||
                        tls.client_auth == ClientAuth::kRequireAndVerify;
  if (verifies && tls.client_ca_file.empty())
    return node.Invalid("this client_auth_type needs client_ca_file");
  if (!verifies && !tls.client_ca_file.empty()) {
    return node.Invalid("client_ca_file needs a client_auth_type that verifies");
  }
  if (tls.min_version != 0 && tls.max_version != 0 && tls.min_version > tls.max_version) {
    return node.Invalid("min_version is above max_version");
  }
  settings->tls = std::move(tls);
  settings->tls_place = node.Where();
  return {};
}

Status ReadHttp(const Node& node, WebSettings* settings) {
  if (!node.Present()) return {};
  if (Status status = node.OnlyKeys({"http2", "headers"}); !status) return status;
  bool ignored = false;
  if (Status status = ReadOptional(node["http2"], &Node::Bool, &ignored); !status) return status;
  const Node headers = node["headers"];
  if (!headers.Present()) return {};
  Status status =
      headers.OnlyKeys({"Content-Security-Policy", "Strict-Transport-Security",
                        "X-Content-Type-Options", "X-Frame-Options", "X-XSS-Protection"});
  if (!status) return status;
  for (const Node::Entry& entry : headers.Entries()) {
    auto value = entry.value.String();
    if (!value) return Fail(value.error());
    // What is sent after a line end would be another header, or a body.
    if (value->find_first_not_of(kPrintable) != std::string::npos) {
      return entry.value.Invalid("expected one line of printable ASCII");
    }
    settings->headers.emplace_back(entry.key, std::move(*value));
  }
  return {};
}

Status ReadUsers(const Node& node, WebSettings* settings) {
  if (!node.Present()) return {};
  if (!node.IsMap()) return node.Invalid("expected names with their password hashes");
  for (const Node::Entry& entry : node.Entries()) {
    auto hash = entry.value.String();
    if (!hash) return Fail(hash.error());
    if (entry.key.empty() || entry.key.find(':') != std::string::npos) {
      return entry.key_node.Invalid("a name is not empty and has no colon");
    }
    if (!IsBcrypt(*hash))
      return entry.value.Invalid("expected a bcrypt hash ($2y$, $2b$ or $2a$) of cost 4 to 16");
    settings->users.emplace(entry.key, std::move(*hash));
  }
  return {};
}

}  // namespace

Result<WebSettings> ParseWebSettings(std::string_view text, const std::string& path) {
  auto root = config::ParseYaml(text, path);
  if (!root) return Fail(root.error());
  WebSettings settings;
  const auto directory = std::filesystem::path(path).parent_path();
  Status status = root->OnlyKeys({"tls_server_config", "http_server_config", "basic_auth_users"});
  if (status) status = ReadTls((*root)["tls_server_config"], directory, &settings);
  if (status) status = ReadHttp((*root)["http_server_config"], &settings);
  if (status) status = ReadUsers((*root)["basic_auth_users"], &settings);
  if (!status) return Fail(status.error());
  return settings;
}

}  // namespace mailhub::http
