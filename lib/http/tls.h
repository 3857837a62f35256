// TLS settings and their certificates. They are applied to each handshake, so that both may change
// while the server runs; internal to this folder. OpenSSL stays in the .cc.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/base/result.h"

struct ssl_st;

namespace mailhub::http {

enum class ClientAuth { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };

// A PEM text in a file of its own, or within the web configuration.
struct Pem {
  std::string file;  // its path; of a text the place, for messages
  std::string text;  // empty: it is in the file

  bool Empty() const { return file.empty(); }
};

struct TlsSettings {
  Pem cert;
  Pem key;
  Pem client_ca;
  // With checks_sans a client's certificate needs one of these as DNS name, address, e-mail address or
  // URI.
  bool checks_sans = false;
  std::set<std::string> client_allowed_sans;
  ClientAuth client_auth = ClientAuth::kNone;
  int min_version = 0;  // OpenSSL's number; 0: no limit
  int max_version = 0;
  std::string ciphers;  // OpenSSL's list for TLS 1.2; empty: its default
  std::string groups;   // likewise
  bool prefer_server_ciphers = true;
};

// "TLS12", "TLS13" to OpenSSL's number; 0 for anything else.
int TlsVersion(const std::string& name);
// The OpenSSL name of a cipher suite in Go's or OpenSSL's spelling; "" if there is none, "-" for
// one of TLS 1.3, whose suites are not configurable.
std::string CipherName(const std::string& name);
// Likewise for "CurveP256" and its kind.
std::string GroupName(const std::string& name);

// Certificates, key and CA in memory. Immutable, may be shared between threads.
class TlsMaterial {
 public:
  // kInvalid names the file and its defect.
  static Result<std::shared_ptr<const TlsMaterial>> Load(const TlsSettings& settings);
  ~TlsMaterial();
  TlsMaterial(const TlsMaterial&) = delete;
  TlsMaterial& operator=(const TlsMaterial&) = delete;

  // Whether the files are unchanged since they were read (time, size, inode).
  bool FilesUnchanged() const;
  // Sets up one handshake that has just begun. False if OpenSSL refuses.
  bool ApplyTo(ssl_st* connection) const;

 private:
  struct Impl;
  explicit TlsMaterial(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Distinguishes versions of a file.
std::string FileStamp(const std::string& path);

}  // namespace mailhub::http
