// See testing_exchange.h.
#include "lib/http/testing_exchange.h"

#include <civetweb.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <deque>
#include <utility>

#include "lib/base/lower.h"
#include "lib/http/connections.h"
#include "lib/http/exchange.h"
#include "lib/http/message.h"

// The parts of civetweb's connection that Exchange uses.
struct mg_connection {
  mg_request_info info{};
  std::deque<std::string> texts;  // the strings behind `info`
  std::string head;               // likewise: all headers in one piece, as civetweb leaves them
  std::string_view body;
  size_t read = 0;
  size_t piece = 0;
  int writes = 0;
  std::string written;

  const char* Keep(std::string_view text) { return texts.emplace_back(text).c_str(); }
};

const mg_request_info* mg_get_request_info(const mg_connection* conn) {
  return &conn->info;
}

int mg_read(mg_connection* conn, void* buffer, size_t size) {
  size = std::min({size, conn->piece, conn->body.size() - conn->read});
  std::memcpy(buffer, conn->body.data() + conn->read, size);
  conn->read += size;
  return static_cast<int>(size);
}

int mg_write(mg_connection* conn, const void* bytes, size_t size) {
  if (conn->writes-- <= 0) return -1;
  conn->written.append(static_cast<const char*>(bytes), size);
  return static_cast<int>(size);
}

void mg_disable_connection_keep_alive(mg_connection*) {}

namespace mailhub::http {
namespace {

std::string_view NextLine(std::string_view* rest) {
  const size_t end = rest->find("\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end + 2);
  return line;
}

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

// "GET /path?query HTTP/1.1"
bool TakeRequestLine(std::string_view line, mg_connection* conn) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  if (!IsName(line.substr(0, first))) return false;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.find('\0') != std::string_view::npos) return false;
  const size_t question = target.find('?');
  conn->info.request_method = conn->Keep(line.substr(0, first));
  conn->info.http_version = conn->Keep(std::string(version.substr(5)) + std::string(3, '\0'));
  conn->info.local_uri_raw = conn->Keep(target.substr(0, question));
  if (question != std::string_view::npos) {
    conn->info.query_string = conn->Keep(target.substr(question + 1));
  }
  return true;
}

// civetweb replaces colon and line end by NUL, in place.
bool TakeHeader(std::string_view line, mg_connection* conn) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsName(line.substr(0, colon))) return false;
  if (line.find('\0') != std::string_view::npos || line.find('\n') != std::string_view::npos ||
      conn->info.num_headers == MG_MAX_HEADERS) {
    return false;
  }
  size_t begin = colon + 1;
  while (begin < line.size() && line[begin] == ' ') ++begin;
  const std::string_view value = line.substr(begin);
  const size_t at = conn->head.size();
  conn->head.append(line).append(2, '\0');
  conn->head[at + colon] = '\0';
  mg_header& header = conn->info.http_headers[conn->info.num_headers++];
  header.name = conn->head.data() + at;
  header.value = conn->head.data() + at + begin;
  if (EqualIgnoringCase(line.substr(0, colon), "Content-Length")) {
    std::from_chars(value.data(), value.data() + value.size(), conn->info.content_length);
  }
  return true;
}

bool TakeHead(std::string_view request, mg_connection* conn) {
  conn->info.content_length = -1;
  conn->head.reserve(request.size() + 4);  // it must not move after this
  if (!TakeRequestLine(NextLine(&request), conn)) return false;
  while (!request.starts_with("\r\n")) {
    if (!TakeHeader(NextLine(&request), conn)) return false;
  }
  conn->body = request.substr(2);
  conn->head.append("\r").append(3, '\0');
  // For civetweb a request without length and encoding has no body.
  if (conn->info.content_length < 0) conn->info.content_length = 0;
  return true;
}

}  // namespace

struct PlayedServer::Impl {
  explicit Impl(ServerOptions given) : options(std::move(given)) {}

  ServerOptions options;
  Router router;
  Shared shared{options, router};
};

PlayedServer::PlayedServer(ServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
PlayedServer::~PlayedServer() = default;

void PlayedServer::Handle(std::string method, std::string pattern, Handler handler) {
  impl_->router.Add(std::move(method), std::move(pattern), std::move(handler));
}

PlayedServer::Answer PlayedServer::Ask(std::string_view request, size_t piece, int writes) {
  mg_connection conn;
  conn.piece = std::max<size_t>(piece, 1);
  conn.writes = writes;
  Answer answer;
  answer.understood = TakeHead(request, &conn);
  if (!answer.understood) return answer;
  Connection connection;
  answer.result = Exchange(&conn, &connection, &impl_->shared).Run();
  answer.bytes = std::move(conn.written);
  answer.body_read = conn.read;
  return answer;
}

}  // namespace mailhub::http
