// The server's TLS and basic authentication, from a file in the format of the Prometheus exporter
// toolkit's `--web.config.file`; re-read at run time. OpenSSL and crypt(3) stay in the .cc.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace mailhub::http {

// The file:
//   tls_server_config:
//     cert_file, key_file                PEM; relative paths are relative to the file
//     cert, key                          instead of either: its text
//     client_auth_type                   NoClientCert (default) | RequestClientCert |
//                                        RequireAnyClientCert | VerifyClientCertIfGiven |
//                                        RequireAndVerifyClientCert
//     client_ca_file or client_ca        PEM, or its text; needed by the two that verify
//     client_allowed_sans                names of which a client's certificate needs one (DNS, address,
//                                        e-mail, URI); only with the two that require a certificate
//     min_version, max_version           TLS12 | TLS13 (default: 1.2 and up; older ones are
//                                        refused)
//     cipher_suites                      names as Go or OpenSSL write them; TLS 1.2 only
//     curve_preferences                  CurveP256 | CurveP384 | CurveP521 | X25519
//     prefer_server_cipher_suites        true | false
//   http_server_config:
//     http2                              accepted and without effect: this server speaks HTTP/1.1
//     headers                            the toolkit's security headers, set on every response
//   rate_limit:
//     interval, burst                    all requests together: burst at once, then one each interval;
//                                        0: no limit
//   basic_auth_users:
//     NAME: $2y$...                      bcrypt ($2a$, $2b$, $2y$)
// Anything else is an error with file:line:column.
//
// Thread-safe. Shared between a server and other readers of the settings. The file is checked
// again for every new request, certificates, keys and CA for every TLS handshake; a change that
// cannot be used is logged once and the old settings stay in force. Only switching TLS on or off
// needs a restart, and is refused with a log line too.
class WebConfig {
 public:
  // kNotFound, kRefused (not readable), kInvalid (file:line:column, or a certificate's defect).
  static Result<std::shared_ptr<WebConfig>> Load(const std::string& path);
  ~WebConfig();
  WebConfig(const WebConfig&) = delete;
  WebConfig& operator=(const WebConfig&) = delete;

  bool UsesTls() const;
  bool RequiresLogin() const;              // basic_auth_users is not empty
  bool RequiresClientCertificate() const;  // and verifies it against client_ca_file

  // The user of a valid Authorization header; "" when no login is required. Otherwise kRefused, in
  // the same time whether or not the user exists. A right password is remembered (digest only, at
  // most 256). Hashing a new one takes 0.1 s or more, one at a time; when too many wait, of that
  // address or in all: kOverloaded.
  Result<std::string> Authenticate(std::string_view authorization_header,
                                   const std::string& remote_address = "");

  // Counts one request for rate_limit: false if there are too many.
  bool AdmitsRequest();

  // http_server_config.headers at present.
  std::vector<std::pair<std::string, std::string>> ResponseHeaders();

  // For the server: a new context; each of its handshakes uses the settings of that moment. The
  // caller owns it; this object must outlive it. Only when UsesTls().
  Result<ssl_ctx_st*> NewTlsContext();

 private:
  struct Impl;
  explicit WebConfig(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailhub::http
