// The collectors' common spec.
#include "exporter/collector/collector.h"

namespace mailhub::exporter {

void Spec::Line(std::string_view word, std::string_view value) {
  text_.append(word).append(" ").append(value).append("\n");
}

void Spec::Path(const std::string& path) {
  if (paths_.insert(path).second) Line("path", path);
}

std::string WriteSpec(const config::Host& host) {
  std::set<std::string> sections;
  for (const Collector* collector : kHelperCollectors) sections.insert(collector->section);
  return WriteSpec(host, sections);
}

std::string WriteSpec(const config::Host& host, const std::set<std::string>& sections) {
  Spec spec;
  for (const Collector* collector : kHelperCollectors) {
    if (collector->wanted(host) && sections.contains(collector->section)) {
      collector->ask(host, &spec);
    }
  }
  return "spec\n" + spec.text() + "end\n";
}

tl::unexpected<Error> NotUnderstood(std::string_view collector, std::string_view what) {
  return Fail(ErrorKind::kCorrupt, std::string(collector) + ": " + std::string(what));
}

}  // namespace mailhub::exporter
