#include "lib/http/message.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "lib/base/lower.h"
#include "lib/base/trim.h"

namespace mailhub::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Removes the part before `separator` from the front of *rest and returns it.
std::string_view NextPart(std::string_view* rest, char separator) {
  const size_t end = rest->find(separator);
  const std::string_view part = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  return part;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

const char* Reason(int status) {
  static constexpr std::array<std::pair<int, const char*>, 31> kReasons{{
      {100, "Continue"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  for (const auto& [code, reason] : kReasons) {
    if (code == status) return reason;
  }
  return "Unknown";
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    // A query may have line ends (a PromQL expression, a comment); nothing may have a NUL.
    if (IsControl(c) && (!plus_is_space || c == '\0')) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

bool ParseTarget(std::string_view raw_path, std::string_view raw_query, Request* request) {
  auto path = PercentDecode(raw_path, false);
  if (!path || path->empty() || path->front() != '/') return false;
  std::string_view segments = *path;
  while (!segments.empty()) {
    const std::string_view segment = NextPart(&segments, '/');
    if (segment == "." || segment == "..") return false;
  }
  request->path = std::move(*path);
  while (!raw_query.empty()) {
    std::string_view value = NextPart(&raw_query, '&');
    if (value.empty()) continue;
    auto name = PercentDecode(NextPart(&value, '='), true);
    auto decoded = PercentDecode(value, true);
    if (!name || !decoded) return false;
    request->query.emplace_back(std::move(*name), std::move(*decoded));
  }
  return true;
}

bool HasToken(std::string_view value, std::string_view token) {
  while (!value.empty()) {
    std::string_view item = NextPart(&value, ',');
    if (EqualIgnoringCase(Trim(NextPart(&item, ';'), kBlanks), token)) return true;
  }
  return false;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    std::string_view item = NextPart(&accept_encoding, ',');
    if (!EqualIgnoringCase(Trim(NextPart(&item, ';'), kBlanks), "gzip")) continue;
    const std::string_view quality = Trim(item, kBlanks);
    return quality != "q=0" && quality.find("q=0.0") == std::string_view::npos;
  }
  return false;
}

std::string Gzip(std::string_view body) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // 16 asks for the gzip format
  if (deflateInit2(&stream, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  out.shrink_to_fit();  // it may wait long for its client
  deflateEnd(&stream);
  return done == Z_STREAM_END ? out : std::string();
}

void SetHeader(Headers* headers, std::string_view name, std::string_view value) {
  std::erase_if(*headers,
                [&](const auto& header) { return EqualIgnoringCase(header.first, name); });
  if (std::any_of(value.begin(), value.end(), IsControl) ||
      std::any_of(name.begin(), name.end(), IsControl))
    return;
  headers->emplace_back(name, value);
}

bool HasNoBody(int status) {
  return status < 200 || status == 204 || status == 304;
}

std::string ComposeHead(int status, const Headers& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " " + Reason(status) + "\r\n";
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> date{};
  head.append(date.data(),
              std::strftime(date.data(), date.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc));
  for (const auto& [name, value] : headers)
    head.append(name).append(": ").append(value).append("\r\n");
  return head.append("\r\n");
}

const std::string* FindHeader(const Headers& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (EqualIgnoringCase(header.first, name)) return &header.second;
  }
  return nullptr;
}

std::string_view Request::Header(std::string_view name) const {
  const std::string* value = FindHeader(headers, name);
  return value != nullptr ? std::string_view(*value) : std::string_view();
}

std::string_view Request::BearerToken() const {
  std::string_view rest = Authorization();
  return EqualIgnoringCase(NextPart(&rest, ' '), "Bearer") ? Trim(rest, kBlanks)
                                                           : std::string_view();
}

std::optional<std::string> Request::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Request::QueryAll(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

Response TextResponse(int status, std::string text) {
  Response response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

}  // namespace mailhub::http
