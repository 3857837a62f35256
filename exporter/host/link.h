// The way to one host as the prober sees it: get ready, then collection. What is kept open in between is
// the link's own affair.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "lib/base/clock.h"
#include "lib/metrics/families.h"
#include "lib/ssh/session.h"

namespace mailhub::exporter {

// Why a probe failed; the reason is a label, the message is for the log.
struct ProbeFailure {
  ssh::ConnectFailure reason = ssh::ConnectFailure::kProtocol;
  std::string message;
};

struct CollectorOutcome {
  bool success = false;
  double seconds = 0;
};

// What one round of all collectors brought. After a failure it holds what came before it.
struct Collection {
  std::optional<ProbeFailure> failure;
  metrics::Families families;
  std::map<std::string, CollectorOutcome> collectors;
};

// The result of a connect or probe that has not failed; of one that has, it is the failure's name.
inline constexpr char kSucceeded[] = "success";

// Counts what happens on all links. Thread-safe.
class LinkObserver {
 public:
  virtual ~LinkObserver() = default;
  virtual void OnConnect(const char* result) = 0;
  virtual void OnSessions(int change) = 0;  // +1 when one was opened, -1 when it is gone
};

// Confined to one thread at a time; Interrupt() may be called from any. No call takes longer than
// its deadline, but for a login in Prepare that has begun and is slow.
class Link {
 public:
  virtual ~Link() = default;
  // Connects and starts whatever is kept, unless that is there already. May be given more time than
  // a scrape has.
  virtual std::optional<ProbeFailure> Prepare(SteadyTime deadline) = 0;
  // Collects once. After a failure the next Prepare starts over as far as needed.
  virtual Collection Collect(SteadyTime deadline) = 0;
  // True when a failed Collect says nothing about the host, only that what was kept had gone stale:
  // trying again is right.
  virtual bool WasStale() const = 0;
  // Makes the calls in progress, and all later ones, fail at once.
  virtual void Interrupt() = 0;
};

}  // namespace mailhub::exporter
