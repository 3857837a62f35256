#include "lib/http/public_url.h"

#include <algorithm>
#include <string_view>

#include "lib/base/printable.h"

namespace mailhub::http {
namespace {

constexpr size_t kLongest = 1'024;

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

// Segments of letters, digits and - _ . ~, none of them "." or "..". Not for an empty path.
bool IsPath(std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (!std::ranges::all_of(segment, IsWord)) return false;
    path.remove_prefix(segment.size());
  }
  return path.empty();
}

// A name, an IPv4 address or an IPv6 one in brackets, and a port or none. No user, no password.
bool IsHostAndPort(std::string_view text) {
  const auto may_be = [](char c) { return IsWord(c) || c == ':' || c == '[' || c == ']'; };
  return !text.empty() && text.front() != ':' && std::ranges::all_of(text, may_be);
}

void CutSlashes(std::string* text) {
  while (text->ends_with('/')) text->pop_back();
}

}  // namespace

Result<PublicUrl> ReadPublicUrl(std::string external_url,
                                const std::optional<std::string>& route_prefix) {
  const auto wrong = [&] {
    return Fail(ErrorKind::kInvalid,
                "--web.external-url \"" + Excerpt(external_url) +
                    "\": expected a URL like https://mail.example.org/mailhub, without user, query "
                    "and fragment, or a path like /mailhub");
  };
  PublicUrl read;
  if (external_url.size() > kLongest) return wrong();
  std::string path = external_url;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!external_url.starts_with(scheme)) continue;
    const size_t end = std::min(external_url.find('/', scheme.size()), external_url.size());
    if (!IsHostAndPort(std::string_view(external_url).substr(scheme.size(), end - scheme.size())))
      return wrong();
    path = external_url.substr(end);
    read.base = external_url;
    CutSlashes(&read.base);
  }
  CutSlashes(&path);
  if (!path.empty() && !IsPath(path)) return wrong();
  read.prefix = path;
  if (!route_prefix) return read;
  std::string prefix = *route_prefix;
  CutSlashes(&prefix);
  prefix.erase(0, std::min(prefix.find_first_not_of('/'), prefix.size()));
  if (!prefix.empty()) prefix.insert(0, "/");
  if (prefix.size() > kLongest || (!prefix.empty() && !IsPath(prefix))) {
    return Fail(ErrorKind::kInvalid,
                "--web.route-prefix \"" + Excerpt(*route_prefix) +
                    "\": expected a path of letters, digits and - _ . ~, like /mailhub");
  }
  read.prefix = prefix;
  return read;
}

}  // namespace mailhub::http
