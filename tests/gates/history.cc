// See history.h.
#include "tests/gates/history.h"

#include <algorithm>

namespace mailhub::gates {
namespace {

std::string BootId(int boot) {
  return "boot-" + std::to_string(boot);
}

// Writes one scrape's samples into each series of one target.
class Target {
 public:
  Target(std::vector<StoredSeries>* all, std::string host, Labels labels)
      : all_(all), labels_(std::move(labels)) {
    labels_["instance"] = std::move(host);
  }

  void Add(const Scrape& scrape) {
    std::map<size_t, double> now;
    const auto put = [&](const std::string& metric, double value, const Labels& more = {}) {
      now[Series(metric, more)] = value;
    };
    if (scrape.reached) put("probe_success", scrape.probe ? 1 : 0);
    if (scrape.reached && scrape.probe) {
      put("mailhub_host_uptime_seconds", scrape.uptime_s);
      put("mailhub_host_info", 1, {{"boot_id", BootId(scrape.boot)}});
      put("mailhub_collector_success", 1, {{"collector", "host"}});
      put("mailhub_collector_success", scrape.collector ? 1 : 0, {{"collector", "processes"}});
      if (scrape.collector && scrape.there) put("mailhub_process_running", scrape.value);
    }
    for (const size_t gone : last_) {
      if (now.contains(gone) || scrape.after_gap) continue;
      (*all_)[gone].samples.push_back({scrape.at_ms, scrape.visible_ms, 0, true});
    }
    last_.clear();
    for (const auto& [series, value] : now) {
      (*all_)[series].samples.push_back({scrape.at_ms, scrape.visible_ms, value, false});
      last_.push_back(series);
    }
  }

 private:
  size_t Series(const std::string& metric, const Labels& more) {
    Labels labels = labels_;
    labels["__name__"] = metric;
    labels.insert(more.begin(), more.end());
    const auto [found, added] = known_.try_emplace(labels, all_->size());
    if (added) all_->push_back({labels, {}});
    return found->second;
  }

