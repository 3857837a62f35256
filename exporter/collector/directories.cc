// Directories in which work accumulates: number, size and age of files. An unreadable directory is
// a failure, and hides no other.
#include "exporter/collector/collector.h"
#include "exporter/collector/paths.h"
#include "lib/base/printable.h"

namespace mailhub::exporter {
namespace {

constexpr metrics::Metric kFiles{"mailhub_directory_files",
                                 "Regular files directly in the directory."};
constexpr metrics::Metric kBytes{"mailhub_directory_bytes", "Size of these files together."};
constexpr metrics::Metric kOldest{"mailhub_directory_oldest_file_timestamp_seconds",
                                  "When the oldest of these files was last changed, in unix time."};

void Ask(const config::Host& host, Spec* spec) {
  for (const auto& [label, path] : host.directories) spec->Path(path);
}

Status Read(const config::Host& host, const Reply&, const Section& section, Past*,
            metrics::Families* families) {
  auto reports = ReadPaths(section);
  if (!reports) return Fail(reports.error());
  Status known;
  for (const auto& [label, path] : host.directories) {
    const PathReport& report = (*reports)[path];
    if (!report.is_directory || !report.closed.empty()) {
      const std::string why = !report.closed.empty()    ? report.closed
                              : !report.unknown.empty() ? report.unknown
                                                        : "is no directory";
      known = Fail(ErrorKind::kNotFound, "directories: " + Excerpt(path, 300) + ": " + why);
      continue;
    }
    const metrics::Labels labels = {{"directory", label}};
    families->Add(kFiles, labels, report.files);
    families->Add(kBytes, labels, report.files_bytes);
    if (report.files > 0) families->Add(kOldest, labels, report.oldest_mtime_seconds);
  }
  return known;
}

}  // namespace

const Collector kDirectoryCollector = {config::CollectorKind::kDirectories, "paths", {}, Ask, Read};

}  // namespace mailhub::exporter
