// The order of checks matters: nothing is read or looked up for an unknown client, and no body is
// read that is too long or not needed.
#include "lib/http/exchange.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>

#include "lib/base/log.h"
#include "lib/base/lower.h"
#include "lib/http/address.h"
#include "lib/http/message.h"

namespace mailhub::http {
namespace {

constexpr size_t kGzipFrom = 1024;
constexpr size_t kMaxHeaderBytes = size_t{16} << 10;
constexpr Milliseconds kHeartbeat{5000};
constexpr Milliseconds kEmptyChunkWait{20};

std::string_view View(const char* text) {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

bool IsOurs(std::string_view name) {  // headers only this file may set
  return EqualIgnoringCase(name, "Content-Length") || EqualIgnoringCase(name, "Connection") ||
         EqualIgnoringCase(name, "Transfer-Encoding") || EqualIgnoringCase(name, "Date");
}

// One of a limited number of slots: for streams, which occupy a worker for their whole time, and
// for long bodies in memory.
class Slot {
 public:
  Slot(std::atomic<int>* taken, int most, bool wanted) : taken_(wanted ? taken : nullptr) {
    if (wanted) granted_ = taken->fetch_add(1) < most;
  }
  ~Slot() {
    if (taken_ != nullptr) taken_->fetch_sub(1);
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  bool granted() const { return granted_; }

 private:
  std::atomic<int>* const taken_;
  bool granted_ = true;
};

Response ComeAgain(const char* why) {
  Response response = TextResponse(503, why);
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace

Headers CommonHeaders(const ServerOptions& options) {
  Headers headers{{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}};
  if (options.web_config == nullptr) return headers;
  for (const auto& [name, value] : options.web_config->ResponseHeaders())
    SetHeader(&headers, name, value);
  return headers;
}

Exchange::Exchange(mg_connection* conn, Connection* connection, Shared* shared)
    : conn_(conn), connection_(connection), shared_(shared), start_(SteadyNow()) {}

int Exchange::Run() {
  connection_->Rest();
  auto refusal = CheckPresence();
  if (!refusal) refusal = ReadHead();
  if (!refusal) refusal = CheckFraming();
  if (!refusal) refusal = LogIn();
  if (!refusal) refusal = FindTarget();
  if (!refusal && shared_->options.before_body) refusal = shared_->options.before_body(request_);
  if (!refusal) refusal = CheckLength();
  const bool long_body = !refusal && content_length_ > shared_->options.max_body_bytes;
  const Slot slot(&shared_->long_bodies, long_body ? target_->limit.long_at_once : 0, long_body);
  if (!slot.granted()) refusal = ComeAgain("too many long bodies are being read");
  if (!refusal) refusal = ReadBody();
  if (!refusal) refusal = CheckPresence();  // the password, or the body, may have taken long
  const int result = Answer(refusal ? std::move(*refusal) : Dispatch());
  if (shared_->options.on_finished && result != 0) {
    shared_->options.on_finished(route_ != nullptr ? route_->pattern : "", std::abs(result),
                                 SteadyNow() - start_);
  }
  // Else civetweb would answer what the client has sent ahead.
  if (!keep_ || client_gone_) mg_disable_connection_keep_alive(conn_);
  return body_unread_ || client_gone_ ? -1 : result;
}

// Nothing is begun for a client that has left, also if it was here when it came into the queue.
std::optional<Response> Exchange::CheckPresence() {
  client_gone_ = connection_->HasLeft();
  if (!client_gone_) return std::nullopt;
  return Response{};
}

std::optional<Response> Exchange::ReadHead() {
  const mg_request_info* info = mg_get_request_info(conn_);
  request_.method = View(info->request_method);
  head_only_ = request_.method == "HEAD";
  if (head_only_) request_.method = "GET";
  // Raw, for a refusal's writer, until it is understood.
  request_.path = View(info->local_uri_raw);
  request_.remote_address = info->remote_addr;
  request_.origin = OriginOf(request_.remote_address);
  request_.tls = info->is_ssl != 0;
  http10_ = View(info->http_version) == "1.0";
  size_t header_bytes = 0;
  for (int i = 0; i < info->num_headers; ++i) {
    header_bytes +=
        View(info->http_headers[i].name).size() + View(info->http_headers[i].value).size() + 4;
    request_.headers.emplace_back(View(info->http_headers[i].name),
                                  View(info->http_headers[i].value));
  }
  keep_ = WantsKeepAlive();
  body_unread_ = info->content_length != 0;
  if (auto refusal = CheckWhole()) {
    body_unread_ = true;  // its end is unknown
    return refusal;
  }
  const std::string_view path = View(info->local_uri_raw);
  const std::string_view query = View(info->query_string);
  if (shared_->stopping) return TextResponse(503, "shutting down");
  if (path.size() + query.size() > shared_->options.max_path_bytes)
    return TextResponse(414, "the path is too long");
  if (header_bytes > kMaxHeaderBytes) return TextResponse(431, "the headers are too long");
  if (!ParseTarget(path, query, &request_))
    return TextResponse(400, "the path or query is malformed");
  if (!http10_ && request_.Header("Host").empty())
    return TextResponse(400, "there is no Host header");
  StripPrefix();
  return std::nullopt;
}

// civetweb stops reading a head at a line that it does not understand, and after 64 headers,
// without an error: later headers, perhaps a Content-Length, are not seen. Its strings are in the
// raw head, with line ends and colons replaced by NUL, so that the part after the last one can be
// checked.
std::optional<Response> Exchange::CheckWhole() const {
  const mg_request_info* info = mg_get_request_info(conn_);
  if (info->num_headers == MG_MAX_HEADERS) return TextResponse(431, "there are too many headers");
  if (info->num_headers == 0) {
    // The version, and at least two line ends.
    const char* version = info->http_version;
    const bool whole = version[3] == '\0' && version[4] == '\0' && version[5] == '\0';
    if (whole) return std::nullopt;
    return TextResponse(400, "a header has no name");
  }
  for (int i = 0; i < info->num_headers; ++i) {
    const char* name_end = info->http_headers[i].name + View(info->http_headers[i].name).size();
    if (name_end + 1 < info->http_headers[i].value && name_end[1] == '\0') {
      return TextResponse(400, "there is a blank before a header's colon");
    }
  }
  const char* const last = info->http_headers[info->num_headers - 1].value;
  const char* const end = last + View(last).size();
  // The last line end of the head is NUL too, and no other byte of a head is.
  if (end[1] == '\0' && end[2] == '\r' && end[3] == '\0') return std::nullopt;
  return TextResponse(400, "a header has no name, or goes on in a second line");
}

// The headers for the request's target and its end must be present once and clear; otherwise a
// proxy may see another site or another end than we do.
std::optional<Response> Exchange::CheckFraming() {
  const auto count = [&](std::string_view name) {
    return std::count_if(request_.headers.begin(), request_.headers.end(),
                         [&](const auto& header) { return EqualIgnoringCase(header.first, name); });
  };
  body_unread_ = true;  // until it is known that there is none
  if (count("Transfer-Encoding") > 0) return TextResponse(411, "a body needs a Content-Length");
  if (count("Host") > 1) return TextResponse(400, "there are several Host headers");
  const std::string_view length = request_.Header("Content-Length");
  if (count("Content-Length") > 1)
    return TextResponse(400, "there are several Content-Length headers");
  if (count("Content-Length") == 1) {
    const auto [end, error] =
        std::from_chars(length.data(), length.data() + length.size(), content_length_);
    if (length.empty() || error != std::errc() || end != length.data() + length.size()) {
      return TextResponse(400, "the Content-Length is malformed");
    }
  }
  // Without either header there is no body (RFC 9112, 6.3), for any method.
  body_unread_ = content_length_ > 0;
  const std::string_view expect = request_.Header("Expect");
  if (!expect.empty() && !EqualIgnoringCase(expect, "100-continue")) {
    return TextResponse(417, "only 100-continue can be expected");
  }
  return std::nullopt;
}

std::optional<Response> Exchange::LogIn() {
  if (shared_->options.web_config == nullptr) return std::nullopt;
  if (!shared_->options.web_config->AdmitsRequest()) {
    Response response = TextResponse(429, "too many requests (rate_limit)");
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }
  std::string missing = "a name and a password are needed";
  if (shared_->options.needs_no_login) {
    const Result<bool> proved = shared_->options.needs_no_login(request_);
    if (proved && *proved) return std::nullopt;
    if (!proved && proved.error().kind != ErrorKind::kRefused) {
      return TextResponse(503, proved.error().message);
    }
    if (!proved) missing = proved.error().message + "; without it " + missing;
  }
  auto user =
      shared_->options.web_config->Authenticate(request_.Authorization(), request_.remote_address);
  if (user) {
    request_.user = std::move(*user);
    return std::nullopt;
  }
  if (user.error().kind != ErrorKind::kRefused) return TextResponse(503, user.error().message);
  Response response = TextResponse(401, missing);
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"mailhub\"");
  return response;
}

// The prefix is no part of a page's name, for whoever judges or answers the request.
void Exchange::StripPrefix() {
  const std::string& prefix = shared_->options.route_prefix;
  if (prefix.empty()) return;
  outside_ = !request_.path.starts_with(prefix + "/");
  if (!outside_) request_.path.erase(0, prefix.size());
}

std::optional<Response> Exchange::FindTarget() {
  if (outside_) {
    const std::string& prefix = shared_->options.route_prefix;
    const bool begin = request_.path == "/" || request_.path == prefix;
    if (!begin || request_.method != "GET") return TextResponse(404, "no such page");
    Response response = TextResponse(302, "the pages are below " + prefix + "/");
    response.headers.emplace_back("Location", prefix + "/");
    return response;
  }
  route_ = shared_->router.Find(request_.path);
  if (route_ == nullptr) return TextResponse(404, "no such page");
  target_ = route_->Find(request_.method);
  if (target_ != nullptr) return std::nullopt;
  Response response = TextResponse(405, "this page does not know that method");
  response.headers.emplace_back("Allow", route_->Allow());
  return response;
}

std::optional<Response> Exchange::CheckLength() const {
  const size_t most = std::max(target_->limit.bytes, shared_->options.max_body_bytes);
  if (content_length_ <= most) return std::nullopt;
  return TextResponse(413, "the body may have " + std::to_string(most) + " bytes at most");
}

std::optional<Response> Exchange::ReadBody() {
  if (content_length_ == 0) return std::nullopt;
  if (!request_.Header("Expect").empty() && !Write("HTTP/1.1 100 Continue\r\n\r\n"))
    return Response{};
  request_.body.resize(content_length_);
  size_t read = 0;
  const SteadyTime deadline = start_ + shared_->options.request_timeout;
  connection_->ReadUntil(deadline);
  while (read < content_length_) {
    const int size = mg_read(conn_, request_.body.data() + read, content_length_ - read);
    if (size <= 0) break;
    read += static_cast<size_t>(size);
  }
  connection_->Rest();
  if (read == content_length_) {
    body_unread_ = false;
    return std::nullopt;
  }
  if (shared_->stopping) return TextResponse(503, "shutting down");
  if (connection_->TimedOut()) {
    if (SteadyNow() < deadline) return ComeAgain("others are waiting, and the body did not come");
    return TextResponse(408, "the body did not come in time");
  }
  client_gone_ = true;
  return Response{};
}

Response Exchange::Dispatch() {
  if (!head_only_)
    request_.may_be_long = [this] { return connection_->MayAnswerAtLength(shared_->queue); };
  try {
    return target_->handler(request_);
  } catch (const std::exception& error) {
    LogError("a request handler failed", {{"path", request_.path}, {"error", error.what()}});
  } catch (...) {
    LogError("a request handler failed", {{"path", request_.path}});
  }
  return TextResponse(500, "internal error");
}

// The same rules as civetweb's own, so that the announced behaviour happens.
bool Exchange::WantsKeepAlive() const {
  if (shared_->options.keep_alive <= Milliseconds(0)) return false;
  const std::string* connection = FindHeader(request_.headers, "Connection");
  return connection != nullptr ? HasToken(*connection, "keep-alive") : !http10_;
}

bool Exchange::Write(std::string_view bytes) {
  connection_->WriteUntil(SteadyNow() + shared_->options.request_timeout);
  const int written = mg_write(conn_, bytes.data(), bytes.size());
  connection_->Rest();
  if (written != static_cast<int>(bytes.size())) client_gone_ = true;
  return !client_gone_;
}

// The status that was sent, or 0 when the client had left.
int Exchange::Answer(Response response) {
  if (client_gone_) return 0;
  const Slot slot(&shared_->streams, shared_->options.max_streams, response.stream.has_value());
  if (!slot.granted() || (response.stream && !connection_->MayStream(shared_->queue)))
    response = ComeAgain("too many streams are open");
  if (response.status < 400) Pack(&response);
  const bool is_long = !head_only_ && !response.stream && response.body.size() > kLongAnswer;
  if (is_long && !connection_->MayAnswerAtLength(shared_->queue))
    response = ComeAgain(kTooManyLongAnswers);
  if (response.status >= 400 && shared_->options.on_refusal)
    shared_->options.on_refusal(request_, &response);
  Pack(&response);  // what was refused has its last words now
  // While all workers are taken, a connection that idles would keep another client waiting.
  const bool crowded = connection_->WouldCrowd(shared_->queue);
  if (body_unread_ || shared_->stopping || crowded || (response.stream && http10_)) keep_ = false;
  Headers headers = CommonHeaders(shared_->options);
  SetHeader(&headers, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) {
    if (!IsOurs(name)) SetHeader(&headers, name, value);
  }
  headers.emplace_back("Connection", keep_ ? "keep-alive" : "close");
  if (response.stream) {
    AnswerStream(&*response.stream, response.status, &headers);
  } else {
    AnswerBody(&response, &headers);
  }
  if (keep_) {
    keep_ = connection_->IdleUntil(
        SteadyNow() + shared_->options.keep_alive + shared_->options.request_timeout,
        shared_->queue);
  }
  if (body_unread_ || !keep_) connection_->Linger(shared_->queue, body_unread_);
  return response.status;
}

void Exchange::Pack(Response* response) const {
  std::string& body = response->body;
  if (response->stream || HasNoBody(response->status) || body.size() <= kGzipFrom ||
      FindHeader(response->headers, "Content-Encoding") != nullptr)
    return;
  SetHeader(&response->headers, "Vary", "Accept-Encoding");
  if (!AcceptsGzip(request_.Header("Accept-Encoding"))) return;
  std::string packed = Gzip(body);
  if (packed.empty()) return;
  body = std::move(packed);
  SetHeader(&response->headers, "Content-Encoding", "gzip");
}

void Exchange::AnswerBody(Response* response, Headers* headers) {
  if (HasNoBody(response->status)) {
    Write(ComposeHead(response->status, *headers));
    return;
  }
  std::string& body = response->body;
  SetHeader(headers, "Content-Length", std::to_string(body.size()));
  if (head_only_) body.clear();
  Write(body.insert(0, ComposeHead(response->status, *headers)));
}

void Exchange::AnswerStream(Stream* stream, int status, Headers* headers) {
  if (!http10_) SetHeader(headers, "Transfer-Encoding", "chunked");
  if (!Write(ComposeHead(status, *headers)) || head_only_) return;
  SteadyTime last_sent = SteadyNow();
  std::string chunk;
  bool more = true;
  while (more && !client_gone_ && !shared_->stopping) {
    chunk.clear();
    try {
      more = stream->next(&chunk);
    } catch (const std::exception& error) {
      LogError("a stream failed", {{"path", request_.path}, {"error", error.what()}});
      client_gone_ = true;  // without the last chunk, so that the client sees it was cut
      return;
    }
    const bool overdue = SteadyNow() - last_sent >= kHeartbeat;
    if (chunk.empty() && more && overdue) chunk = stream->heartbeat;
    if (!chunk.empty()) {
      SendChunk(chunk);
      last_sent = SteadyNow();
    } else if (more && connection_->PeerLeft(kEmptyChunkWait)) {
      client_gone_ = true;
    }
  }
  if (!client_gone_ && !http10_) Write("0\r\n\r\n");
}

bool Exchange::SendChunk(std::string_view chunk) {
  if (http10_) return Write(chunk);
  std::array<char, 24> size{};
  const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", chunk.size());
  std::string framed(size.data(), static_cast<size_t>(digits));
  return Write(framed.append(chunk).append("\r\n"));
}

}  // namespace mailhub::http
