// Values of earlier probes, for counters: the CPU time of a group of processes must not fall when
// one of them ends.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace mailhub::exporter {

// CPU time of the parts of a series (the matching processes, the threads of a name) since they were
// first seen; ended parts stay counted. It begins at 0, so that a restart of the exporter is a
// counter reset and never a leap. Confined to one thread; as large as the last probe's result.
class Past {
 public:
  // Call before counting the parts of a probe, at this uptime of the host (0: unknown). Forgets the
  // parts that an earlier probe left without Total.
  void BeginLook(double uptime_seconds = 0) {
    before_seconds_ = std::exchange(now_seconds_, uptime_seconds);
    for (auto& [name, series] : series_) {
      series.now.clear();
      series.more = 0;
    }
  }
  // `part` is one process or thread, which began at that uptime (nothing: unknown); a smaller value
  // than before means another one of the same name. One that began before the last probe had another
  // name then, and its time under that does not count.
  void Count(const std::string& name, const std::string& part, double seconds,
             std::optional<double> began_seconds = std::nullopt) {
    Series& series = series_[name];
    const auto before = series.before.find(part);
    if (before != series.before.end()) {
      series.more += seconds >= before->second ? seconds - before->second : seconds;
    } else if (series.looked && !(began_seconds && *began_seconds + kTick < before_seconds_)) {
      series.more += seconds;
    }
    series.now[part] = seconds;
  }
  // Call after them, if all parts are known: a part that is new afterwards has begun since.
  double Total(const std::string& name) {
    Series& series = series_[name];
    series.looked = true;
    series.before = std::exchange(series.now, {});
    return series.total += std::exchange(series.more, 0);
  }

 private:
  static constexpr double kTick = 0.02;  // the host tells starts in hundredths
  struct Series {
    double total = 0;
    bool looked = false;
    double more = 0;  // since the last probe
    std::map<std::string, double> before;
    std::map<std::string, double> now;
  };
  std::map<std::string, Series> series_;
  double before_seconds_ = 0;  // uptime at the last probe
  double now_seconds_ = 0;
};

}  // namespace mailhub::exporter
