// What the helper's one look at directories and files found; read by two collectors.
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
  std::string unknown;              // why nobody knows whether it exists
  std::string closed;               // why nobody knows what is in it
};

// By path, as it was asked for; one that is not there at all does not exist. kCorrupt when a line
// is not understood.
Result<std::map<std::string, PathReport>> ReadPaths(const Section& section);

}  // namespace mailhub::exporter
