// See obvious.h.
#include "tests/gates/obvious.h"

#include <algorithm>

namespace mailhub::gates {
namespace {

// Every stored scrape of the host from `begin` to `end` that is visible at `now`.
std::vector<const Scrape*> Seen(const History& history, const std::string& host, int64_t begin,
                                int64_t end, int64_t now, bool left_open) {
  std::vector<const Scrape*> seen;
  for (const Scrape& scrape : history.Scrapes(host)) {
    const bool inside =
        scrape.at_ms <= end && (scrape.at_ms > begin || (scrape.at_ms == begin && !left_open));
    if (inside && scrape.visible_ms <= now) seen.push_back(&scrape);
  }
  return seen;
}

std::string WhyStale(const ObviousGate& gate, const History& history, const std::string& host,
                     int64_t mark_at, int64_t now, bool left_open) {
  const int64_t reach = gate.window_ms + gate.hold_ms;
  auto seen = Seen(history, host, now - reach, now, now, left_open);
  std::erase_if(seen, [](const Scrape* scrape) { return !scrape->reached; });
  if (seen.empty()) return "nothing was seen";
  for (const Scrape* scrape : seen) {
    if (!scrape->probe) return "a probe failed";
    if (!scrape->collector) return "a collector failed";
    if (scrape->collected_ms <= mark_at) return "a figure is from before the mark";
    if (scrape->boot != history.BootAt(host, mark_at)) return "a figure is of another boot";
  }
  if (seen.back()->at_ms < now - 2 * gate.interval_ms) return "the newest figure is old";
  if (seen.front()->at_ms > now - reach + 2 * gate.interval_ms) return "the beginning is unknown";
  const auto came = static_cast<int64_t>(seen.size());
  if (came * 100 < reach / gate.interval_ms * 80) return "too few figures came";
  return "";
}

// For a gate without a window: the newest scrape that one can see says all.
std::string WhyNewestIsShut(const ObviousGate& gate, const History& history,
                            const std::string& host, int64_t mark_at, int64_t now) {
  const Scrape* newest = nullptr;
  for (const Scrape& scrape : history.Scrapes(host)) {
    if (scrape.at_ms > now || scrape.visible_ms > now) continue;
    // After a restart Prometheus does not tell that an earlier series has ended.
    if (scrape.reached || !scrape.after_gap) newest = &scrape;
  }
  if (newest == nullptr || !newest->reached) return "nothing was seen";
  if (newest->at_ms < now - 2 * gate.interval_ms) return "the newest scrape is old";
  if (!newest->probe) return "the probe failed";
  if (!newest->collector) return "the collector failed";
  if (newest->collected_ms <= mark_at) return "it is from before the mark";
  if (newest->boot != history.BootAt(host, mark_at)) return "it is of another boot";
  if (!newest->there || newest->value != 1) return "it does not hold";
  return "";
}

// Whether the condition is true for the visible samples about moment `t`.
bool HeldAt(const ObviousGate& gate, const History& history, const std::string& host, int64_t t,
            int64_t now, bool left_open) {
  const auto seen = Seen(history, host, t - gate.window_ms, t, now, left_open);
  bool found = false;
  for (const Scrape* scrape : seen) {
    const bool there = scrape->reached && scrape->probe && scrape->collector;
    if (gate.all_of_window && there && scrape->value != 1) return false;
    found = found || there;
  }
  if (gate.all_of_window) return found;
  return !seen.empty() && seen.back()->reached && seen.back()->value == 1;
}

}  // namespace

std::string WhyShut(const ObviousGate& gate, const History& history,
                    const std::map<std::string, int64_t>& mark_at, int64_t now, bool left_open) {
  if (gate.window_ms == 0) {
    for (const std::string& host : gate.hosts) {
      const std::string why = WhyNewestIsShut(gate, history, host, mark_at.at(host), now);
      if (!why.empty()) return std::string(host).append(": ").append(why);
    }
    return "";
  }
  for (const std::string& host : gate.hosts) {
    const std::string why = WhyStale(gate, history, host, mark_at.at(host), now, left_open);
    if (!why.empty()) return std::string(host).append(": ").append(why);
  }
  for (const std::string& host : gate.hosts) {
    for (int64_t t = now - gate.hold_ms; t <= now; t += std::max<int64_t>(1, gate.step_ms)) {
      if (!HeldAt(gate, history, host, t, now, left_open)) {
        return host + ": it did not hold " + std::to_string(now - t) + " ms ago";
      }
      if (gate.hold_ms == 0) break;
    }
  }
  return "";
}

}  // namespace mailhub::gates
