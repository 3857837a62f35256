#include "exporter/host/fleet.h"

#include "exporter/host/helper_link.h"
#include "exporter/host/windows_link.h"

namespace mailhub::exporter {

std::shared_ptr<Prober> Fleet::Make(const config::Host& host, const config::Site& site) const {
  const ssh::SshTarget target = {host.name,         host.address,     host.port,          host.user,
                                 site.exporter_key, site.known_hosts, host.old_algorithms};
  std::unique_ptr<Link> link;
  if (host.platform == config::Platform::kWindows) {
    link = std::make_unique<WindowsLink>(host, target, clock_, observer_);
  } else {
    link = std::make_unique<HelperLink>(host, target, clock_, observer_);
  }
  return std::make_shared<Prober>(host, std::move(link), clock_);
}

void Fleet::Apply(std::shared_ptr<const config::Site> site) {
  const auto old_site = this->site();
  const bool same_way = old_site != nullptr && old_site->exporter_key == site->exporter_key &&
                        old_site->known_hosts == site->known_hosts;
  Probers probers;
  for (const auto& [name, host] : site->hosts) {
    auto old = same_way ? Find(name) : nullptr;
    probers[name] = old != nullptr && old->host() == host ? old : Make(host, *site);
  }
  {
    std::lock_guard lock(mutex_);
    site_ = std::move(site);
    std::swap(probers, probers_);
  }
  // The old ones end here, outside the lock, or with the last scrape that uses them.
}

std::shared_ptr<Prober> Fleet::Find(const std::string& host) const {
  std::lock_guard lock(mutex_);
  const auto found = probers_.find(host);
  return found == probers_.end() ? nullptr : found->second;
}

std::shared_ptr<const config::Site> Fleet::site() const {
  std::lock_guard lock(mutex_);
  return site_;
}

void Fleet::Stop() {
  Probers probers;
  {
    std::lock_guard lock(mutex_);
    std::swap(probers, probers_);
  }
  for (const auto& [name, prober] : probers) prober->Interrupt();
}

}  // namespace mailhub::exporter
