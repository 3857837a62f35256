// See http_section.h.
#include "actuator/settings/http_section.h"

#include <algorithm>
#include <string_view>

#include "lib/base/lower.h"
#include "lib/config/secret.h"

namespace mailhub::settings {
namespace {

using config::Node;
using config::Pairs;
using config::PathFromFile;
using config::Reader;

constexpr size_t kMostPairs = 20;
constexpr size_t kLongestValue = 1'024;
constexpr size_t kLongestUrl = 2'048;

bool Printable(const std::string& text) {
  return text.size() <= kLongestValue && config::IsPrintableAscii(text);
}

// The name is written into HTTP as it is; the client writes the others itself.
bool IsHeaderName(const std::string& name) {
  constexpr std::string_view kOwn[] = {"authorization",  "accept-encoding",
                                       "cache-control",  "connection",
                                       "content-length", "content-type",
                                       "cookie",         "expect",
                                       "host",           "te",
                                       "trailer",        "transfer-encoding",
                                       "upgrade",        "user-agent"};
  return config::kHeaders.Allows(name) && std::ranges::find(kOwn, Lower(name)) == std::end(kOwn);
}

// Another scheme has none.
bool HasHost(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    url.remove_prefix(scheme.size());
    return !url.empty() && std::string_view("/:?#").find(url[0]) == std::string_view::npos;
  }
  return false;
}

void ReadHeaders(Reader& in, const Node& node, HttpAccess* access) {
  in.Optional(node["headers"], &access->headers, Pairs);
  in.Optional(node["header_files"], &access->header_files, Pairs);
  for (auto& [name, file] : access->header_files) {
    file = in.Required(node["header_files"][name], PathFromFile);
  }
  std::map<std::string, int> seen;
  for (const bool plain : {true, false}) {
    const Node at = node[plain ? "headers" : "header_files"];
    const auto& pairs = plain ? access->headers : access->header_files;
    if (pairs.size() > kMostPairs) in.Keep(at.Invalid("more than 20 headers"));
    for (const auto& [name, value] : pairs) {
      if (!IsHeaderName(name)) {
        in.Keep(at.Invalid("\"" + name +
                           "\": expected a header like X-Scope-OrgID, none that HTTP itself "
                           "or basic_auth and bearer_token_file set"));
      }
      if (++seen[Lower(name)] > 1) in.Keep(at.Invalid("\"" + name + "\" is set twice"));
      if (plain && !Printable(value)) {
        in.Keep(at[name].Invalid("expected at most 1024 printable characters"));
      }
    }
  }
}

void ReadBasic(Reader& in, const Node& basic, HttpAccess* access) {
  if (!basic.Present()) return;
  in.Keys(basic, {"username", "password_file"});
  in.Need(basic["username"], "a user's name");
  in.Need(basic["password_file"], "the file that holds the password");
  access->basic_user = in.Required(basic["username"], config::ReadString);
  access->basic_password_file = in.Required(basic["password_file"], PathFromFile);
  if (!access->bearer_token_file.empty()) {
    in.Keep(basic.Invalid("basic_auth and bearer_token_file exclude each other"));
  }
}

}  // namespace

void ReadHttpAccess(Reader& in, const Node& node, HttpAccess* access) {
  in.Optional(node["ca_file"], &access->ca_file, PathFromFile);
  in.Optional(node["bearer_token_file"], &access->bearer_token_file, PathFromFile);
  ReadHeaders(in, node, access);
  ReadBasic(in, node["basic_auth"], access);
}

bool IsUrl(const std::string& url) {
  return url.size() <= kLongestUrl && config::IsPrintableAscii(url) &&
         url.find(' ') == std::string::npos && HasHost(url);
}

std::string ReadUrl(Reader& in, const Node& node) {
  std::string url = in.Required(node, config::ReadString);
  if (!IsUrl(url)) {
    in.Keep(node.Invalid("expected a URL that begins with http:// or https:// and names a host"));
  }
  return url;
}

Result<std::string> ReadUrlFile(const std::string& path) {
  auto url = config::ReadToken(path);
  if (!url || IsUrl(*url)) return url;
  return Fail(ErrorKind::kInvalid, path + ": holds no URL that begins with http:// or https://");
}

}  // namespace mailhub::settings
