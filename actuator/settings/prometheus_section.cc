// See prometheus_section.h.
#include "actuator/settings/prometheus_section.h"

#include <algorithm>
#include <string_view>

#include "lib/base/lower.h"

namespace mailhub::settings {
namespace {

using config::AtLeast;
using config::Node;
using config::Pairs;
using config::PathFromFile;
using config::Reader;

constexpr size_t kMostPairs = 20;
constexpr size_t kLongestValue = 1'024;

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

void ReadSeries(Reader& in, const Node& node, PrometheusSettings* prometheus) {
  in.Optional(node["job"], &prometheus->job, config::ReadString);
  if (!Printable(prometheus->job)) {
    in.Keep(node["job"].Invalid(
        "expected the name of a scrape job, at most 1024 printable characters"));
  }
  in.Optional(node["scrape_interval"], &prometheus->scrape_interval, AtLeast, Milliseconds(10));
  const Node labels = node["labels"];
  in.Optional(labels, &prometheus->labels, Pairs);
  if (prometheus->labels.size() > kMostPairs) in.Keep(labels.Invalid("more than 20 labels"));
  for (const auto& [name, value] : prometheus->labels) {
    if (!config::kPrometheusLabels.Allows(name) || name == "job" || name == "instance" ||
        name == "__name__") {
      in.Keep(labels.Invalid("\"" + name + "\": expected a label like replica; not job, " +
                             "instance or __name__"));
    }
    if (!Printable(value)) {
      in.Keep(labels[name].Invalid("expected at most 1024 printable characters"));
    }
  }
}

void ReadHeaders(Reader& in, const Node& node, PrometheusSettings* prometheus) {
  in.Optional(node["headers"], &prometheus->headers, Pairs);
  in.Optional(node["header_files"], &prometheus->header_files, Pairs);
  for (auto& [name, file] : prometheus->header_files) {
    file = in.Required(node["header_files"][name], PathFromFile);
  }
  std::map<std::string, int> seen;
  for (const bool plain : {true, false}) {
    const Node at = node[plain ? "headers" : "header_files"];
    const auto& pairs = plain ? prometheus->headers : prometheus->header_files;
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

void ReadBasic(Reader& in, const Node& basic, PrometheusSettings* prometheus) {
  if (!basic.Present()) return;
  in.Keys(basic, {"username", "password_file"});
  in.Need(basic["username"], "a user's name");
  in.Need(basic["password_file"], "the file that holds the password");
  prometheus->basic_user = in.Required(basic["username"], config::ReadString);
  prometheus->basic_password_file = in.Required(basic["password_file"], PathFromFile);
  if (!prometheus->bearer_token_file.empty()) {
    in.Keep(basic.Invalid("basic_auth and bearer_token_file exclude each other"));
  }
}

}  // namespace

void ReadPrometheus(Reader& in, const Node& node, PrometheusSettings* prometheus) {
  in.Need(node, "a map with the url of a Prometheus");
  in.Keys(node, {"url", "job", "scrape_interval", "labels", "headers", "header_files", "ca_file",
                 "basic_auth", "bearer_token_file", "timeout"});
  const Node url = node["url"];
  in.Need(url, "a URL like http://127.0.0.1:9090");
  prometheus->url = in.Required(url, config::ReadString);
  if (!HasHost(prometheus->url)) {
    in.Keep(url.Invalid("expected a URL that begins with http:// or https:// and names a host"));
  }
  while (prometheus->url.ends_with('/')) prometheus->url.pop_back();
  in.Optional(node["ca_file"], &prometheus->ca_file, PathFromFile);
  in.Optional(node["bearer_token_file"], &prometheus->bearer_token_file, PathFromFile);
  in.Optional(node["timeout"], &prometheus->timeout, AtLeast, Milliseconds(100));
  ReadSeries(in, node, prometheus);
  ReadHeaders(in, node, prometheus);
  ReadBasic(in, node["basic_auth"], prometheus);
}
}  // namespace mailhub::settings
