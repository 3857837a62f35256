// What earlier looks at a host saw, for counters: the CPU time of processes that come and go must
// not fall when one of them ends.
#pragma once

#include <map>
#include <string>
#include <utility>

namespace mailhub::exporter {

// CPU time that the parts of a series (the processes that match, the threads of a name) have used
// since they were first seen; that of parts which have ended stays counted. It begins at 0, so that
// a program which starts anew and forgets is a reset to every reader, never a leap. Confined to one
// thread; as large as what the last look saw.
class Past {
 public:
  // Before the parts of a look are counted. What an earlier one left without Total is forgotten.
  void BeginLook() {
    for (auto& [name, series] : series_) {
      series.now.clear();
      series.more = 0;
    }
  }
  // `part` is one process or thread; if it is less than before, it is another one of the same name.
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
  // After them, if all parts are known: what is new from now on has begun since.
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
    double more = 0;  // since the last look
    std::map<std::string, double> before;
    std::map<std::string, double> now;
  };
  std::map<std::string, Series> series_;
};

}  // namespace mailhub::exporter
