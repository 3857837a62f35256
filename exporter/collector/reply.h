// Parses the helper's reply from the channel's bytes into the collectors' sections. A host may send
// anything: memory is bounded, and the result is a reply or an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace mailhub::exporter {

// The helper's output for one collector.
struct Section {
  std::string name;
  bool done = false;      // it is complete, and the helper reported no error
  double seconds = 0;     // by the host's own clock
  std::string complaint;  // why it failed, for the log
  std::vector<std::string> lines;
};

struct Reply {
  double uptime_seconds = 0;  // read before all else; 0: the host does not know
  std::string boot_id;        // empty: the host does not know
  // At the begin of the scrape, when other parts are measured, it was this or more.
  std::optional<double> uptime_at_begin;
  double ticks_per_second = 100;
  double page_bytes = 4096;
  double boot_time_seconds = 0;  // unix time, by the host's clock; 0: the host does not know
  std::vector<Section> sections;

  const Section* Find(std::string_view name) const;
};

// Reads one frame from bytes as they come. Confined to one thread.
class ReplyReader {
 public:
  static constexpr size_t kMaxNoise = 64 << 10;  // before the frame: greetings, prompts
  static constexpr size_t kMaxFrame = 2 << 20;   // including each line's cost in memory
  static constexpr size_t kMaxLine = 8 << 10;

  explicit ReplyReader(std::string nonce) : nonce_(std::move(nonce)) {}

  // Takes the bytes read. kCorrupt when they are not, and cannot become, a reply; the reader must
  // not be used afterwards.
  Status Feed(std::string_view bytes);

  // The section that has begun and not ended; empty: none.
  std::string section() const { return in_section_ ? reply_.sections.back().name : ""; }
  bool begun() const { return begun_; }
  bool complete() const { return complete_; }
  void SetUptimeAtBegin(double seconds) { reply_.uptime_at_begin = seconds; }
  // The reply so far. Before it is complete, only sections that are `done` may be used.
  const Reply& reply() const { return reply_; }

 private:
  Status TakeLine(std::string_view line);
  Status TakeHeader(std::string_view line);
  Status TakeSectionEnd(std::string_view line, bool done);

  const std::string nonce_;
  std::string rest_;  // an unfinished line
  size_t taken_ = 0;
  bool begun_ = false;
  bool complete_ = false;
  bool in_section_ = false;
  double section_began_ = 0;
  Reply reply_;
};

}  // namespace mailhub::exporter
