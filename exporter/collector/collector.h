// A collector: what it asks of the helper for one host, and how it reads the answer. One small file
// each, listed in collectors.cc; nobody else knows how many there are.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "exporter/collector/past.h"
#include "exporter/collector/reply.h"
#include "lib/base/result.h"
#include "lib/config/collectors.h"
#include "lib/config/site.h"
#include "lib/metrics/families.h"

namespace mailhub::exporter {

// The helper's spec for one host while it is being written. Confined to one thread.
class Spec {
 public:
  void Line(std::string_view word, std::string_view value);
  // A path that the one look at directories and files shall include; asked for once however often
  // it is added.
  void Path(const std::string& path);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::set<std::string> paths_;
};

// Immutable. All functions are thread-safe.
struct Collector {
  config::CollectorKind kind;
  const char* section;                   // of the reply
  std::optional<config::Platform> only;  // the platform that it is for; nothing: all
  void (*ask)(const config::Host& host, Spec* spec);
  // Reads a section that is done. kCorrupt: what the host says is not understood, and what was
  // added to *families is dropped. kNotFound: something cannot be known; the rest, in *families,
  // can.
  Status (*read)(const config::Host& host, const Reply& reply, const Section& section, Past* past,
                 metrics::Families* families);

  const char* name() const { return Name(kind); }  // the label of mailhub_collector_success
  bool wanted(const config::Host& host) const {
    return (!only || *only == host.platform) && config::IsWanted(kind, host);
  }
};

extern const Collector kHostCollector;
extern const Collector kPosixHostCollector;
extern const Collector kProcessCollector;
extern const Collector kPosixProcessCollector;
extern const Collector kServiceCollector;
extern const Collector kDirectoryCollector;
extern const Collector kFileCollector;
extern const Collector kCheckCollector;

// All that work through the helper.
std::span<const Collector* const> HelperCollectors();

// The lines from "spec" to "end" for this host, as far as they are for these sections.
std::string WriteSpec(const config::Host& host, const std::set<std::string>& sections);
// For all.
std::string WriteSpec(const config::Host& host);

// Names what could not be read: "processes: a line is not understood".
tl::unexpected<Error> NotUnderstood(std::string_view collector, std::string_view what);

}  // namespace mailhub::exporter
