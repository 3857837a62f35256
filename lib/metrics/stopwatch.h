// Measures durations finer than milliseconds, for metrics only, never for decisions.
#pragma once

#include <chrono>

namespace mailhub::metrics {

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace mailhub::metrics
