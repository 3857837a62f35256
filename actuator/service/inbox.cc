// See inbox.h.
#include "actuator/service/inbox.h"

#include <utility>

namespace mailhub::service {

Result<std::string> Ticket::Wait(Milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (answered_.wait_for(lock, patience, [this] { return state_ == State::kAnswered; })) {
    return answer_;
  }
  if (state_ == State::kTaken) {
    return Fail(ErrorKind::kOutcomeUnknown,
                "not recorded yet; it may still take effect, look before asking again");
  }
  state_ = State::kAbandoned;
  return Fail(ErrorKind::kOverloaded, "too busy; nothing was done, ask again later");
}

bool Ticket::Take() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kWaiting) return false;
  state_ = State::kTaken;
  return true;
}

void Ticket::Answer(Result<std::string> answer) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kAnswered || state_ == State::kAbandoned) return;
  answer_ = std::move(answer);
  state_ = State::kAnswered;
  // Under the lock: the asker may destroy the ticket as soon as it gets the lock.
  answered_.notify_one();
}

Result<std::shared_ptr<Ticket>> Inbox::Ask(Request request) {
  auto ticket = std::make_shared<Ticket>(std::move(request));
  {
    const std::lock_guard lock(mutex_);
    if (refusal_) return Fail(*refusal_);
    if (tickets_.size() >= most_waiting_) {
      return Fail(ErrorKind::kOverloaded, "too many requests are waiting; ask again later");
    }
    tickets_.push_back(ticket);
  }
  changed_.notify_one();
  return ticket;
}

void Inbox::PostResult(engine::Input result) {
  {
    const std::lock_guard lock(mutex_);
    results_.push_back(std::move(result));
  }
  changed_.notify_one();
}

void Inbox::Refuse(std::optional<Error> why) {
  std::deque<std::shared_ptr<Ticket>> refused;
  {
    const std::lock_guard lock(mutex_);
    if (why) refused.swap(tickets_);
    refusal_ = why;
  }
  for (const auto& ticket : refused) ticket->Answer(Fail(*why));
}

Inbox::Batch Inbox::Wait(std::optional<Milliseconds> longest, size_t most_tickets) {
  std::unique_lock lock(mutex_);
  const auto something = [this] { return woken_ || !tickets_.empty() || !results_.empty(); };
  if (longest) {
    changed_.wait_for(lock, *longest, something);
  } else {
    changed_.wait(lock, something);
  }
  woken_ = false;
  Batch batch;
  batch.results.swap(results_);
  while (!tickets_.empty() && batch.tickets.size() < most_tickets) {
    batch.tickets.push_back(std::move(tickets_.front()));
    tickets_.pop_front();
  }
  return batch;
}

void Inbox::Pause(Milliseconds pause) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, pause, [this] { return woken_; });
  woken_ = false;
}

void Inbox::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

}  // namespace mailhub::service
