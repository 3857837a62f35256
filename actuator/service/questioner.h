// Sends the engine's questions to Prometheus on its own threads, because a query blocks and the
// engine never waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "actuator/engine/engine.h"
#include "actuator/engine/ports.h"
#include "actuator/service/inbox.h"

namespace mailhub::service {

// Owns its threads. Thread-safe. Every question gets an answer in the inbox, also when too many
// wait (then: unreachable, ask again); only questions still waiting at the end get none.
class Questioner {
 public:
  using Question = std::variant<engine::GateQuestion, engine::QueryQuestion>;

  // `port` must outlive it.
  Questioner(engine::ConditionPort* port, std::shared_ptr<Inbox> inbox, size_t threads,
             size_t most_waiting);
  ~Questioner();  // waits for the queries under way
  Questioner(const Questioner&) = delete;
  Questioner& operator=(const Questioner&) = delete;

  void Post(engine::EffectId id, Question question);

 private:
  struct Work {
    engine::EffectId id = 0;
    Question question;
  };
  void Run(const std::stop_token& stop);
  engine::Input Answer(const Work& work);

  engine::ConditionPort* const port_;
  const std::shared_ptr<Inbox> inbox_;
  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Work> waiting_;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace mailhub::service
