// The queue to the thread that owns the engine. Requests are bounded and may be refused. Results of
// effects are never refused: their number is bounded by the effects in flight.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/engine.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace mailhub::service {

// New triggers and runbooks after a reload.
struct Reconfigure {
  engine::EngineConfig config;
  std::shared_ptr<const engine::PlanSource> plans;
  std::function<void()> applied;  // called by the owner, just after; may be empty
  // Whether the new site has that host. A reload that removes a host of an unfinished run is
  // refused: its dead men could not be renewed. Empty: all.
  std::function<bool(const std::string&)> knows_host = {};
};

// A question about the engine's state, asked on the owner's thread in the order of all requests.
// It changes nothing.
struct Consult {
  std::function<void(const engine::Engine& engine, engine::Moment now)> ask;
};

using Request = std::variant<engine::Notification, engine::Command, engine::SetMode,
                             engine::TakeOver, engine::CloseEpisode, Reconfigure, Consult>;

// One request with its waiting asker. Thread-safe.
class Ticket {
 public:
  explicit Ticket(Request request) : request_(std::move(request)) {}

  // For the asker. Blocks until the answer. After `patience`: kOverloaded when the request surely
  // had no effect, else kOutcomeUnknown.
  Result<std::string> Wait(Milliseconds patience);

  // For the owner. False when the asker has gone: the request must not be handled then.
  bool Take();
  const Request& request() const { return request_; }  // after Take()
  void Answer(Result<std::string> answer);             // the first call counts

 private:
  enum class State { kWaiting, kTaken, kAbandoned, kAnswered };

  const Request request_;
  std::mutex mutex_;
  std::condition_variable answered_;
  State state_ = State::kWaiting;
  Result<std::string> answer_ = std::string();
};

// Thread-safe; Wait() is only for the owner thread.
class Inbox {
 public:
  explicit Inbox(size_t most_waiting) : most_waiting_(most_waiting) {}

  // kOverloaded when full; the reason given to Refuse() while refusing.
  Result<std::shared_ptr<Ticket>> Ask(Request request);
  void PostResult(engine::Input result);

  // Refuses requests from now on with `why`, also those that wait; nothing: accepts them again.
  void Refuse(std::optional<Error> why);

  struct Batch {
    std::vector<std::shared_ptr<Ticket>> tickets;
    std::vector<engine::Input> results;
  };
  // All results and at most `most_tickets` requests, as soon as there is one; an empty batch after
  // `longest` (never when absent) or after Wake().
  Batch Wait(std::optional<Milliseconds> longest, size_t most_tickets);
  // Waits for `pause` or Wake(), and takes nothing.
  void Pause(Milliseconds pause);
  void Wake();

 private:
  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Ticket>> tickets_;
  std::vector<engine::Input> results_;
  std::optional<Error> refusal_;
  bool woken_ = false;
};

}  // namespace mailhub::service
