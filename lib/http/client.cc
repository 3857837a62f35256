// libcurl's easy interface, one handle per client. A failure's meaning depends on whether the
// connection had been made, not only on the error.
#include "lib/http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <mutex>

#include "lib/base/trim.h"
#include "lib/config/secret.h"

namespace mailhub::http {
namespace {

constexpr size_t kMaxHeaderBytes = size_t{64} * 1024;

struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistFree>;

// What curl's callbacks write to during one request.
struct Transfer {
  HttpResponse response;
  size_t max_body_bytes = 0;
  size_t header_bytes = 0;
  bool headers_too_long = false;
  bool body_too_long = false;
  bool cancelled = false;
  const std::atomic<bool>* cancel = nullptr;
};

size_t OnBody(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t room = transfer.max_body_bytes - transfer.response.body.size();
  if (size > room) {
    transfer.body_too_long = true;
    transfer.response.body.append(data, room);
    return 0;
  }
  transfer.response.body.append(data, size);
  return size;
}

size_t OnHeader(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.headers_too_long = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // after a "100 Continue"
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  transfer.response.headers.emplace_back(std::move(name), Trim(line.substr(colon + 1)));
  return size;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.cancelled = transfer.cancel != nullptr && transfer.cancel->load();
  return transfer.cancelled ? 1 : 0;
}

bool IsLineSafe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void InitLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

struct Client::Impl {
  ClientOptions options;
  CURL* curl = nullptr;

  explicit Impl(ClientOptions given) : options(std::move(given)) {
    InitLibrary();
    curl = curl_easy_init();
  }
  ~Impl() {
    if (curl != nullptr) curl_easy_cleanup(curl);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(curl, option, value);
  }
  void SetFile(CURLoption option, const std::string& path) {
    if (!path.empty()) Set(option, path.c_str());
  }
  void SetUp(const std::string& url, const RequestOptions& request);
  Result<Slist> MakeHeaders(const RequestOptions& request, std::string_view content_type);
  Result<HttpResponse> Perform(const std::string& url, const RequestOptions& request,
                               std::string_view content_type, bool repeatable);
  Error Explain(CURLcode code, const Transfer& transfer, bool repeatable);
};

void Client::Impl::SetUp(const std::string& url, const RequestOptions& request) {
  Set(CURLOPT_URL, url.c_str());
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_PROXY, "");  // not even the environment's
  Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, request.timeout.count())));
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, request.timeout.count())));
  Set(CURLOPT_TCP_NODELAY, 1L);
  Set(CURLOPT_ACCEPT_ENCODING, "gzip");
  Set(CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  SetFile(CURLOPT_CAINFO, options.ca_file);
  SetFile(CURLOPT_SSLCERT, options.cert_file);
  SetFile(CURLOPT_SSLKEY, options.key_file);
  if (!options.basic_user.empty()) {
    Set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    Set(CURLOPT_USERNAME, options.basic_user.c_str());
    Set(CURLOPT_PASSWORD, options.basic_password.c_str());
  }
}

Result<Slist> Client::Impl::MakeHeaders(const RequestOptions& request,
                                        std::string_view content_type) {
  Slist list;
  bool fine = true;
  const auto add = [&](const std::string& name, std::string_view value) {
    fine = fine && IsLineSafe(name) && IsLineSafe(value);
    if (!fine) return;
    // For curl "Name:" means to omit it and "Name;" to send it empty.
    const std::string line = value.empty() ? name + ";" : name + ": " + std::string(value);
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;
    static_cast<void>(list.release());
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers) add(name, value);
  if (!content_type.empty()) add("Content-Type", content_type);
  if (!options.bearer_token_file.empty()) {
    const auto token = config::ReadToken(options.bearer_token_file);
    if (!token) return Fail(ErrorKind::kInvalid, token.error().message);
    add("Authorization", "Bearer " + *token);
  }
  if (!fine) return Fail(ErrorKind::kInvalid, "a header has a line end in it");
  return list;
}

Error Client::Impl::Explain(CURLcode code, const Transfer& transfer, bool repeatable) {
  const bool too_long = transfer.headers_too_long || transfer.body_too_long;
  const std::string why = transfer.cancelled ? "shutting down"
                          : too_long         ? "the answer is too long"
                                             : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorKind::kInvalid, why};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {ErrorKind::kRefused, why};
    default:
      break;
  }
  // Not zero once the connection, TLS included, is made and the request is about to be sent.
  curl_off_t ready_us = 0;
  curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  if (ready_us > 0 && !repeatable) return {ErrorKind::kOutcomeUnknown, why};
  const bool senseless = too_long || code == CURLE_WEIRD_SERVER_REPLY ||
                         code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_BAD_CONTENT_ENCODING;
  return {senseless ? ErrorKind::kInvalid : ErrorKind::kUnreachable, why};
}

Result<HttpResponse> Client::Impl::Perform(const std::string& url, const RequestOptions& request,
                                           std::string_view content_type, bool repeatable) {
  if (curl == nullptr) return Fail(ErrorKind::kInternal, "libcurl gives no handle");
  auto headers = MakeHeaders(request, content_type);
  if (!headers) return Fail(headers.error());
  Transfer transfer;
  transfer.max_body_bytes = request.max_response_bytes;
  transfer.cancel = options.cancelled;
  Set(CURLOPT_HTTPHEADER, headers->get());
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, &transfer);
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, &transfer);
  Set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(CURLOPT_XFERINFODATA, &transfer);
  Set(CURLOPT_NOPROGRESS, 0L);
  const CURLcode code = curl_easy_perform(curl);
  const bool enough = request.status_suffices && transfer.body_too_long && !transfer.cancelled;
  if (code != CURLE_OK && !enough) {
    Error error = Explain(code, transfer, repeatable);
    return Fail(error.kind, url + ": " + error.message);
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  return std::move(transfer.response);
}

std::string_view HttpResponse::Header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

Result<HttpResponse> Client::Get(const std::string& url, const RequestOptions& options) {
  curl_easy_reset(impl_->curl);  // keeps the connections
  impl_->SetUp(url, options);
  impl_->Set(CURLOPT_HTTPGET, 1L);
  return impl_->Perform(url, options, "", true);
}

Result<HttpResponse> Client::Post(const std::string& url, std::string_view body,
                                  std::string_view content_type, const RequestOptions& options) {
  curl_easy_reset(impl_->curl);
  impl_->SetUp(url, options);
  impl_->Set(CURLOPT_POST, 1L);
  impl_->Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  impl_->Set(CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
  if (!options.idempotent) impl_->Set(CURLOPT_FRESH_CONNECT, 1L);
  return impl_->Perform(url, options, content_type, options.idempotent);
}

std::string UrlEncode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      encoded.append("%").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return encoded;
}

}  // namespace mailhub::http
