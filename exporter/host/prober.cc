// The worker does one collection after the other; scrapes wait beside it, never beyond their own
// deadline.
#include "exporter/host/prober.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/config/collectors.h"
#include "lib/metrics/stopwatch.h"

namespace mailhub::exporter {
namespace {

using ssh::ConnectFailure;

// Scrapes whose deadlines differ by less share a collection.
constexpr Milliseconds kMuchLonger{500};

bool IsWhole(const Collection& collection) {
  return !collection.failure &&
         std::ranges::all_of(collection.collectors,
                             [](const auto& collector) { return collector.second.success; });
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

std::shared_ptr<Prober::SharedCollection> Prober::JoinOrBegin(SteadyTime deadline, bool* i_began) {
  std::lock_guard lock(mutex_);
  const bool joinable =
      current_ != nullptr && current_->link_part == nullptr && clock_.Steady() < current_->deadline;
  *i_began = !joinable;
  if (!joinable) {
    current_ = std::make_shared<SharedCollection>();
    current_->since = clock_.Steady();
    current_->deadline = deadline;
  } else if (!current_->begun) {
    current_->deadline = std::max(current_->deadline, deadline);
  }
  return current_;
}

Collection Prober::Probe(SteadyTime deadline) {
  while (true) {
    bool i_began = false;
    const auto mine = JoinOrBegin(deadline, &i_began);
    changed_.notify_all();
    if (i_began) {
      auto ports = CollectPorts(deadline);
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
    const auto link_part = mine->link_part != nullptr ? mine->link_part : mine->so_far;
    const auto ports_part = mine->ports_part;
    const Collection unknown{
        .failure = ProbeFailure{ConnectFailure::kTimeout,
                                std::string("no answer within the deadline, which was spent on ") +
                                    mine->waits_for},
        .session = mine->session};
    const bool had_less = mine->deadline + kMuchLonger < deadline;
    const bool over = stopping_ || clock_.Steady() >= deadline;
    lock.unlock();
    Collection collection = Together(link_part.get(), unknown, ports_part.get());
    if (i_began || over || !had_less || IsWhole(collection)) return collection;
  }
}

Collection Prober::Together(const Collection* link_part, const Collection& unknown,
                            const Collection* ports_part) const {
  Collection collection = link_part != nullptr ? *link_part : unknown;
  // A configured collector without a result is reported as failed, even when the link never reached
  // it.
  for (const auto kind : All<config::CollectorKind>()) {
    if (!config::IsWanted(kind, host_)) continue;
    collection.collectors.try_emplace(Name(kind), CollectorOutcome{.why = "it was not asked"});
  }
  if (ports_part != nullptr && !host_.ports.empty()) {
    collection.collectors["ports"] = ports_part->collectors.at("ports");
    collection.families.Merge(metrics::Families(ports_part->families));
  }
  return collection;
}

// Beside the worker, so that a silent SSH does not hide the ports' states. The name is looked up
// each time, because its addresses may change.
std::shared_ptr<const Collection> Prober::CollectPorts(SteadyTime deadline) {
  auto collection = std::make_shared<Collection>();
  if (host_.ports.empty()) return collection;
  const metrics::Stopwatch watch;
  const auto addresses = ssh::Resolve(host_.address, host_.port, deadline, &cancel_);
  Status measured = addresses
                        ? MeasurePorts(host_, *addresses, clock_, deadline, &collection->families)
                        : Fail(addresses.error().error);
  if (!measured) {
    LogDebug("A collector failed", {{"host", host_.name}, {"why", measured.error().message}});
  }
  collection->collectors["ports"] = {measured.has_value(), watch.Seconds(),
                                     measured ? "" : measured.error().message};
  return collection;
}

Collection Prober::CollectThroughLink(const std::shared_ptr<SharedCollection>& shared) {
  const SteadyTime deadline = shared->deadline;
  const auto so_far = [&](const Collection& collection) {
    std::lock_guard lock(mutex_);
    auto known = std::make_shared<Collection>(collection);
    known->session = link_->Story();
    shared->so_far = std::move(known);
  };
  const auto tell = [&](const char* waits_for, SessionStory story) {
    std::lock_guard lock(mutex_);
    shared->waits_for = waits_for;
    shared->session = std::move(story);
  };
  for (int attempt = 0;; ++attempt) {
    tell("connecting, the login and the start of the helper", {});
    const auto ready_by = std::max(deadline, clock_.Steady() + kPatience);
    if (auto failure = link_->Prepare(ready_by)) return Collection{.failure = failure};
    tell("the answers of the collectors", link_->Story());
    if (clock_.Steady() >= deadline) {
      return Collection{.failure = ProbeFailure{ConnectFailure::kTimeout,
                                                "the host was ready too late for this scrape"}};
    }
    Collection collection = link_->Collect(shared->since, deadline, so_far);
    if (!collection.failure || !link_->WasStale() || attempt > 0) return collection;
  }
}

void Prober::Work() {
  while (true) {
    std::shared_ptr<SharedCollection> shared;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || (current_ != nullptr && !current_->begun); });
      if (stopping_) return;
      current_->begun = true;
      shared = current_;
    }
    auto collection = std::make_shared<Collection>(CollectThroughLink(shared));
    collection->session = link_->Story();
    {
      std::lock_guard lock(mutex_);
      shared->link_part = std::move(collection);
    }
    changed_.notify_all();
  }
}

}  // namespace mailhub::exporter
