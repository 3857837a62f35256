// Work in slots of 50 ms: burns the load's part by the thread's own CPU clock, sleeps for the rest
// of the slot.
#include "common/burner.h"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace lab {
namespace {

constexpr std::chrono::milliseconds kSlot{50};

std::chrono::nanoseconds ThreadCpu() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void BurnSlots(const std::stop_token& stop, double load, long slots) {
  const auto work = std::chrono::duration_cast<std::chrono::microseconds>(kSlot * load);
  auto slot_end = std::chrono::steady_clock::now();
  for (long slot = 0; slot < slots && !stop.stop_requested(); ++slot) {
    slot_end = std::max(slot_end + kSlot, std::chrono::steady_clock::now());
    UseCpu(work);
    std::this_thread::sleep_until(slot_end);
  }
}

}  // namespace

void UseCpu(std::chrono::microseconds cpu_time) {
  const auto end = ThreadCpu() + cpu_time;
  volatile double value = 1.0;
  while (ThreadCpu() < end) {
    for (int i = 0; i < 2000; ++i) value = std::sqrt(value + i);
  }
}

Burner::Burner(double load, double seconds) {
  const double share = std::clamp(load, 0.0, 1.0);
  const long slots = std::lround(seconds / std::chrono::duration<double>(kSlot).count());
  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    threads_.emplace_back(
        [share, slots](const std::stop_token& stop) { BurnSlots(stop, share, slots); });
  }
}

void Burner::Join(const std::stop_token& stop) {
  const std::stop_callback forward(stop, [this] {
    for (std::jthread& thread : threads_) thread.request_stop();
  });
  for (std::jthread& thread : threads_) thread.join();
}

}  // namespace lab
