// The prober's interface to one host: prepare, then collect. The link decides which connections it keeps open.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/metrics/families.h"
#include "lib/ssh/session.h"

namespace mailhub::exporter {

// The failure of a probe; the reason is a label, the message is for the log.
struct ProbeFailure {
  ssh::ConnectFailure reason = ssh::ConnectFailure::kProtocol;
  std::string message;
};

struct CollectorOutcome {
  bool success = false;
  double seconds = 0;
  std::string why = {};  // without success: the reason, for people; its text may be the host's
};

// How a probe came to its session, for people who look for a mistake.
struct SessionStory {
  enum class How {
    kUnknown,   // the link was not asked, or has not answered yet
    kKept,      // the session of an earlier probe
    kNew,       // opened for this probe
    kFailed,    // tried and not reached
    kNotTried,  // after a refusal: the time to try again has not come
  };
  How how = How::kUnknown;
  WallTime since{};  // kKept, kNew: when it was opened; kFailed, kNotTried: of the last try
  ssh::ConnectTrace trace{};  // of that time
  Milliseconds next_try{0};   // kNotTried: until then
  std::string helper = {};    // how the helper came to the host; empty: there is none
};

// The result of one round of all collectors. After a failure it holds the results before it.
struct Collection {
  std::optional<ProbeFailure> failure = {};
  metrics::Families families = {};
  std::map<std::string, CollectorOutcome> collectors = {};
  SessionStory session = {};
};

// The result label of a connect or probe without failure; otherwise it is the failure's name.
inline constexpr char kSucceeded[] = "success";

// Counts events on all links. Thread-safe.
class LinkObserver {
 public:
  virtual ~LinkObserver() = default;
  virtual void OnConnect(const char* result) = 0;
  virtual void OnSessions(int change) = 0;  // +1 for an opened session, -1 for a closed one
};

// Confined to one thread at a time; Interrupt() may be called from any. No call exceeds its
// deadline, except a slow login in Prepare that has begun.
class Link {
 public:
  virtual ~Link() = default;
  // Connects and starts the kept parts, unless they exist. May get more time than a scrape.
  virtual std::optional<ProbeFailure> Prepare(SteadyTime deadline) = 0;
  // Collects once, for a scrape that began at `since`: what is measured beside may be as old. After
  // a failure the next Prepare starts over as far as needed. `so_far` is called with what is known
  // whenever a reply that takes long goes on.
  virtual Collection Collect(SteadyTime since, SteadyTime deadline,
                             const std::function<void(const Collection&)>& so_far) = 0;
  // True when a failed Collect only means that the kept connection was stale: retry.
  virtual bool WasStale() const = 0;
  // How the last Prepare came to its session.
  virtual SessionStory Story() const { return {}; }
  // Makes present and later calls fail at once.
  virtual void Interrupt() = 0;
};

}  // namespace mailhub::exporter
