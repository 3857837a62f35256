// Prunes the journal while the actuator runs.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "lib/base/clock.h"

namespace mailhub::journal {
class Pruner;
}

namespace mailhub {

struct RetentionOptions {
  std::string journal;     // its file
  std::string journal_id;  // so that no other one is pruned
  Milliseconds keep_decisions{0};
  Milliseconds keep_runs{0};
  Milliseconds first{60'000};  // from the start to the first pass: a start has other things to do
  Milliseconds between{3'600'000};  // from the end of a pass to the next
  Milliseconds pause{20};           // between two steps of a pass, for the writer
};

// Owns a thread that begins with the constructor and ends with the destructor, within one step. The
// journal must be open in this process meanwhile. Failures are logged and end the pass; the next one
// tries again. `clock` must outlive it.
class Retention {
 public:
  Retention(RetentionOptions options, const Clock* clock);

 private:
  void Run(const std::stop_token& stop);
  void Pass(const std::stop_token& stop, journal::Pruner* pruner);
  // False: it is to end.
  bool Wait(const std::stop_token& stop, Milliseconds time);

  const RetentionOptions options_;
  const Clock* const clock_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace mailhub
