// A made-up history of hosts and of Prometheus's samples of them, from a seed. It records the
// truth: when each value was read, and in which boot.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/gates/memory_prometheus.h"

namespace mailhub::gates {

struct Scrape {
  int64_t at_ms = 0;         // the sample's own time
  int64_t visible_ms = 0;    // when queries see it
  int64_t collected_ms = 0;  // when the host was really read
  bool reached = true;       // false: the scrape failed and leaves staleness markers
  bool probe = true;
  bool collector = true;   // of the metric that the gate reads
  bool there = true;       // the collector works, and the series that the gate reads exists
  bool after_gap = false;  // Prometheus restarted before: no staleness markers
  int boot = 0;
  double uptime_s = 0;
  double value = 0;
};

class History {
 public:
  // Only with a reach of 0 does a series vanish: elsewhere a gate may not notice that after a gap.
  // `interval` in ms; the mark is taken at `MarkAt`, faults end at `CalmAt`, it ends at `EndAt`.
  History(uint64_t seed, int hosts, int64_t interval_ms, int64_t reach_ms);

  int64_t MarkAt() const { return mark_at_; }
  int64_t CalmAt() const { return calm_at_; }
  int64_t EndAt() const { return end_at_; }

  double UptimeAt(const std::string& host, int64_t at_ms) const;
  int BootAt(const std::string& host, int64_t at_ms) const;
  // The scrapes of the relevant job and replica.
  const std::vector<Scrape>& Scrapes(const std::string& host) const { return scrapes_.at(host); }
  // Also stores other jobs and replicas, with different values.
  void Store(MemoryPrometheus* prometheus) const;

 private:
  struct Host {
    std::vector<std::pair<int64_t, int64_t>> uptime_from;  // since when, and the zero of uptime
    std::vector<int64_t> reboots;
    std::vector<int64_t> flips;  // the value is 1 before the first, then 0, 1, ...
  };
  bool Chance(double share) { return std::uniform_real_distribution<>(0, 1)(random_) < share; }
  int64_t Between(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, std::max(least, most))(random_);
  }
  void MakeHost(const std::string& name);
  void MakeScrapes(const std::string& name);
  double ValueAt(const Host& host, int64_t at_ms) const;

  std::mt19937_64 random_;
  const int64_t interval_;
  const bool series_vanish_;
  int64_t mark_at_ = 0;
  int64_t calm_at_ = 0;
  int64_t end_at_ = 0;
  std::map<std::string, Host> hosts_;
  std::map<std::string, std::vector<Scrape>> scrapes_;
  bool others_ = false;
};

}  // namespace mailhub::gates
