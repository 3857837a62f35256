// Values of earlier probes, for counters: the CPU time of a group of processes must not fall when
// one of them ends.
#pragma once

#include <map>
#include <string>
#include <utility>

namespace mailhub::exporter {

// CPU time of the parts of a series (the matching processes, the threads of a name) since they were
// first seen; ended parts stay counted. It begins at 0, so that a restart of the exporter is a
// counter reset and never a leap. Confined to one thread; as large as the last probe's result.
class Past {
 public:
  // Call before counting the parts of a probe. Forgets the parts that an earlier probe left without
  // Total.
  void BeginLook() {
    for (auto& [name, series] : series_) {
      series.now.clear();
      series.more = 0;
    }
  }
  // `part` is one process or thread; a smaller value than before means another one of the same
  // name.
  void Count(const std::string& name, const std::string& part, double seconds) {
    Series& series = series_[name];
    const auto before = series.before.find(part);
    if (before != series.before.end()) {
      series.more += seconds >= before->second ? seconds - before->second : seconds;
    } else if (series.looked) {
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
  struct Series {
    double total = 0;
    bool looked = false;
    double more = 0;  // since the last probe
    std::map<std::string, double> before;
    std::map<std::string, double> now;
  };
  std::map<std::string, Series> series_;
};

}  // namespace mailhub::exporter
