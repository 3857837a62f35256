#include "lib/http/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lib/config/yaml.h"

namespace mailhub::http {
namespace {

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
void FreeNames(STACK_OF(X509_NAME) * names) {
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}

using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE, X509_STORE_free>>;
using Names = std::unique_ptr<STACK_OF(X509_NAME), Freer<STACK_OF(X509_NAME), FreeNames>>;
struct BioFreer {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFreer>;

int NoPassphrase(char*, int, int, void*) {
  return 0;
}  // otherwise OpenSSL would ask on the terminal
int AcceptAny(int, X509_STORE_CTX*) {
  return 1;
}

using AllowedSans = std::set<std::string>;
void FreeSans(void*, void* sans, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<AllowedSans*>(sans);
}
// Where a connection keeps its allowed names: the settings may be replaced during its handshake.
int SansIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &FreeSans);
  return index;
}

// An alternative name as text; "" for kinds that are none of DNS, address, e-mail and URI.
std::string TextOf(const GENERAL_NAME* name) {
  const auto bytes = [](const ASN1_STRING* text) {
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<size_t>(ASN1_STRING_length(text)));
  };
  switch (name->type) {
    case GEN_DNS:
      return bytes(name->d.dNSName);
    case GEN_EMAIL:
      return bytes(name->d.rfc822Name);
    case GEN_URI:
      return bytes(name->d.uniformResourceIdentifier);
    case GEN_IPADD: {
      const std::string address = bytes(name->d.iPAddress);
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int family = address.size() == 4 ? AF_INET : AF_INET6;
      if (address.size() != 4 && address.size() != 16) return "";
      inet_ntop(family, address.data(), text.data(), text.size());
      return text.data();
    }
    default:
      return "";
  }
}

// Whether the certificate that the client shows as its own has one of the allowed names.
bool HasAllowedSan(X509_STORE_CTX* verification) {
  const auto* const connection = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* const allowed =
      static_cast<const AllowedSans*>(SSL_get_ex_data(connection, SansIndex()));
  auto* const names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
      X509_STORE_CTX_get0_cert(verification), NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; allowed != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const std::string name = TextOf(sk_GENERAL_NAME_value(names, i));
    found = found || (!name.empty() && allowed->contains(name));
  }
  GENERAL_NAMES_free(names);
  if (!found) X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
  return found;
}

int AcceptNamed(int, X509_STORE_CTX* verification) {
  return HasAllowedSan(verification) ? 1 : 0;
}
int AcceptVerifiedAndNamed(int verified, X509_STORE_CTX* verification) {
  return verified == 1 && HasAllowedSan(verification) ? 1 : 0;
}

tl::unexpected<Error> Wrong(const std::string& file, const std::string& what) {
  std::array<char, 256> reason{};
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return Fail(ErrorKind::kInvalid, file + ": " + what);
  ERR_error_string_n(code, reason.data(), reason.size());
  return Fail(ErrorKind::kInvalid, file + ": " + what + " (" + reason.data() + ")");
}

// OpenSSL would wait for a pipe for ever.
Result<std::string> TextOf(const Pem& pem) {
  if (!pem.text.empty()) return pem.text;
  return config::ReadFile(pem.file);
}

Result<std::vector<Certificate>> ReadCertificates(const Pem& pem) {
  ERR_clear_error();
  const std::string& file = pem.file;
  const auto text = TextOf(pem);
  if (!text) return Fail(text.error());
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  std::vector<Certificate> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, &NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  if (certificates.empty()) return Wrong(file, "has no certificate");
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_REASON(code) != PEM_R_NO_START_LINE) return Wrong(file, "is malformed");
  ERR_clear_error();
  return certificates;
}

}  // namespace

struct TlsMaterial::Impl {
  TlsSettings settings;
  std::vector<std::pair<std::string, std::string>> stamps;  // file -> its stamp at reading
  std::vector<Certificate> chain;                           // the server's own first
  PrivateKey key;
  Store client_ca;
  Names client_ca_names;

  Status LoadOwn();
  Status LoadClientCa();
};

std::string FileStamp(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return "absent";
  return std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + " " +
         std::to_string(info.st_size) + " " + std::to_string(info.st_ino);
}

int TlsVersion(const std::string& name) {
  if (name == "TLS12") return TLS1_2_VERSION;
  if (name == "TLS13") return TLS1_3_VERSION;
  return 0;
}

std::string CipherName(const std::string& name) {
  constexpr std::array<std::string_view, 5> kTls13 = {
      "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
      "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"};
  if (std::ranges::find(kTls13, name) != kTls13.end()) return "-";
  std::string known = name;
  for (const std::string& spelling :
       {name, name + "_SHA256"}) {  // Go has short names for the ChaCha20 suites
    const std::string openssl = OPENSSL_cipher_name(spelling.c_str());
    if (openssl != "(NONE)") known = openssl;
  }
  // One suite that encrypts and authenticates. OpenSSL's lists have group words, "ALL" for example,
  // and ignore unknown names.
  const std::unique_ptr<SSL_CTX, Freer<SSL_CTX, SSL_CTX_free>> context(SSL_CTX_new(TLS_method()));
  if (context == nullptr) return "";
  SSL_CTX_set_cipher_list(context.get(), "ALL:!aNULL:!eNULL");
  STACK_OF(SSL_CIPHER)* suites = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i) {
    if (known == SSL_CIPHER_get_name(sk_SSL_CIPHER_value(suites, i))) return known;
  }
  return "";
}

