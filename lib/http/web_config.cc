#include "lib/http/web_config.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>

#include "lib/base/guarded.h"
#include "lib/base/log.h"
#include "lib/config/yaml.h"
#include "lib/http/passwords.h"
#include "lib/http/tls.h"

namespace mailhub::http {
namespace {

using config::Node;

// One reading of the file. Immutable.
struct Settings {
  std::optional<TlsSettings> tls;
  std::shared_ptr<const TlsMaterial> material;  // with tls
  std::map<std::string, std::string> users;
  std::vector<std::pair<std::string, std::string>> headers;
};
using SettingsPtr = std::shared_ptr<const Settings>;

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
  for (const std::string& name : *names) {
    const std::string known = translate(name);
    if (known.empty()) return node.Invalid("unknown name " + name);
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

Status ReadTls(const Node& node, const std::filesystem::path& directory, Settings* settings) {
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
  auto material = TlsMaterial::Load(tls);
  if (!material) return Fail(node.Where(), material.error());
  settings->material = std::move(*material);
  settings->tls = std::move(tls);
  return {};
}

Status ReadHttp(const Node& node, Settings* settings) {
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
    settings->headers.emplace_back(entry.key, std::move(*value));
  }
  return {};
}

Status ReadUsers(const Node& node, Settings* settings) {
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

Result<SettingsPtr> ReadSettings(const std::string& path) {
  auto root = config::LoadYaml(path);
  if (!root) return Fail(root.error());
  auto settings = std::make_shared<Settings>();
  const auto directory = std::filesystem::path(path).parent_path();
  Status status = root->OnlyKeys({"tls_server_config", "http_server_config", "basic_auth_users"});
  if (status) status = ReadTls((*root)["tls_server_config"], directory, settings.get());
  if (status) status = ReadHttp((*root)["http_server_config"], settings.get());
  if (status) status = ReadUsers((*root)["basic_auth_users"], settings.get());
  if (!status) return Fail(status.error());
  return SettingsPtr(std::move(settings));
}

}  // namespace

struct WebConfig::Impl {
  struct State {
    std::string stamp;        // of the file, when it was last looked at
    std::string tls_trouble;  // what was logged about certificates, so that it is logged once
    SettingsPtr settings;
  };

  std::string path;
  bool uses_tls = false;
  Guarded<State> state;
  std::atomic<bool> last_succeeded{true};
  Passwords passwords;

  SettingsPtr Current();
  SettingsPtr CurrentForHandshake();
  void Reload(State* current);
  static int OnClientHello(SSL* connection, int* alert, void* self);
};

// The settings now in force, after looking whether the file has changed.
SettingsPtr WebConfig::Impl::Current() {
  std::string stamp = FileStamp(path);
  return state.With([&](State& current) {
    if (stamp != current.stamp) {
      current.stamp = std::move(stamp);
      Reload(&current);
    }
    return current.settings;
  });
}

void WebConfig::Impl::Reload(State* current) {
  auto read = ReadSettings(path);
  if (read && (*read)->tls.has_value() != uses_tls) {
    read = Fail(ErrorKind::kInvalid, path + ": switching TLS on or off needs a restart");
  }
  last_succeeded = read.has_value();
  if (read) {
    current->settings = std::move(*read);
    LogInfo("web configuration reloaded", {{"file", path}});
  } else {
    LogError("web configuration not reloaded, the old one stays",
             {{"error", read.error().message}});
  }
}

// As above, and with the certificates that are on disk now.
SettingsPtr WebConfig::Impl::CurrentForHandshake() {
  SettingsPtr settings = Current();
  if (settings->material->FilesUnchanged()) return settings;
  auto material = TlsMaterial::Load(*settings->tls);
  return state.With([&](State& current) {
    if (current.settings != settings) return current.settings;  // somebody was faster
    const std::string trouble = material ? "" : material.error().message;
    if (material) {
      auto renewed = std::make_shared<Settings>(*settings);
      renewed->material = std::move(*material);
      current.settings = std::move(renewed);
      LogInfo("TLS certificate reloaded", {{"file", settings->tls->cert_file}});
    } else if (trouble != current.tls_trouble) {
      LogError("TLS certificate not reloaded, the old one stays", {{"error", trouble}});
    }
    current.tls_trouble = trouble;
    last_succeeded = material.has_value();
    return current.settings;
  });
}

int WebConfig::Impl::OnClientHello(SSL* connection, int* alert, void* self) {
  const SettingsPtr settings = static_cast<Impl*>(self)->CurrentForHandshake();
  if (settings->material->ApplyTo(connection)) return SSL_CLIENT_HELLO_SUCCESS;
  ERR_clear_error();
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

WebConfig::WebConfig(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebConfig::~WebConfig() = default;

Result<std::shared_ptr<WebConfig>> WebConfig::Load(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  std::string stamp = FileStamp(path);
  auto settings = ReadSettings(path);
  if (!settings) return Fail(settings.error());
  impl->uses_tls = (*settings)->tls.has_value();
  impl->state.With([&](Impl::State& state) {
    state.stamp = std::move(stamp);
    state.settings = std::move(*settings);
  });
  return std::shared_ptr<WebConfig>(new WebConfig(std::move(impl)));
}

bool WebConfig::UsesTls() const {
  return impl_->uses_tls;
}
bool WebConfig::RequiresLogin() const {
  return !impl_->Current()->users.empty();
}
bool WebConfig::RequiresClientCertificate() const {
  const SettingsPtr settings = impl_->Current();
  return settings->tls && settings->tls->client_auth == ClientAuth::kRequireAndVerify;
}
bool WebConfig::LastReloadSucceeded() const {
  return impl_->last_succeeded;
}

Result<std::string> WebConfig::Authenticate(std::string_view authorization_header,
                                            const std::string& remote_address) {
  const SettingsPtr settings = impl_->Current();
  if (settings->users.empty()) return std::string();
  return impl_->passwords.Check(settings->users, authorization_header, remote_address);
}

std::vector<std::pair<std::string, std::string>> WebConfig::ResponseHeaders() {
  return impl_->Current()->headers;
}

Result<ssl_ctx_st*> WebConfig::NewTlsContext() {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Fail(ErrorKind::kInternal, "OpenSSL gives no context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A resumed session would bring back the certificate check of another day.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_client_hello_cb(context, &Impl::OnClientHello, impl_.get());
  return context;
}

}  // namespace mailhub::http
