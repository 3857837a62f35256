// See seeds.h.
#include "tests/sim/seeds.h"

#include <atomic>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>
#include <vector>

namespace mailhub::sim {
namespace {

constexpr double kSayEverySeconds = 15;

// The engine aborts in an invalid state; this tells the seed.
thread_local uint64_t current_number = 0;

void OnAbort(int) {
  std::fprintf(stderr, "aborted at number %llu\n",
               static_cast<unsigned long long>(current_number));  // NOLINT: the end anyway
}

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no code sets any
  return value == nullptr ? "" : value;
}

// The sentence without names and numbers of hosts, services, runbooks, keys and steps.
std::string KindOf(const std::string& sentence) {
  std::istringstream words(sentence);
  std::string kind;
  for (std::string word; words >> word;) {
    if (word.find_first_of("0123456789/{") != std::string::npos) continue;
    if (word.starts_with("made-") || word == "alpha" || word == "beta" || word == "gamma") continue;
    kind += (kind.empty() ? "" : " ") + word;
    if (kind.size() > 90) break;
  }
  return kind;
}

}  // namespace

SimOptions OptionsFor(uint64_t seed) {
  static const std::string only = FromEnvironment("MAILHUB_SIM_ONLY");
  static const std::string runbooks = FromEnvironment("MAILHUB_SIM_RUNBOOKS");
  static const std::string complaint = FromEnvironment("MAILHUB_SIM_COMPLAINT");
  static const Faults faults = [] {
    const auto named = OnlyFaults(only.empty() ? "all" : only);
    if (named) return *named;
    std::fprintf(stderr, "MAILHUB_SIM_ONLY: %s\n", named.error().message.c_str());
    std::exit(2);  // NOLINT(concurrency-mt-unsafe)
  }();
  SimOptions options;
  options.seed = seed;
  options.faults = only.empty() ? Swarm(faults, seed) : faults;
  options.made_up = runbooks.empty() ? seed % 4 != 0 : runbooks == "made_up";
  options.complaint = complaint;
  return options;
}

std::optional<Failure> ForEach(uint64_t first, uint64_t last,
                               const std::function<std::optional<std::string>(uint64_t)>& one) {
  std::signal(SIGABRT, OnAbort);
  std::atomic<uint64_t> next = first;
  std::mutex mutex;
  std::optional<Failure> worst;
  const auto began = std::chrono::steady_clock::now();
  double said = kSayEverySeconds;
  const auto say = [&](uint64_t number) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const std::lock_guard lock(mutex);
    if (took.count() < said) return;
    said = took.count() + kSayEverySeconds;
    std::cout << number - first << " of " << last - first + 1 << ", "
              << static_cast<double>(number - first) / took.count() << " per second" << std::endl;
  };
  const auto work = [&] {
    for (uint64_t number = next++; number <= last; number = next++) {
      current_number = number;
      if (auto story = one(number)) {
        const std::lock_guard lock(mutex);
        if (!worst || number < worst->number) worst = Failure{number, std::move(*story)};
        next = last + 1;
      }
      if (number % 64 == 0) say(number);
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

void Census::Count(uint64_t seed, const std::string& complaint) {
  const std::lock_guard lock(mutex_);
  Kind& kind = kinds_[KindOf(complaint)];
  if (kind.count++ == 0 || seed < kind.first) {
    kind.first = seed;
    kind.sentence = complaint;
  }
}

std::string Census::Table() const {
  const std::lock_guard lock(mutex_);
  std::ostringstream table;
  for (const auto& [name, kind] : kinds_) {
    table << std::setw(8) << kind.count << "  first " << std::setw(7) << kind.first << "  "
          << kind.sentence << '\n';
  }
  return table.str();
}

}  // namespace mailhub::sim