std::string GroupName(const std::string& name) {
  if (name == "CurveP256") return "P-256";
  if (name == "CurveP384") return "P-384";
  if (name == "CurveP521") return "P-521";
  return name == "X25519" ? name : "";
}

Status TlsMaterial::Impl::LoadOwn() {
  auto certificates = ReadCertificates(settings.cert);
  if (!certificates) return Fail(certificates.error());
  chain = std::move(*certificates);
  const auto text = TextOf(settings.key);
  if (!text) return Fail(text.error());
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr));
  if (key == nullptr) return Wrong(settings.key.file, "has no unencrypted private key");
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    return Wrong(settings.key.file, "does not belong to the certificate in " + settings.cert.file);
  }
  return {};
}

Status TlsMaterial::Impl::LoadClientCa() {
  if (settings.client_ca.Empty()) return {};
  auto certificates = ReadCertificates(settings.client_ca);
  if (!certificates) return Fail(certificates.error());
  client_ca.reset(X509_STORE_new());
  client_ca_names.reset(sk_X509_NAME_new_null());
  for (const Certificate& certificate : *certificates) {
    X509_STORE_add_cert(client_ca.get(), certificate.get());
    X509_NAME* name = X509_NAME_dup(X509_get_subject_name(certificate.get()));
    if (sk_X509_NAME_push(client_ca_names.get(), name) == 0) X509_NAME_free(name);
  }
  return {};
}

TlsMaterial::TlsMaterial(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsMaterial::~TlsMaterial() = default;

Result<std::shared_ptr<const TlsMaterial>> TlsMaterial::Load(const TlsSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  for (const Pem* pem : {&settings.cert, &settings.key, &settings.client_ca}) {
    if (pem->Empty() || !pem->text.empty()) continue;
    impl->stamps.emplace_back(pem->file,
                              FileStamp(pem->file));  // before reading: shows a change meanwhile
  }
  if (Status status = impl->LoadOwn(); !status) return Fail(status.error());
  if (Status status = impl->LoadClientCa(); !status) return Fail(status.error());
  return std::shared_ptr<const TlsMaterial>(new TlsMaterial(std::move(impl)));
}

bool TlsMaterial::FilesUnchanged() const {
  for (const auto& [file, stamp] : impl_->stamps) {
    if (FileStamp(file) != stamp) return false;
  }
  return true;
}

bool TlsMaterial::ApplyTo(ssl_st* connection) const {
  const TlsSettings& settings = impl_->settings;
  bool fine = SSL_use_certificate(connection, impl_->chain.front().get()) == 1 &&
              SSL_use_PrivateKey(connection, impl_->key.get()) == 1 &&
              SSL_clear_chain_certs(connection) == 1;
  for (size_t i = 1; i < impl_->chain.size(); ++i) {
    fine = fine && SSL_add1_chain_cert(connection, impl_->chain[i].get()) == 1;
  }
  if (settings.min_version != 0)
    fine = fine && SSL_set_min_proto_version(connection, settings.min_version) == 1;
  if (settings.max_version != 0)
    fine = fine && SSL_set_max_proto_version(connection, settings.max_version) == 1;
  if (!settings.ciphers.empty())
    fine = fine && SSL_set_cipher_list(connection, settings.ciphers.c_str()) == 1;
  if (!settings.groups.empty())
    fine = fine && SSL_set1_groups_list(connection, settings.groups.c_str()) == 1;
  if (settings.prefer_server_ciphers) SSL_set_options(connection, SSL_OP_CIPHER_SERVER_PREFERENCE);
  if (settings.checks_sans) {
    auto allowed = std::make_unique<AllowedSans>(settings.client_allowed_sans);
    if (SSL_set_ex_data(connection, SansIndex(), allowed.get()) != 1) return false;
    static_cast<void>(allowed.release());  // FreeSans has it
  }
  switch (settings.client_auth) {
    case ClientAuth::kNone:
      SSL_set_verify(connection, SSL_VERIFY_NONE, nullptr);
      return fine;
    case ClientAuth::kRequest:
      SSL_set_verify(connection, SSL_VERIFY_PEER, &AcceptAny);
      return fine;
    case ClientAuth::kRequireAny:
      SSL_set_verify(connection, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     settings.checks_sans ? &AcceptNamed : &AcceptAny);
      return fine;
    case ClientAuth::kVerifyIfGiven:
      SSL_set_verify(connection, SSL_VERIFY_PEER, nullptr);
      break;
    case ClientAuth::kRequireAndVerify:
      SSL_set_verify(connection, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     settings.checks_sans ? &AcceptVerifiedAndNamed : nullptr);
      break;
  }
  if (impl_->client_ca == nullptr) return false;
  SSL_set_client_CA_list(connection, SSL_dup_CA_list(impl_->client_ca_names.get()));
  return fine && SSL_set1_verify_cert_store(connection, impl_->client_ca.get()) == 1;
}

}  // namespace mailhub::http
