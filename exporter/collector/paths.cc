// Parses these lines: "TYPE DEPTH SIZE MTIME PATH" for find's results, "sum COUNT BYTES OLDEST
// PATH" where the host added up, and "unknown WHY - - PATH" and "closed WHY - - PATH" where it
// cannot look.
#include "exporter/collector/paths.h"

#include <cmath>

#include "exporter/collector/collector.h"
#include "exporter/collector/fields.h"
#include "lib/base/printable.h"

namespace mailhub::exporter {
namespace {

constexpr size_t kMostOfWhy = 300;  // the host's text

// A file may be older than 1970. Then whole seconds are taken: the fraction counts upwards, but GNU
// find writes it behind the sign.
std::optional<double> ReadTime(std::string_view text) {
  const bool before = !text.empty() && text.front() == '-';
  const auto seconds = ReadDecimal(before ? text.substr(1) : text);
  return before && seconds ? -std::trunc(*seconds) : seconds;
}

bool TakeSum(const std::vector<std::string_view>& words, PathReport* report) {
  const auto count = ReadCount(words[1]);
  const auto bytes = ReadDecimal(words[2]);  // of two files alone it may be more than 64 bits hold
  const auto oldest = ReadTime(words[3]);
  if (!count || !bytes || !oldest) return false;
  report->files = static_cast<double>(*count);
  report->files_bytes = *bytes;
  report->oldest_mtime_seconds = *oldest;
  return true;
}

bool TakeEntry(const std::vector<std::string_view>& words, PathReport* report) {
  const auto size = ReadCount(words[2]);
  const auto mtime = ReadTime(words[3]);
  if (words[0].size() != 1 || !size || !mtime) return false;
  if (words[1] == "0") {
    report->exists = true;
    report->is_directory = words[0] == "d";
    report->bytes = static_cast<double>(*size);
    report->mtime_seconds = *mtime;
    return true;
  }
  if (words[1] != "1") return false;
  if (words[0] != "f") return true;
  if (report->files == 0 || *mtime < report->oldest_mtime_seconds) {
    report->oldest_mtime_seconds = *mtime;
  }
  report->files += 1;
  report->files_bytes += static_cast<double>(*size);
  return true;
}

}  // namespace

Result<std::map<std::string, PathReport>> ReadPaths(const Section& section) {
  std::map<std::string, PathReport> reports;
  for (const std::string& line : section.lines) {
    const auto words = Words(line, 5);
    if (words.empty() || (words.size() == 2 && words[0] == "time")) continue;
    if (words.size() != 5) return NotUnderstood("paths", "a line is too short");
    PathReport& report = reports[std::string(words[4])];
    if (words[0] == "unknown" || words[0] == "closed") {
      (words[0] == "unknown" ? report.unknown : report.closed) = Excerpt(words[1], kMostOfWhy);
      continue;
    }
    if (!(words[0] == "sum" ? TakeSum(words, &report) : TakeEntry(words, &report))) {
      return NotUnderstood("paths", "a line is not understood");
    }
  }
  return reports;
}

}  // namespace mailhub::exporter
