// Uses real CPU time, so that the host's idle value falls as it does under real work.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

namespace lab {

// Keeps a share of every CPU busy during its lifetime. Owns its threads; confined to one thread;
// cannot fail.
class Burner {
 public:
  // `load` is the share (0..1) of all CPUs together. The work per CPU ends after `seconds` of CPU
  // time, which takes longer when the machine is busy.
  Burner(double load, double seconds);

  // Waits for the work to be done, or for `stop`.
  void Join(const std::stop_token& stop);

 private:
  std::vector<std::jthread> threads_;
};

// Uses this much CPU time on the calling thread.
void UseCpu(std::chrono::microseconds cpu_time);

}  // namespace lab
