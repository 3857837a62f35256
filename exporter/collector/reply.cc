// One pass, line by line. Anything unexpected inside a frame ends it: the whole reply is then
// refused.
#include "exporter/collector/reply.h"

#include <algorithm>
#include <cmath>

#include "exporter/collector/fields.h"
#include "lib/base/printable.h"

namespace mailhub::exporter {
namespace {

constexpr size_t kMaxSections = 16;
constexpr size_t kMostOfComplaint = 300;

bool StartsWith(std::string_view line, std::string_view beginning) {
  return line.substr(0, beginning.size()) == beginning;
}

tl::unexpected<Error> NoReply(const std::string& why) {
  return Fail(ErrorKind::kCorrupt, "the helper's reply cannot be read: " + why);
}

bool IsBootId(std::string_view text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-';
         });
}

}  // namespace

const Section* Reply::Find(std::string_view name) const {
  for (const Section& section : sections) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

Status ReplyReader::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (complete_) return NoReply("something follows its end");
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    // Inside the frame a line is stored as a string, so short lines cost more than their bytes.
    taken_ += piece.size() + (begun_ ? sizeof(std::string) : 1);
    if (taken_ > (begun_ ? kMaxFrame : kMaxNoise)) return NoReply("it is too long");
    if (rest_.size() + piece.size() > kMaxLine && begun_) return NoReply("a line is too long");
    rest_ += piece;
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    const std::string line = std::move(rest_);
    rest_.clear();
    if (auto taken = TakeLine(line); !taken) return taken;
  }
  return {};
}

Status ReplyReader::TakeLine(std::string_view line) {
  if (!begun_) {
    if (line != nonce_ + " begin 1") {
      if (StartsWith(line, nonce_)) return NoReply("another version of the helper answers");
      return {};
    }
    begun_ = true;
    taken_ = 0;
    return {};
  }
  if (StartsWith(line, nonce_)) {
    if (in_section_ || line != nonce_ + " end") return NoReply("its end is in the wrong place");
    complete_ = true;
    return {};
  }
  if (StartsWith(line, "section ")) {
    const auto words = Words(line);
    const auto clock = words.size() == 3 ? ReadDecimal(words[2]) : std::nullopt;
    if (in_section_ || !clock) return NoReply("a section begins in the wrong place");
    if (reply_.sections.size() >= kMaxSections || reply_.Find(words[1])) {
      return NoReply("too many sections");
    }
    in_section_ = true;
    section_began_ = *clock;
    reply_.sections.push_back({});
    reply_.sections.back().name = words[1];
    return {};
  }
  if (StartsWith(line, "done ")) return TakeSectionEnd(line, true);
  if (StartsWith(line, "failed ")) return TakeSectionEnd(line, false);
  if (!in_section_) return TakeHeader(line);
  reply_.sections.back().lines.emplace_back(line);
  return {};
}

Status ReplyReader::TakeSectionEnd(std::string_view line, bool done) {
  const auto words = Words(line, 4);
  const auto clock = words.size() >= 3 ? ReadDecimal(words[2]) : std::nullopt;
  if (!in_section_ || !clock || words[1] != reply_.sections.back().name) {
    return NoReply("a section ends in the wrong place");
  }
  Section& section = reply_.sections.back();
  section.done = done;
  section.seconds = std::max(0.0, std::round((*clock - section_began_) * 1e6) / 1e6);
  if (words.size() == 4) section.complaint = Excerpt(words[3], kMostOfComplaint);
  in_section_ = false;
  return {};
}

// uptime SECONDS, boot ID, clock TICKS_PER_SECOND PAGE_KB BOOT_TIME.
Status ReplyReader::TakeHeader(std::string_view line) {
  const auto words = Words(line);
  if (words.size() == 2 && words[0] == "uptime") {
    if (const auto uptime = ReadDecimal(words[1])) {
      reply_.uptime_seconds = *uptime;
      return {};
    }
  } else if (words.size() == 2 && words[0] == "boot" && IsBootId(words[1])) {
    reply_.boot_id = std::string(words[1]);
    return {};
  } else if (words.size() == 4 && words[0] == "clock") {
    const auto ticks = ReadCount(words[1], 1'000'000);
    const auto page_kb = ReadCount(words[2], 1024);
    const auto boot_time = ReadDecimal(words[3]);
    if (ticks && *ticks > 0 && page_kb && *page_kb > 0 && boot_time) {
      reply_.ticks_per_second = static_cast<double>(*ticks);
      reply_.page_bytes = static_cast<double>(*page_kb) * 1024;
      reply_.boot_time_seconds = *boot_time;
      return {};
    }
  }
  return NoReply("an unknown line between its sections");
}

}  // namespace mailhub::exporter
