// One configured host: its worker thread and link. Simultaneous scrapes share one collection.
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

// Owns the worker and the link; only the worker uses the link. Thread-safe.
class Prober {
 public:
  // Time for a worker to prepare a session, independent of scrapes: otherwise a host that needs
  // longer than one scrape's deadline would never be reached.
  static constexpr Milliseconds kPatience{5'000};

  Prober(config::Host host, std::unique_ptr<Link> link, const Clock& clock);
  // Interrupts, and joins the worker.
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  const config::Host& host() const { return host_; }

  // For the program's end: waiting and later scrapes return at once.
  void Interrupt();

  // Collects now, or joins a running collection; if that one had less time and is incomplete,
  // collects anew. Returns at the deadline at the latest, then with kTimeout as failure if nothing
  // better is known.
  Collection Probe(SteadyTime deadline);

 private:
  // One collection and the scrapes that wait for it. Fields are protected by mutex_.
  struct SharedCollection {
    SteadyTime since;  // nothing in it was measured before
    SteadyTime deadline;
    bool begun = false;
    // What the worker does for it, and how it came to its session, for scrapes that cannot wait.
    const char* waits_for = "an earlier probe of this host";
    SessionStory session;
    std::shared_ptr<const Collection> so_far;  // of the link, for scrapes with less time
    std::shared_ptr<const Collection> link_part;
    std::shared_ptr<const Collection> ports_part;  // of the scrape that began the collection
  };

  void Work();
  Collection CollectThroughLink(const std::shared_ptr<SharedCollection>& shared);
  std::shared_ptr<SharedCollection> JoinOrBegin(SteadyTime deadline, bool* i_began);
  std::shared_ptr<const Collection> CollectPorts(SteadyTime deadline);
  // Without a part of the link it is `unknown`.
  Collection Together(const Collection* link_part, const Collection& unknown,
                      const Collection* ports_part) const;

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
