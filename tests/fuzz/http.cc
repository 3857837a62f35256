// One HTTP request. The first byte selects how its body arrives and when the client leaves; the
// parsers of a request's parts and of a listen address are tried with the same bytes.
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "lib/base/lower.h"
#include "lib/http/address.h"
#include "lib/http/message.h"
#include "lib/http/testing_exchange.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

using http::PlayedServer;
using http::Request;
using http::Response;

constexpr size_t kMostBody = 2'000;
const std::string& LongPage() {
  static const std::string kPage(3'000, 'm');
  return kPage;
}

std::string Encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

// --- the parts

void DemandSoundTarget(const Request& request) {
  Demand(request.path.starts_with('/'), "a path begins with /", request.path);
  Demand(std::none_of(request.path.begin(), request.path.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
         "a path has no control characters", request.path);
  const std::string path = request.path + "/";
  Demand(path.find("/./") == std::string::npos && path.find("/../") == std::string::npos,
         "a path has no dot segments", path);
  for (const auto& [name, value] : request.query) {
    Demand((name + value).find('\0') == std::string::npos, "a query holds no NUL", name);
  }
}

void TryTarget(std::string_view bytes) {
  const size_t question = bytes.find('?');
  Request request;
  const bool good = http::ParseTarget(
      bytes.substr(0, question),
      question == std::string_view::npos ? std::string_view() : bytes.substr(question + 1),
      &request);
  if (!good) return;
  DemandSoundTarget(request);
  std::string query;
  for (const auto& [name, value] : request.query) {
    query += (query.empty() ? "" : "&") + Encoded(name) + "=" + Encoded(value);
  }
  Request again;
  Demand(http::ParseTarget(Encoded(request.path), query, &again), "a written target is read",
         query);
  Demand(again.path == request.path && again.query == request.query,
         "a target is the same when it is written and read", query);
}

void TryListenAddress(std::string_view bytes) {
  const auto address = http::ParseListenAddress(bytes);
  const bool loopback = http::IsLoopback(bytes);
  if (!address) {
    Demand(!loopback, "what is no address is not loopback", bytes);
    return DemandGoodMessage(address.error());
  }
  Demand(address->host.find('\0') == std::string::npos, "an address has no NUL", bytes);
  const std::string written = (address->ipv6 ? "[" + address->host + "]" : address->host) + ":" +
                              std::to_string(address->port);
  const auto again = http::ParseListenAddress(written);
  Demand(again && again->host == address->host && again->port == address->port &&
             again->ipv6 == address->ipv6,
         "a listen address is the same when it is written and read", written);
  Demand(http::IsLoopback(written) == loopback, "and as loopback as before", written);
}

void TryHeaderValues(std::string_view bytes) {
  http::HasToken(bytes, "keep-alive");
  http::AcceptsGzip(bytes);
  http::Headers headers;
  const size_t half = bytes.size() / 2;
  http::SetHeader(&headers, bytes.substr(0, half), bytes.substr(half));
  const std::string head = http::ComposeHead(200, headers);
  const auto lines = std::count(head.begin(), head.end(), '\n');
  Demand(lines == 3 + static_cast<long>(headers.size()), "a header is one line", head);
}

// --- a request

struct Head {
  int status = 0;
  http::Headers headers;
  std::string_view body;
};

// Checks the form of a response and splits it.
Head TakeApart(std::string_view bytes) {
  Head head;
  const size_t end = bytes.find("\r\n\r\n");
  Demand(end != std::string_view::npos, "a head ends", bytes);
  std::string_view rest = bytes.substr(0, end + 2);
  head.body = bytes.substr(end + 4);
  Demand(rest.starts_with("HTTP/1.1 "), "a response begins with its version", bytes);
  std::from_chars(rest.data() + 9, rest.data() + 12, head.status);
  bool first = true;
  while (!rest.empty()) {
    const size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 2);
    Demand(line.find_first_of("\r\n") == std::string_view::npos, "a line has no line end", line);
    const size_t colon = line.find(": ");
    if (!first) {
      Demand(colon != std::string_view::npos, "a header has a colon", line);
      head.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    first = false;
  }
  return head;
}

std::string Unzipped(std::string_view packed) {
  z_stream stream{};
  Demand(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib works");
  std::string out(LongPage().size() * 2, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  Demand(done == Z_STREAM_END, "a gzipped body is whole");
  return out;
}

// The handler's arguments in the present request; `handled` identifies it.
struct Seen {
  bool handled = false;
  Request request;
};
Seen& LastSeen() {
  static Seen seen;
  return seen;
}

PlayedServer& Server() {
  static PlayedServer* const server = [] {
    http::ServerOptions options;
    options.max_body_bytes = kMostBody;
    options.max_path_bytes = 300;
    options.before_body = [](const Request& request) -> std::optional<Response> {
      Demand(request.body.empty(), "no body is read before it may be");
      if (request.BearerToken() == "wrong") return http::TextResponse(403, "a wrong token");
      return std::nullopt;
    };
    auto* made = new PlayedServer(std::move(options));  // NOLINT: lives as long as the process
    const auto see = [](const Request& request) {
      LastSeen() = {true, request};
      DemandSoundTarget(request);
    };
    made->Handle("GET", "/metrics", [see](const Request& request) {
      see(request);
      Response response;
      response.body = LongPage();
      response.headers.emplace_back("X-Echo", request.Header("X-Echo"));
      return response;
    });
    made->Handle("POST", "/api/*", [see](const Request& request) {
      see(request);
      return http::TextResponse(request.Query("s") ? 204 : 202, request.body);
    });
    made->Handle("GET", "/stream", [see](const Request& request) {
      see(request);
      Response response;
      response.stream = http::Stream{[left = 2](std::string* chunk) mutable {
                                       *chunk = "data: x\n\n";
                                       return --left > 0;
                                     },
                                     ""};
      return response;
    });
    return made;
  }();
  return *server;
}

void DemandBody(const Head& head, bool head_only) {
  const std::string* length = http::FindHeader(head.headers, "Content-Length");
  const std::string* chunked = http::FindHeader(head.headers, "Transfer-Encoding");
  if (head_only || http::HasNoBody(head.status)) {
    return Demand(head.body.empty(), "this response has no body", head.body);
  }
  if (chunked != nullptr) {
    Demand(length == nullptr, "a chunked body has no length");
    return Demand(head.body == "9\r\ndata: x\n\n\r\n9\r\ndata: x\n\n\r\n0\r\n\r\n",
                  "a stream is sent whole", head.body);
  }
  if (length == nullptr)
    return Demand(head.body == "data: x\n\ndata: x\n\n", "a stream of HTTP/1.0");
  Demand(*length == std::to_string(head.body.size()), "a body has the length that is said",
         *length);
  const std::string* packed = http::FindHeader(head.headers, "Content-Encoding");
  if (packed != nullptr) {
    const Request& request = LastSeen().request;
    Demand(Unzipped(head.body) == (request.method == "GET" ? LongPage() : request.body + "\n"),
           "gzip gives what the handler gave");
  }
  if (head.status >= 400) DemandGoodMessage(head.body.substr(0, head.body.size() - 1));
}

// The framing, checked by the headers that the handler saw.
void DemandFraming(const PlayedServer::Answer& answer, const Head& head) {
  const std::string* connection = http::FindHeader(head.headers, "Connection");
  Demand(connection != nullptr, "a response says whether the connection is kept");
  if (*connection == "keep-alive") Demand(answer.result > 0, "a kept connection goes on");
  const Request& request = LastSeen().request;
  if (!LastSeen().handled) return;
  size_t lengths = 0;
  for (const auto& [name, value] : request.headers) {
    Demand(!EqualIgnoringCase(name, "Transfer-Encoding"), "no handler sees an encoded body");
    if (!EqualIgnoringCase(name, "Content-Length")) continue;
    ++lengths;
    size_t number = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    Demand(parsed.ec == std::errc() && parsed.ptr == value.data() + value.size() &&
               number == request.body.size(),
           "a handler sees a body of the length that was said", value);
  }
  Demand(lengths <= 1, "a handler sees one length");
  Demand(answer.body_read == request.body.size(), "no more than the body is read");
  Demand(request.body.size() <= kMostBody, "no body is longer than the limit");
}

void TryRequest(std::string_view bytes, unsigned how) {
  LastSeen() = {};
  const size_t piece = (how & 1) != 0 ? 1 : 512;
  const int writes = (how & 2) != 0 ? static_cast<int>(how >> 4) : 1'000;
  const auto answer = Server().Ask(bytes, piece, writes);
  if (!answer.understood || writes < 1'000) return;
  std::string_view sent = answer.bytes;
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  if (sent.starts_with(kContinue)) sent.remove_prefix(kContinue.size());
  // The client left in the middle of its body.
  if (sent.empty()) return Demand(answer.result <= 0, "no answer ends the connection");
  const Head head = TakeApart(sent);
  Demand(head.status >= 200 && head.status < 500, "no request makes the server fail");
  DemandBody(head, bytes.starts_with("HEAD "));
  DemandFraming(answer, head);
}

}  // namespace

void TryHttp(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto how = static_cast<unsigned char>(bytes[0]);
  bytes.remove_prefix(1);
  switch (how >> 6) {
    case 0:
      return TryTarget(bytes);
    case 1:
      TryListenAddress(bytes);
      return TryHeaderValues(bytes);
    default:
      return TryRequest(bytes, how & 63);
  }
}

}  // namespace mailhub::fuzz
