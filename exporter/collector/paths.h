// The helper's one look at directories and files; two collectors use it.
#pragma once

#include <map>
#include <string>

#include "exporter/collector/reply.h"
#include "lib/base/result.h"

namespace mailhub::exporter {

struct PathReport {
  bool exists = false;
  bool is_directory = false;
  double bytes = 0;
  double mtime_seconds = 0;
  // Regular files directly inside, if it is a directory.
  double files = 0;
  double files_bytes = 0;
  double oldest_mtime_seconds = 0;  // of these; meaningless without any
  std::string unknown;              // why its existence is unknown
  std::string closed;               // why its contents are unknown
};

// By path, as requested; a path without a line does not exist. kCorrupt when a line is malformed.
Result<std::map<std::string, PathReport>> ReadPaths(const Section& section);

}  // namespace mailhub::exporter
