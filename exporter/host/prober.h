// One configured host: its worker thread, its link, and the rule that scrapes at the same time
// share one collection.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "exporter/collector/ports.h"
#include "exporter/host/link.h"
#include "lib/base/clock.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

// Owns the worker and the link; the worker alone touches the link. Thread-safe.
class Prober {
 public:
  // How long a worker may take to get a session ready, whatever scrapes do meanwhile: a host that
  // needs longer than one scrape's deadline to let us in would otherwise never be seen.
  static constexpr Milliseconds kPatience{5'000};

  Prober(config::Host host, std::unique_ptr<Link> link, const Clock& clock);
  // Interrupts, and joins the worker.
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  const config::Host& host() const { return host_; }

  // For the program's end: scrapes that wait return at once, and so do all later ones.
  void Interrupt();

  // Collects now, or joins a collection that is under way; where that one had less time and was not
  // whole, collects anew. Returns at the deadline at the latest, with kTimeout as failure if
  // nothing better is known by then.
  Collection Probe(SteadyTime deadline);

 private:
  // One collection and all that wait for it. Fields are protected by mutex_.
  struct SharedCollection {
    SteadyTime deadline;
    bool begun = false;
    std::shared_ptr<const Collection> link_part;
    std::shared_ptr<const Collection> ports_part;  // made by the scrape that began the collection
  };

  void Work();
  Collection CollectThroughLink(SteadyTime deadline);
  std::shared_ptr<SharedCollection> JoinOrBegin(SteadyTime deadline, bool* i_began);
  std::shared_ptr<const Collection> CollectPorts(SteadyTime deadline);
  Collection Together(const Collection* link_part, const Collection* ports_part) const;

  // Constant after construction.
  const config::Host host_;
  const std::unique_ptr<Link> link_;
  const Clock& clock_;

  ssh::Cancellation cancel_;  // of look-ups
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<SharedCollection> current_;  // the newest; protected by mutex_
  bool stopping_ = false;                      // protected by mutex_

  std::jthread worker_;  // last: it uses everything above
};

}  // namespace mailhub::exporter
