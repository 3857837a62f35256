// See seeds.h.
#include "tests/sim/seeds.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace mailhub::sim {
namespace {

// The engine aborts when it finds itself in a state that must not be; say where.
thread_local uint64_t current_number = 0;

void OnAbort(int) {
  std::fprintf(stderr, "aborted at number %llu\n",
               static_cast<unsigned long long>(current_number));  // NOLINT: the end anyway
}

}  // namespace

Faults BadWeather() {
  Faults faults;
  faults.refuse = 0.02;
  faults.hang = 0.005;
  faults.lose_reply = 0.03;
  faults.delay = 0.01;
  faults.reboot = 0.001;
  faults.wipe_receipts = 0.2;
  faults.change_key = 0.001;
  faults.fail_command = 0.02;
  faults.slow_command = 0.02;
  faults.drop_sample = 0.03;
  faults.delay_sample = 0.03;
  faults.prometheus_away = 0.03;
  faults.crash = 0.003;
  faults.depose = 0.001;
  faults.commit_fails = 0.01;
  faults.commit_seems_to_fail = 0.01;
  faults.clock_step = 0.002;
  faults.mode_changes = 0.002;
  faults.foreign_actuator = 0.1;
  return faults;
}

std::optional<Failure> ForEach(uint64_t first, uint64_t last,
                               const std::function<std::optional<std::string>(uint64_t)>& one) {
  std::signal(SIGABRT, OnAbort);
  std::atomic<uint64_t> next = first;
  std::mutex mutex;
  std::optional<Failure> worst;
  const auto work = [&] {
    for (uint64_t number = next++; number <= last; number = next++) {
      current_number = number;
      if (auto story = one(number)) {
        const std::lock_guard lock(mutex);
        if (!worst || number < worst->number) worst = Failure{number, std::move(*story)};
        next = last + 1;
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < cores; ++i) workers.emplace_back(work);
  }
  std::signal(SIGABRT, SIG_DFL);
  return worst;
}

}  // namespace mailhub::sim
