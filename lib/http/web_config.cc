#include "lib/http/web_config.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <mutex>
#include <optional>

#include "lib/base/guarded.h"
#include "lib/base/log.h"
#include "lib/config/yaml.h"
#include "lib/http/passwords.h"
#include "lib/http/tls.h"
#include "lib/http/web_settings.h"

namespace mailhub::http {
namespace {

// One reading of the file. Immutable.
struct Settings : WebSettings {
  std::shared_ptr<const TlsMaterial> material;  // with tls
};
using SettingsPtr = std::shared_ptr<const Settings>;

Result<SettingsPtr> ReadSettings(const std::string& path) {
  auto text = config::ReadFile(path);
  if (!text) return Fail(text.error());
  auto parsed = ParseWebSettings(*text, path);
  if (!parsed) return Fail(parsed.error());
  auto settings = std::make_shared<Settings>();
  static_cast<WebSettings&>(*settings) = std::move(*parsed);
  if (settings->tls) {
    auto material = TlsMaterial::Load(*settings->tls);
    if (!material) return Fail(settings->tls_place, material.error());
    settings->material = std::move(*material);
  }
  return SettingsPtr(std::move(settings));
}

}  // namespace

struct WebConfig::Impl {
  struct State {
    std::string stamp;        // of the file at the last check
    std::string tls_trouble;  // last logged problem with certificates, so that it is logged once
    SettingsPtr settings;
  };

  std::string path;
  bool uses_tls = false;
  Guarded<State> state;
  Guarded<TokenBucket> bucket;
  Passwords passwords;

  SettingsPtr Current();
  SettingsPtr CurrentForHandshake();
  void Reload(State* current);
  static int OnClientHello(SSL* connection, int* alert, void* self);
};

// The settings in force, after a check for a changed file.
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
  if (read) {
    current->settings = std::move(*read);
    LogInfo("web configuration reloaded", {{"file", path}});
  } else {
    LogError("web configuration not reloaded, the old one stays",
             {{"error", read.error().message}});
  }
}

// As above, with the certificates that are on disk now.
SettingsPtr WebConfig::Impl::CurrentForHandshake() {
  SettingsPtr settings = Current();
  if (settings->material->FilesUnchanged()) return settings;
  auto material = TlsMaterial::Load(*settings->tls);
  return state.With([&](State& current) {
    if (current.settings != settings) return current.settings;  // another thread was faster
    const std::string trouble = material ? "" : material.error().message;
    if (material) {
      auto renewed = std::make_shared<Settings>(*settings);
      renewed->material = std::move(*material);
      current.settings = std::move(renewed);
      LogInfo("TLS certificate reloaded", {{"file", settings->tls->cert.file}});
    } else if (trouble != current.tls_trouble) {
      LogError("TLS certificate not reloaded, the old one stays", {{"error", trouble}});
    }
    current.tls_trouble = trouble;
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

Result<std::string> WebConfig::Authenticate(std::string_view authorization_header,
                                            const std::string& remote_address) {
  const SettingsPtr settings = impl_->Current();
  if (settings->users.empty()) return std::string();
  return impl_->passwords.Check(settings->users, authorization_header, remote_address);
}

bool WebConfig::AdmitsRequest() {
  const RateLimit limit = impl_->Current()->rate_limit;
  return impl_->bucket.With(
      [&](TokenBucket& bucket) { return bucket.Take(limit, BootClock::now()); });
}

std::vector<std::pair<std::string, std::string>> WebConfig::ResponseHeaders() {
  return impl_->Current()->headers;
}

Result<ssl_ctx_st*> WebConfig::NewTlsContext() {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Fail(ErrorKind::kInternal, "OpenSSL gives no context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A resumed session would bring back an earlier certificate check.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_client_hello_cb(context, &Impl::OnClientHello, impl_.get());
  return context;
}

}  // namespace mailhub::http
