// Reads the host's own /proc/stat every 200 ms and reports it, independently of any other reader.
//
// The counters are reported as they are (clock ticks since boot, all CPUs together), so that a test
// can compute the idle ratio over any span; `idle_ratio` is that of the last 200 ms, for people.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "common/evidence.h"

namespace {

constexpr std::chrono::milliseconds kPeriod{200};

struct Sample {
  std::int64_t idle_ticks = 0;
  std::int64_t total_ticks = 0;
  int cpus = 0;
};

Sample Read() {
  Sample sample;
  std::ifstream stat("/proc/stat");
  std::string line;
  while (std::getline(stat, line) && line.rfind("cpu", 0) == 0) {
    if (line[3] != ' ') {
      ++sample.cpus;
      continue;
    }
    std::istringstream numbers(line.substr(4));
    std::int64_t ticks = 0;
    for (int column = 0; column < 8 && numbers >> ticks; ++column) {
      sample.total_ticks += ticks;
      if (column == 3) sample.idle_ticks = ticks;
    }
  }
  return sample;
}

}  // namespace

int main() {
  Sample before = Read();
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    next += kPeriod;
    std::this_thread::sleep_until(next);
    const Sample now = Read();
    const auto total = now.total_ticks - before.total_ticks;
    const auto idle = now.idle_ticks - before.idle_ticks;
    lab::Event event("cpu_sampler", "cpu");
    event.Add("idle_ticks", now.idle_ticks)
        .Add("total_ticks", now.total_ticks)
        .Add("cpus", now.cpus);
    if (total > 0) event.Add("idle_ratio", static_cast<double>(idle) / static_cast<double>(total));
    event.Send();
    before = now;
  }
}
