// Files whose presence, age and size matter. An absent file is an explicit 0, not a failure; a file
// of unknown state is a failure, and hides no other.
#include "exporter/collector/collector.h"
#include "exporter/collector/paths.h"
#include "lib/base/printable.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kExists{"mailhub_file_exists", "Whether the file is there."};
constexpr metrics::Metric kSize{"mailhub_file_size_bytes", "The file's size."};
constexpr metrics::Metric kMtime{"mailhub_file_mtime_timestamp_seconds",
                                 "When the file was last changed, in unix time."};

void Ask(const config::Host& host, Spec* spec) {
  for (const auto& [label, path] : host.files) spec->Path(path);
  spec->Line("details", "1");  // saves a helper installed earlier a look if there is none
}

Status Read(const config::Host& host, const Reply&, const Section& section, Past*,
            metrics::Families* families) {
  auto reports = ReadPaths(section);
  if (!reports) return Fail(reports.error());
  Status known;
  for (const auto& [label, path] : host.files) {
    const PathReport& report = (*reports)[path];
    if (!report.unknown.empty()) {
      known = Fail(ErrorKind::kNotFound, "files: " + Excerpt(path, 300) + ": " + report.unknown);
      continue;
    }
    const metrics::Labels labels = {{"file", label}};
    families->Add(kExists, labels, report.exists ? 1 : 0);
    if (!report.exists) continue;
    families->Add(kSize, labels, report.bytes);
    families->Add(kMtime, labels, report.mtime_seconds);
  }
  return known;
}

}  // namespace

const Collector kFileCollector = {config::CollectorKind::kFiles, "paths", {}, Ask, Read};

}  // namespace mailhub::exporter
