// The worker takes one collection after the other; scrapes wait beside it and never beyond their
// own deadline.
#include "exporter/host/prober.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/config/collectors.h"
#include "lib/metrics/stopwatch.h"

namespace mailhub::exporter {
namespace {

using ssh::ConnectFailure;

// Scrapes whose deadlines differ by less share what there is.
constexpr Milliseconds kMuchLonger{500};

bool IsWhole(const Look& look) {
  return !look.trouble && std::ranges::all_of(look.collectors, [](const auto& collector) {
    return collector.second.success;
  });
}

}  // namespace

Prober::Prober(config::Host host, std::unique_ptr<Link> link, const Clock& clock)
    : host_(std::move(host)), link_(std::move(link)), clock_(clock) {
  worker_ = std::jthread([this] { Work(); });
}

Prober::~Prober() {
  Interrupt();
}

void Prober::Interrupt() {
  link_->Interrupt();
  cancel_.Cancel();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

std::shared_ptr<Prober::Collection> Prober::JoinOrBegin(SteadyTime deadline, bool* i_began) {
  std::lock_guard lock(mutex_);
  const bool joinable =
      current_ != nullptr && current_->link_part == nullptr && clock_.Steady() < current_->deadline;
  *i_began = !joinable;
  if (!joinable) {
    current_ = std::make_shared<Collection>();
    current_->deadline = deadline;
  } else if (!current_->begun) {
    current_->deadline = std::max(current_->deadline, deadline);
  }
  return current_;
}

Look Prober::Probe(SteadyTime deadline) {
  while (true) {
    bool i_began = false;
    const auto mine = JoinOrBegin(deadline, &i_began);
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
    const bool had_less = mine->deadline + kMuchLonger < deadline;
    const bool over = stopping_ || clock_.Steady() >= deadline;
    lock.unlock();
    Look look = Together(link_part.get(), ports_part.get());
    if (i_began || over || !had_less || IsWhole(look)) return look;
  }
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
  for (const auto kind : All<config::CollectorKind>()) {
    if (config::IsWanted(kind, host_)) look.collectors.try_emplace(Name(kind));
  }
  if (ports_part != nullptr && !host_.ports.empty()) {
    look.collectors["ports"] = ports_part->collectors.at("ports");
    look.families.Merge(metrics::Families(ports_part->families));
  }
  return look;
}

// Beside the worker, so that a silent SSH does not hide what the ports say. A name is looked up
// each time: what it means may change.
std::shared_ptr<const Look> Prober::LookAtPorts(SteadyTime deadline) {
  auto look = std::make_shared<Look>();
  if (host_.ports.empty()) return look;
  const metrics::Stopwatch watch;
  const auto addresses = ssh::Resolve(host_.address, host_.port, deadline, &cancel_);
  Status measured = addresses ? MeasurePorts(host_, *addresses, clock_, deadline, &look->families)
                              : Fail(addresses.error().error);
  if (!measured) {
    LogDebug("A collector failed", {{"host", host_.name}, {"why", measured.error().message}});
  }
  look->collectors["ports"] = {measured.has_value(), watch.Seconds()};
  return look;
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
    auto look = std::make_shared<const Look>(LookThroughLink(collection->deadline));
    {
      std::lock_guard lock(mutex_);
      collection->link_part = std::move(look);
    }
    changed_.notify_all();
  }
}

}  // namespace mailhub::exporter
