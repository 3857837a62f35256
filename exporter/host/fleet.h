// The probers of all hosts in the present site file. A reload does not disturb unchanged hosts.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "exporter/host/link.h"
#include "exporter/host/prober.h"
#include "lib/base/clock.h"
#include "lib/config/site.h"

namespace mailhub::exporter {

// Owns the probers. Thread-safe.
class Fleet {
 public:
  Fleet(const Clock& clock, LinkObserver& observer) : clock_(clock), observer_(observer) {}

  // Puts `site` into force. Hosts with unchanged settings and address keep their session.
  void Apply(std::shared_ptr<const config::Site> site);

  // Null for a host that the site file does not list.
  std::shared_ptr<Prober> Find(const std::string& host) const;
  // Null before the first Apply.
  std::shared_ptr<const config::Site> site() const;

  // Ends all probers. Scrapes in progress return at once; later ones find no host.
  void Stop();

 private:
  using Probers = std::map<std::string, std::shared_ptr<Prober>>;

  std::shared_ptr<Prober> Make(const config::Host& host, const config::Site& site) const;

  const Clock& clock_;
  LinkObserver& observer_;
  mutable std::mutex mutex_;
  std::shared_ptr<const config::Site> site_;  // protected by mutex_
  Probers probers_;                           // protected by mutex_
};

}  // namespace mailhub::exporter
