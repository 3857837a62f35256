// See questioner.h.
#include "actuator/service/questioner.h"

#include <string>
#include <utility>

namespace mailhub::service {
namespace {

constexpr const char* kBusy = "too many questions to Prometheus are waiting";

engine::Input Busy(engine::EffectId id, const Questioner::Question& question) {
  if (std::holds_alternative<engine::GateQuestion>(question)) {
    engine::GateReading reading;
    reading.state = engine::GateState::kUnreachable;
    reading.why = kBusy;
    return engine::GateDone{.id = id, .reading = std::move(reading)};
  }
  engine::QueryReading reading;
  reading.holds = Fail(ErrorKind::kUnreachable, kBusy);
  return engine::QueryDone{.id = id, .reading = std::move(reading)};
}

}  // namespace

Questioner::Questioner(engine::ConditionPort* port, std::shared_ptr<Inbox> inbox, size_t threads,
                       size_t most_waiting)
    : port_(port), inbox_(std::move(inbox)), most_waiting_(most_waiting) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Run(stop); });
  }
}

Questioner::~Questioner() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void Questioner::Post(engine::EffectId id, Question question) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < most_waiting_) {
      waiting_.push_back({id, std::move(question)});
      changed_.notify_one();
      return;
    }
  }
  inbox_->PostResult(Busy(id, question));
}

void Questioner::Run(const std::stop_token& stop) {
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      if (stop.stop_requested()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    inbox_->PostResult(Answer(work));
  }
}

engine::Input Questioner::Answer(const Work& work) {
  if (const auto* gate = std::get_if<engine::GateQuestion>(&work.question)) {
    return engine::GateDone{.id = work.id, .reading = port_->Evaluate(*gate)};
  }
  const auto& query = std::get<engine::QueryQuestion>(work.question);
  return engine::QueryDone{.id = work.id, .reading = port_->Ask(query)};
}

}  // namespace mailhub::service
