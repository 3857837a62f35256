// See prometheus_section.h.
#include "actuator/settings/prometheus_section.h"
#include "lib/base/lower.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mailhub::settings {
namespace {

constexpr size_t kMostPairs = 20;
constexpr size_t kLongestValue = 1'024;

bool IsLetterOrDigit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool Printable(const std::string& text) {
  return text.size() <= kLongestValue &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// The name is written into HTTP as it is; the client writes the others itself.
bool IsHeaderName(const std::string& name) {
  const bool token = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return IsLetterOrDigit(c) || c == '-' || c == '_';
  });
  const std::string lower = Lower(name);
  for (const char* const own : {"authorization", "accept-encoding", "cache-control", "connection",
                                "content-length", "content-type", "cookie", "expect", "host", "te",
                                "trailer", "transfer-encoding", "upgrade", "user-agent"}) {
    if (lower == own) return false;
  }
  return token;
}

bool IsLabelName(const std::string& name) {
  return !name.empty() && (IsLetterOrDigit(name[0]) || name[0] == '_') &&
         std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, [](char c) { return IsLetterOrDigit(c) || c == '_'; });
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

void TakeSeries(Taker& take, const Node& node, PrometheusSettings* prometheus) {
  take.Text(node["job"], &prometheus->job);
  if (!Printable(prometheus->job)) {
    take.Bad(node["job"], "expected the name of a scrape job, at most 1024 printable characters");
  }
  take.Duration(node["scrape_interval"], Milliseconds(10), &prometheus->scrape_interval);
  take.Pairs(node["labels"], &prometheus->labels);
  if (prometheus->labels.size() > kMostPairs) take.Bad(node["labels"], "more than 20 labels");
  for (const auto& [name, value] : prometheus->labels) {
    if (!IsLabelName(name) || name == "job" || name == "instance" || name == "__name__") {
      take.Bad(node["labels"], "\"" + name + "\": expected a label like replica; not job, " +
                                   "instance or __name__");
    }
    if (!Printable(value)) {
      take.Bad(node["labels"][name], "expected at most 1024 printable characters");
    }
  }
}

void TakeHeaders(Taker& take, const Node& node, PrometheusSettings* prometheus) {
  take.Pairs(node["headers"], &prometheus->headers);
  std::map<std::string, std::string> files;
  take.Pairs(node["header_files"], &files);
  for (const auto& [name, file] : files) {
    take.Path(node["header_files"][name], &prometheus->header_files[name]);
  }
  std::map<std::string, int> seen;
  for (const char* const key : {"headers", "header_files"}) {
    const bool plain = key == std::string("headers");
    const auto& pairs = plain ? prometheus->headers : prometheus->header_files;
    if (pairs.size() > kMostPairs) take.Bad(node[key], "more than 20 headers");
    for (const auto& [name, value] : pairs) {
      if (!IsHeaderName(name)) {
        take.Bad(node[key], "\"" + name +
                                "\": expected a header like X-Scope-OrgID, none that HTTP itself "
                                "or basic_auth and bearer_token_file set");
      }
      if (++seen[Lower(name)] > 1) take.Bad(node[key], "\"" + name + "\" is set twice");
      if (plain && !Printable(value)) {
        take.Bad(node[key][name], "expected at most 1024 printable characters");
      }
    }
  }
}

void TakeBasic(Taker& take, const Node& basic, PrometheusSettings* prometheus) {
  if (!basic.Present()) return;
  take.OnlyKeys(basic, {"username", "password_file"});
  take.Need(basic["username"], "a user's name");
  take.Need(basic["password_file"], "the file that holds the password");
  take.Text(basic["username"], &prometheus->basic_user);
  take.Path(basic["password_file"], &prometheus->basic_password_file);
  if (!prometheus->bearer_token_file.empty()) {
    take.Bad(basic, "basic_auth and bearer_token_file exclude each other");
  }
}

}  // namespace

void TakePrometheus(Taker& take, const Node& node, PrometheusSettings* prometheus) {
  take.Need(node, "a map with the url of a Prometheus");
  take.OnlyKeys(node, {"url", "job", "scrape_interval", "labels", "headers", "header_files",
                       "ca_file", "basic_auth", "bearer_token_file", "timeout"});
  const Node url = node["url"];
  take.Need(url, "a URL like http://127.0.0.1:9090");
  take.Text(url, &prometheus->url);
  if (!take.failed() && !HasHost(prometheus->url)) {
    take.Bad(url, "expected a URL that begins with http:// or https:// and names a host");
  }
  while (prometheus->url.ends_with('/')) prometheus->url.pop_back();
  take.Path(node["ca_file"], &prometheus->ca_file);
  take.Path(node["bearer_token_file"], &prometheus->bearer_token_file);
  take.Duration(node["timeout"], Milliseconds(100), &prometheus->timeout);
  TakeSeries(take, node, prometheus);
  TakeHeaders(take, node, prometheus);
  TakeBasic(take, node["basic_auth"], prometheus);
}
}  // namespace mailhub::settings
