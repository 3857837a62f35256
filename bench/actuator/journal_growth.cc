// Writes a year of notifications at full speed, then prunes it, and prints sizes and times:
//   journal_growth FILE
// One alert fires all year (a watchdog); 40 others fire for an hour every week, each at another
// hour. Every notification of a firing alert is repeated each 30 s. That is 1.3 million decisions.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "actuator/journal/database.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/pruner.h"

namespace mailhub::journal {
namespace {

using namespace engine;  // NOLINT: most of the events there are

constexpr int64_t kBegin = 1'700'000'000'000;
constexpr int64_t kRepeat = 30'000;
constexpr int64_t kHour = 3'600'000;
constexpr int64_t kWeek = 7 * 24 * kHour;
constexpr int64_t kYear = 365 * 24 * kHour;
constexpr int kAlerts = 40;
constexpr size_t kAtOnce = 1'000;
constexpr Milliseconds kPause{20};  // as actuator/retention.h

using Steady = std::chrono::steady_clock;

double MsSince(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin).count();
}

class Year {
 public:
  explicit Year(Journal* journal) : journal_(journal) {}

  Status Write() {
    for (int64_t t = 0; t < kYear; t += kRepeat) {
      Put(t, 0, t == 0 ? Decision::kObserved : Decision::kRepeat, true);
      for (int alert = 1; alert <= kAlerts; ++alert) {
        const int64_t since = t % kWeek - alert * kHour;
        if (since < 0 || since > kHour) continue;
        const bool firing = since < kHour;
        Put(t, alert,
            !firing      ? Decision::kResolved
            : since == 0 ? Decision::kObserved
                         : Decision::kRepeat,
            firing);
      }
      if (events_.size() < kAtOnce) continue;
      if (Status s = Commit(); !s) return s;
    }
    return Commit();
  }
  uint64_t seq() const { return seq_; }

  // One decision every 10 ms, as the actuator commits; how long each took, in ms. Until it is to
  // stop; without a stop to wait for, 500 of them.
  std::vector<double> CommitOneByOne(const std::stop_token& stop) {
    std::vector<double> waits;
    while (stop.stop_possible() ? !stop.stop_requested() : waits.size() < 500) {
      Put(kYear, 0, Decision::kRepeat, true);
      const auto begin = Steady::now();
      if (!Commit()) break;
      waits.push_back(MsSince(begin));
      std::this_thread::sleep_for(kPause / 2);
    }
    return waits;
  }

 private:
  void Put(int64_t t, int number, Decision decision, bool firing) {
    AlertDecided alert;
    alert.notification = "0123456789abcdef";
    alert.fingerprint = "00ff00ff00ff" + std::to_string(1000 + number);
    alert.alertname = "DirectoryProcessDown";
    alert.labels = {{"alertname", alert.alertname},
                    {"instance", "x500"},
                    {"process", "eddy"},
                    {"severity", "critical"},
                    {"number", std::to_string(number)}};
    alert.firing = firing;
    alert.starts_at = FromUnixMs(kBegin + t - t % kWeek);
    alert.trigger = "directory process";
    alert.decision = decision;
    alert.detail = decision == Decision::kRepeat ? "this episode was answered before" : "";
    alert.newest_start = alert.starts_at;
    events_.push_back({++seq_, FromUnixMs(kBegin + t), "", std::move(alert)});
  }
  Status Commit() {
    Status done = journal_->Append(events_);
    events_.clear();
    return done;
  }

  Journal* journal_;
  std::vector<Event> events_;
  uint64_t seq_ = 0;
};

// With the log merged.
double Megabytes(const char* path) {
  auto database = Database::Open(path, Database::Access::kReadWrite);
  if (database) (void)database->Run("PRAGMA wal_checkpoint(TRUNCATE)");
  return static_cast<double>(std::filesystem::file_size(path)) / 1e6;
}

void PrintWaits(const char* what, std::vector<double> waits) {
  std::sort(waits.begin(), waits.end());
  if (waits.empty()) return;
  std::printf("%s: p50 %.1f ms, p99 %.1f ms, most %.1f ms\n", what, waits[waits.size() / 2],
              waits[waits.size() * 99 / 100], waits.back());
}

int Measure(const char* path) {
  auto journal = Journal::Open(path, RealClock().Now());
  if (!journal) return std::fprintf(stderr, "%s\n", journal.error().message.c_str()), 1;
  Year year(journal->get());
  auto begin = Steady::now();
  if (const Status s = year.Write(); !s)
    return std::fprintf(stderr, "%s\n", s.error().message.c_str()), 1;
  std::printf("%llu decisions: %.0f MB, written in %.0f s\n",
              static_cast<unsigned long long>(year.seq()), Megabytes(path), MsSince(begin) / 1000);
  auto pruner = Pruner::Open(path, (*journal)->id());
  if (!pruner) return std::fprintf(stderr, "%s\n", pruner.error().message.c_str()), 1;
  PrintWaits("a commit while nothing is pruned", year.CommitOneByOne(std::stop_token()));
  const WallTime month = FromUnixMs(kBegin + kYear - 30 * 24 * kHour);
  std::vector<double> waits;
  std::jthread writer([&](const std::stop_token& stop) { waits = year.CommitOneByOne(stop); });
  begin = Steady::now();
  for (Result<bool> more = true; more && *more;) {
    more = pruner->Step({.decisions = month, .runs = month});
    if (!more && more.error().kind != ErrorKind::kOverloaded)
      return std::fprintf(stderr, "%s\n", more.error().message.c_str()), 1;
    std::this_thread::sleep_for(kPause);
  }
  writer.request_stop();
  writer.join();
  std::printf("pruned to 30 days: %llu events in %.0f s\n",
              static_cast<unsigned long long>(pruner->removed_events()), MsSince(begin) / 1000);
  PrintWaits("a commit meanwhile", std::move(waits));
  std::printf("afterwards: %.0f MB\n", Megabytes(path));
  return 0;
}

}  // namespace
}  // namespace mailhub::journal

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: journal_growth FILE\n");
    return 64;
  }
  return mailhub::journal::Measure(argv[1]);
}
