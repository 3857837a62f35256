// The interface of a collector: its request to the helper for one host, and its parser of the
// answer. Each has one small file, and a place in the list below.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "exporter/collector/past.h"
#include "exporter/collector/reply.h"
#include "lib/base/result.h"
#include "lib/config/collectors.h"
#include "lib/config/site.h"
#include "lib/metrics/families.h"

namespace mailhub::exporter {

// Writes the helper's spec for one host. Confined to one thread.
class Spec {
 public:
  void Line(std::string_view word, std::string_view value);
  // Adds a path to the collectors' common look at directories and files. A repeated path is asked
  // for once.
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
  std::optional<config::Platform> only;  // its platform; nothing: all
  void (*ask)(const config::Host& host, Spec* spec);
  // Reads a complete section. kCorrupt: the host's text is malformed, and the additions to
  // *families are dropped. kNotFound: some values are unknown; the others are in *families.
  Status (*read)(const config::Host& host, const Reply& reply, const Section& section, Past* past,
                 metrics::Families* families);

  // A line that makes unknown what an unfinished section lacks; null: only a complete one is read.
  const char* cut = nullptr;

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

// All collectors that use the helper.
inline constexpr std::array kHelperCollectors = {
    &kHostCollector,    &kPosixHostCollector, &kProcessCollector, &kPosixProcessCollector,
    &kServiceCollector, &kDirectoryCollector, &kFileCollector,    &kCheckCollector};

// The lines from "spec" to "end" for this host, limited to these sections.
std::string WriteSpec(const config::Host& host, const std::set<std::string>& sections);
// For all sections.
std::string WriteSpec(const config::Host& host);

// Names the unreadable part: "processes: a line is not understood".
tl::unexpected<Error> NotUnderstood(std::string_view collector, std::string_view what);

}  // namespace mailhub::exporter