  std::vector<StoredSeries>* const all_;
  Labels labels_;
  std::map<Labels, size_t> known_;
  std::vector<size_t> last_;
};

}  // namespace

History::History(uint64_t seed, int hosts, int64_t interval_ms, int64_t reach_ms)
    : random_(seed), interval_(interval_ms), series_vanish_(reach_ms == 0) {
  mark_at_ = reach_ms + Between(5, 15) * interval_;
  calm_at_ = mark_at_ + Between(0, 2 * reach_ms + 5 * interval_);
  end_at_ = calm_at_ + 3 * reach_ms + 20 * interval_;
  others_ = Chance(0.3);
  for (int i = 0; i < hosts; ++i) {
    MakeHost(std::string(1, static_cast<char>('a' + i)));
  }
  for (const auto& [name, host] : hosts_) MakeScrapes(name);
}

// Each kind of trouble is off in most histories, so that none hides another.
void History::MakeHost(const std::string& name) {
  Host& host = hosts_[name];
  host.uptime_from.push_back({INT64_MIN, -Between(1'000, 100'000'000)});
  std::vector<int64_t> events;
  const auto moment = [&] { return Between(mark_at_ - 6 * interval_, calm_at_); };
  if (Chance(0.25)) host.reboots.push_back(moment());
  if (Chance(0.1)) host.reboots.push_back(moment());
  std::ranges::sort(host.reboots);
  for (const int64_t at : host.reboots) host.uptime_from.push_back({at, at});
  if (Chance(0.2)) {
    const int64_t at = moment();
    const double before = UptimeAt(name, at);
    // Further back than the evaluator's allowance for slow questions.
    if (before > 60) {
      const auto back = Between(50'000, static_cast<int64_t>(before * 1'000));
      host.uptime_from.push_back({at, at - static_cast<int64_t>(before * 1'000) + back});
      std::ranges::sort(host.uptime_from);
      // A step back outside all windows may look like late samples.
      end_at_ = std::max(end_at_, calm_at_ + 700'000 + 3 * interval_);
    }
  }
  const int64_t flips = Chance(0.3) ? 0 : 2 * Between(1, 3);
  for (int64_t i = 0; i < flips; ++i) {
    host.flips.push_back(Between(mark_at_ - 4 * interval_, calm_at_));
  }
  std::ranges::sort(host.flips);
}

void History::MakeScrapes(const std::string& name) {
  const Host& host = hosts_.at(name);
  const double dropped = Chance(0.4) ? 0.15 : 0;
  const double failed = Chance(0.3) ? 0.08 : 0;
  const double probes = Chance(0.2) ? 0.05 : 0;
  const double collectors = Chance(0.2) ? 0.05 : 0;
  const double gone = series_vanish_ && Chance(0.5) ? 0.3 : 0;
  const double joined = Chance(0.3) ? 0.3 : 0;
  const int64_t jitter = Chance(0.5) ? interval_ / 10 : 0;
  const int64_t late = Chance(0.3) ? interval_ * 2 : interval_ / 5;
  int64_t gap_from = end_at_;
  int64_t gap_to = end_at_;
  if (Chance(0.4)) {
    gap_from = Between(mark_at_ - 8 * interval_, calm_at_);
    gap_to = std::min(calm_at_, gap_from + Between(interval_, 20 * interval_));
  }
  const int64_t phase = Between(0, interval_ - 1);
  int64_t visible = 0;
  bool after_gap = false;
  for (int64_t due = phase; due < end_at_; due += interval_) {
    Scrape scrape;
    scrape.at_ms = due + Between(0, jitter);
    const bool calm = scrape.at_ms >= calm_at_;
    const auto happens = [&](double share) { return !calm && Chance(share); };
    if (scrape.at_ms >= gap_from && scrape.at_ms < gap_to) {
      after_gap = true;
      continue;
    }
    if (happens(dropped)) continue;
    scrape.after_gap = std::exchange(after_gap, false);
    scrape.visible_ms = scrape.at_ms + Between(0, calm ? interval_ / 5 : late);
    visible = std::max(visible, scrape.visible_ms);
    scrape.visible_ms = visible;
    scrape.reached = !happens(failed);
    scrape.probe = !happens(probes);
    scrape.collector = !happens(collectors);
    scrape.there = !happens(gone);
    scrape.collected_ms = scrape.at_ms + Between(0, interval_ / 10);
    // It shared the collection of an earlier scrape.
    if (happens(joined)) scrape.collected_ms = scrape.at_ms - Between(0, interval_ / 2);
    scrape.visible_ms = std::max(scrape.visible_ms, scrape.collected_ms);
    visible = scrape.visible_ms;
    scrape.boot = BootAt(name, scrape.collected_ms);
    scrape.uptime_s = UptimeAt(name, scrape.collected_ms);
    scrape.value = ValueAt(host, scrape.collected_ms);
    scrapes_[name].push_back(scrape);
  }
}

double History::UptimeAt(const std::string& name, int64_t at_ms) const {
  int64_t zero = 0;
  for (const auto& [from, zero_at] : hosts_.at(name).uptime_from) {
    if (from <= at_ms) zero = zero_at;
  }
  return static_cast<double>(at_ms - zero) / 1'000;
}

int History::BootAt(const std::string& name, int64_t at_ms) const {
  const auto& reboots = hosts_.at(name).reboots;
  return static_cast<int>(
      std::ranges::count_if(reboots, [&](int64_t reboot) { return reboot <= at_ms; }));
}

double History::ValueAt(const Host& host, int64_t at_ms) const {
  const auto flips = std::ranges::count_if(host.flips, [&](int64_t flip) { return flip <= at_ms; });
  return flips % 2 == 0 ? 1 : 0;
}

void History::Store(MemoryPrometheus* prometheus) const {
  auto* series = &prometheus->Series();
  for (const auto& [host, scrapes] : scrapes_) {
    Target counted(series, host, {{"job", "probes"}, {"replica", "r1"}});
    for (const Scrape& scrape : scrapes) counted.Add(scrape);
    if (!others_) continue;
    Target other_job(series, host, {{"job", "mailhub"}, {"replica", "r1"}});
    Target other_replica(series, host, {{"job", "probes"}, {"replica", "r2"}});
    for (Scrape scrape : scrapes) {
      scrape.value = 1 - scrape.value;
      scrape.uptime_s += 1'000;
      scrape.reached = scrape.probe = scrape.collector = true;
      other_job.Add(scrape);
      scrape.boot += 1;
      other_replica.Add(scrape);
    }
  }
}

}  // namespace mailhub::gates
