// See prometheus_section.h.
#include "actuator/settings/prometheus_section.h"

namespace mailhub::settings {
namespace {

using config::AtLeast;
using config::Node;
using config::Pairs;
using config::Reader;

constexpr size_t kMostPairs = 20;
constexpr size_t kLongestValue = 1'024;

bool Printable(const std::string& text) {
  return text.size() <= kLongestValue && config::IsPrintableAscii(text);
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

}  // namespace

void ReadPrometheus(Reader& in, const Node& node, PrometheusSettings* prometheus) {
  in.Need(node, "a map with the url of a Prometheus");
  in.Keys(node, {"url", "job", "scrape_interval", "labels", "headers", "header_files", "ca_file",
                 "basic_auth", "bearer_token_file", "timeout"});
  in.Need(node["url"], "a URL like http://127.0.0.1:9090");
  prometheus->url = ReadUrl(in, node["url"]);
  while (prometheus->url.ends_with('/')) prometheus->url.pop_back();
  in.Optional(node["timeout"], &prometheus->timeout, AtLeast, Milliseconds(100));
  ReadSeries(in, node, prometheus);
  ReadHttpAccess(in, node, prometheus);
}
}  // namespace mailhub::settings
