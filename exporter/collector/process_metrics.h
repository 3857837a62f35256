// The metric families of processes, common to hosts with and without /proc.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/metrics/families.h"

namespace mailhub::exporter {

// Sum over all processes that one entry of the site file matches. A value that is unknown for one
// of them is unknown for all.
struct ProcessFigures {
  int count = 0;
  std::optional<double> resident_bytes;
  std::optional<double> threads;
  std::optional<double> cpu_seconds;
  std::optional<double> start_time_seconds;  // the oldest one's

  void Add(const ProcessFigures& other) {
    const auto sum = [](double a, double b) { return a + b; };
    const auto least = [](double a, double b) { return std::min(a, b); };
    Join(&resident_bytes, other.resident_bytes, sum);
    Join(&threads, other.threads, sum);
    Join(&cpu_seconds, other.cpu_seconds, sum);
    Join(&start_time_seconds, other.start_time_seconds, least);
    count += other.count;
  }

 private:
  template <typename F>
  void Join(std::optional<double>* mine, std::optional<double> other, F join) {
    if (count == 0) {
      *mine = other;
    } else if (*mine && other) {
      *mine = join(**mine, *other);
    } else {
      mine->reset();
    }
  }
};

// Collects the processes of the site file whose state the helper reports as unknown: "unknown PLACE
// WHY".
class Unknowns {
 public:
  explicit Unknowns(size_t places) : whys_(places) {}
  // Whether `line` is such a line.
  bool Take(std::string_view line);
  bool Has(size_t place) const { return !whys_[place].empty(); }
  // kNotFound with the reasons, if there was one.
  Status Verdict() const;

 private:
  std::vector<std::string> whys_;
};

void AddProcess(const std::string& label, const ProcessFigures& figures,
                metrics::Families* families);

}  // namespace mailhub::exporter
