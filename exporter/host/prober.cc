// The worker takes one collection after the other; scrapes wait beside it and never beyond their
// own deadline.
#include "exporter/host/prober.h"

#include <algorithm>

#include "exporter/metrics/stopwatch.h"

namespace mailhub::exporter {
namespace {

using ssh::ConnectFailure;

}  // namespace

Prober::Prober(config::Host host, std::unique_ptr<Link> link, const Clock& clock)
    : host_(std::move(host)), link_(std::move(link)), clock_(clock) {
  if (auto address = NumericAddress(host_.address)) address_ = *address;
  worker_ = std::jthread([this] { Work(); });
}

Prober::~Prober() {
  Interrupt();
}

void Prober::Interrupt() {
  link_->Interrupt();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

Look Prober::Probe(SteadyTime deadline) {
  std::shared_ptr<Collection> mine;
  bool i_began = false;
  {
    std::lock_guard lock(mutex_);
    const bool joinable = current_ != nullptr && current_->link_part == nullptr &&
                          clock_.Steady() < current_->deadline;
    if (!joinable) {
      current_ = std::make_shared<Collection>();
      current_->deadline = deadline;
      i_began = true;
    } else if (!current_->begun) {
      current_->deadline = std::max(current_->deadline, deadline);
    }
    mine = current_;
  }
  changed_.notify_all();
  if (i_began) {
    auto ports = LookAtPorts(deadline);
    {
      std::lock_guard lock(mutex_);
      mine->ports_part = std::move(ports);
    }
    changed_.notify_all();
  }
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] {
    return (mine->link_part != nullptr && mine->ports_part != nullptr) || stopping_;
  });
  const auto link_part = mine->link_part;
  const auto ports_part = mine->ports_part;
  lock.unlock();
  return Together(link_part.get(), ports_part.get());
}

Look Prober::Together(const Look* link_part, const Look* ports_part) const {
  Look look;
  if (link_part != nullptr) {
    look = *link_part;
  } else {
    look.trouble = {ConnectFailure::kTimeout, "no answer within the deadline"};
  }
  // Whatever was configured and did not come is told as failed, even when the link never came to
  // it.
  const std::pair<const char*, bool> expected[] = {
      {"host", true},
      {"processes", !host_.processes.empty()},
      {"services", !host_.services.empty()},
      {"directories", !host_.directories.empty()},
      {"files", !host_.files.empty()},
      {"checks", !host_.checks.empty()},
      {"ports", !host_.ports.empty()},
  };
  for (const auto& [name, wanted] : expected) {
    if (wanted) look.collectors.try_emplace(name);
  }
  if (ports_part != nullptr && !host_.ports.empty()) {
    look.collectors["ports"] = ports_part->collectors.at("ports");
    look.families.Merge(Families(ports_part->families));
  }
  return look;
}

// Beside the worker, so that a silent SSH does not hide what the ports say. A name is looked up by
// the worker.
std::shared_ptr<const Look> Prober::LookAtPorts(SteadyTime deadline) {
  auto look = std::make_shared<Look>();
  if (host_.ports.empty()) return look;
  const Stopwatch watch;
  std::optional<PortAddress> address;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return address_.has_value() || stopping_; });
    address = address_;
  }
  bool success = false;
  if (address) {
    success = MeasurePorts(host_, *address, clock_, deadline, &look->families).has_value();
  }
  look->collectors["ports"] = {success, watch.Seconds()};
  return look;
}

void Prober::LearnAddress() {
  {
    std::lock_guard lock(mutex_);
    if (address_ || host_.ports.empty()) return;
  }
  auto address = LookUpAddress(host_.address);
  if (!address) return;
  {
    std::lock_guard lock(mutex_);
    address_ = *address;
  }
  changed_.notify_all();
}

Look Prober::LookThroughLink(SteadyTime deadline) {
  for (int attempt = 0;; ++attempt) {
    const auto ready_by = std::max(deadline, clock_.Steady() + kPatience);
    if (auto trouble = link_->Prepare(ready_by)) return Look{trouble, {}, {}};
    if (clock_.Steady() >= deadline) {
      return Look{
          Trouble{ConnectFailure::kTimeout, "the host was ready too late for this scrape"}, {}, {}};
    }
    Look look = link_->Collect(deadline);
    if (!look.trouble || !link_->WasStale() || attempt > 0) return look;
  }
}

void Prober::Work() {
  while (true) {
    std::shared_ptr<Collection> collection;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || (current_ != nullptr && !current_->begun); });
      if (stopping_) return;
      current_->begun = true;
      collection = current_;
    }
    LearnAddress();
    auto look = std::make_shared<const Look>(LookThroughLink(collection->deadline));
    {
      std::lock_guard lock(mutex_);
      collection->link_part = std::move(look);
    }
    changed_.notify_all();
  }
}

}  // namespace mailhub::exporter
