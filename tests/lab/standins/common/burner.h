// Uses real CPU time, so that the host's idle figure falls for the reason the page gives: somebody
// works.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

namespace lab {

// Keeps a share of every CPU busy while it lives. Owns its threads; confined to one thread; cannot
// fail.
class Burner {
 public:
  // `load` is the share (0..1) of all CPUs together. The work per CPU ends after `seconds` of it
  // have been done, which takes longer than `seconds` when the machine is busy with others.
  Burner(double load, double seconds);

  // Waits for the work to be done, or for `stop`.
  void Join(const std::stop_token& stop);

 private:
  std::vector<std::jthread> threads_;
};

// Uses this much CPU time on the calling thread.
void UseCpu(std::chrono::microseconds cpu_time);

}  // namespace lab
