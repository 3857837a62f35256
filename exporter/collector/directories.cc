// Directories where work piles up: how many files, how much, since when.
#include "exporter/collector/collector.h"
#include "exporter/collector/paths.h"

namespace mailhub::exporter {
namespace {

constexpr Metric kFiles{"mailhub_directory_files", "Regular files directly in the directory."};
constexpr Metric kBytes{"mailhub_directory_bytes", "Size of these files together."};
constexpr Metric kOldest{"mailhub_directory_oldest_file_timestamp_seconds",
                         "When the oldest of these files was last changed, in unix time."};

bool Wanted(const config::Host& host) {
  return !host.directories.empty();
}

void Ask(const config::Host& host, Spec* spec) {
  for (const auto& [label, path] : host.directories) spec->Path(path);
}

Status Read(const config::Host& host, const Reply&, const Section& section, Families* families) {
  auto reports = ReadPaths(section);
  if (!reports) return Fail(reports.error());
  for (const auto& [label, path] : host.directories) {
    const auto found = reports->find(path);
    if (found == reports->end() || !found->second.is_directory) {
      return Fail(ErrorKind::kNotFound, "directories: " + path + " is no directory");
    }
    const Labels labels = {{"directory", label}};
    families->Add(kFiles, labels, found->second.files);
    families->Add(kBytes, labels, found->second.files_bytes);
    if (found->second.files > 0) families->Add(kOldest, labels, found->second.oldest_mtime_seconds);
  }
  return {};
}

}  // namespace

const Collector kDirectoryCollector = {"directories", "paths", Wanted, Ask, Read};

}  // namespace mailhub::exporter
