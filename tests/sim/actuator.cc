// See actuator.h.
#include "tests/sim/actuator.h"

#include <algorithm>

#include "actuator/engine/testing_trial.h"
#include "tests/sim/engine_seams.h"

namespace mailhub::sim {
namespace {

constexpr int64_t kFirstRetryMs = 700;
constexpr int64_t kRenewalTickMs = 250;
constexpr int64_t kLongestRetryMs = 5000;
constexpr int64_t kSteadyAtBirthMs = 1'000'000;
constexpr int64_t kLatestMs = 300'000;  // of a performer with a deliberate bug

engine::EngineConfig Config(std::vector<engine::Trigger> triggers,
                            std::shared_ptr<const engine::Calendar> calendar) {
  engine::EngineConfig config;
  config.poll_gate = Milliseconds(1000);
  config.lost_for = Milliseconds(600'000);  // a simulation lasts for hours, not for days
  config.triggers = std::move(triggers);
  config.calendar = std::move(calendar);
  return config;
}

}  // namespace

Actuator::Actuator(Seams seams)
    : seams_(std::move(seams)),
      born_ms_(seams_.world->now_ms()),
      engine_(Config(seams_.triggers, seams_.calendar), seams_.plans, seams_.ids) {}

// Steady time has no meaning across lives: each counts from its own beginning.
engine::Moment Actuator::Now() const {
  return {seams_.wall(),
          SteadyTime(Milliseconds(seams_.world->now_ms() - born_ms_ + kSteadyAtBirthMs))};
}

int64_t Actuator::NextWakeMs() const {
  const auto deadline = engine_.NextDeadline();
  if (!deadline || !Ready()) return INT64_MAX;
  return AtMs(*deadline);
}

int64_t Actuator::AtMs(SteadyTime time) const {
  return std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count() -
         kSteadyAtBirthMs + born_ms_;
}

void Actuator::Start() {
  for (const engine::Event& event : seams_.journal->events) {
    engine::Event replayed = event;
    auto* mode = std::get_if<engine::ModeChanged>(&replayed.body);
    if (mode != nullptr && seams_.world->Is(Mutation::kForgetsMode)) {
      mode->mode = engine::Mode::kActive;
    }
    engine_.Apply(replayed);
  }
  turn_ = engine_.Start(Now(), "sim");
  in_turn_ = true;
  committed_ = false;
  Run();
}

std::vector<engine::AlertTrial> Actuator::Try(const engine::Notification& notification) const {
  if (!seams_.world->Is(Mutation::kTriesOneByOne)) {
    const auto trials = engine_.Try(notification, Now());
    return trials ? *trials : std::vector<engine::AlertTrial>();
  }
  std::vector<engine::AlertTrial> trials;
  for (const engine::Alert& alert : notification.alerts) {
    engine::Notification one = notification;
    one.alerts = {alert};
    const auto tried = engine_.Try(one, Now());
    if (tried) trials.insert(trials.end(), tried->begin(), tried->end());
  }
  return trials;
}

void Actuator::Feed(engine::Input input) {
  if (dead_) return;
  inbox_.push_back(std::move(input));
  Run();
}

void Actuator::Resume() {
  stalled_ = false;
  Run();
}

void Actuator::Wake() {
  Run();
}

void Actuator::Run() {
  if (running_) return;
  running_ = true;
  while (Ready()) {
    if (in_turn_) {
      if (!FinishTurn()) break;
    } else if (!inbox_.empty()) {
      std::vector<engine::AlertTrial> trials;
      if (auto* asked = std::get_if<engine::Notification>(&inbox_.front())) {
        asked_ = *asked;
        trials = Try(*asked);
      }
      turn_ = engine_.Handle(inbox_.front(), Now());
      if (asked_ && turn_.answer) {
        seams_.tried(asked_->id, engine::DifferenceFrom(trials, asked_->id, turn_.events));
      }
      inbox_.pop_front();
      in_turn_ = true;
      committed_ = false;
    } else if (NextWakeMs() <= seams_.world->now_ms()) {
      turn_ = engine_.Advance(Now());
      in_turn_ = true;
      committed_ = false;
    } else {
      break;
    }
  }
  running_ = false;
}

bool Actuator::Survives(Seam seam) {
  switch (seams_.fate(seam)) {
    case Fate::kCrash:
      dead_ = true;
      return false;
    case Fate::kStall:
    case Fate::kPause:
      stalled_ = true;
      return false;
    default:
      return true;
  }
}

// The turn may stop at each stage, by stalling or failing, and later continues there.
bool Actuator::FinishTurn() {
  if (asked_ && turn_.answer && seams_.world->Is(Mutation::kAnswersBeforeCommit)) {
    seams_.answered(*asked_);
    asked_.reset();
  }
  if (seams_.world->Is(Mutation::kActsBeforeCommit)) {
    while (performed_ < turn_.effects.size()) Perform(turn_.effects[performed_++]);
  }
  if (!committed_ && !Commit()) return false;
  while (performed_ < turn_.effects.size()) {
    if (!Survives(Seam::kEffect)) return false;
    Perform(turn_.effects[performed_++]);
  }
  if (asked_ && turn_.answer) seams_.answered(*asked_);
  asked_.reset();
  turn_ = engine::Output();
  performed_ = 0;
  in_turn_ = false;
  return true;
}

// Like actuator/journal: already recorded events must be the same; another writer's events end the
// program.
bool Actuator::Commit() {
  if (turn_.events.empty()) {
    committed_ = true;
    return true;
  }
  const Fate fate = seams_.fate(Seam::kBeforeCommit);
  dead_ = fate == Fate::kCrash;
  stalled_ = fate == Fate::kStall || fate == Fate::kPause;
  if (dead_ || stalled_) return false;
  if (fate != Fate::kCommitFails) {
    std::vector<engine::Event>& events = seams_.journal->events;
    for (const engine::Event& event : turn_.events) {
      if (event.seq == events.size() + 1) {
        events.push_back(event);
        seams_.recorded(event);
      } else if (event.seq > events.size() || events[event.seq - 1].at != event.at ||
                 events[event.seq - 1].run != event.run ||
                 events[event.seq - 1].body.index() != event.body.index()) {
        dead_ = true;
        return false;
      }
    }
  }
  if (fate == Fate::kCommitFails || fate == Fate::kCommitSeemsToFail) {
    WaitOutFailure();
    return false;
  }
  retry_ms_ = 0;
  committed_ = true;
  return Survives(Seam::kAfterCommit);
}

// Like actuator/service: no input is taken and no effect performed until the same events are
// recorded, but leases that need no event are renewed.
void Actuator::WaitOutFailure() {
  blocked_ = true;
  asked_.reset();  // it was told so
  retry_ms_ = std::clamp(2 * retry_ms_, kFirstRetryMs, kLongestRetryMs);
  Renew(retry_ms_);
}

// Every quarter of a second until the commit is tried again.
void Actuator::Renew(int64_t left_ms) {
  for (const engine::Effect& effect : RenewWhilePending(&engine_, Now())) {
    if (const auto* request = std::get_if<engine::RemoteRequest>(&effect.what)) {
      AskHost(*request, [self = weak_from_this(), id = effect.id](engine::RemoteReply reply) {
        const auto actuator = self.lock();
        if (!actuator || actuator->dead_) return;
        NoteRenewal(&actuator->engine_, engine::RemoteDone{id, std::move(reply)});
      });
    }
  }
  const int64_t pause_ms = std::min(left_ms, kRenewalTickMs);
  seams_.world->PlanIn(pause_ms, [self = weak_from_this(), left_ms = left_ms - pause_ms] {
    const auto actuator = self.lock();
    if (!actuator || actuator->dead_) return;
    if (left_ms > 0) {
      actuator->Renew(left_ms);
    } else {
      actuator->blocked_ = false;
      actuator->Run();
    }
  });
}

void Actuator::AskHost(const engine::RemoteRequest& request,
                       const std::function<void(engine::RemoteReply)>& then) {
  Sender by{seams_.journal->id, engine_.epoch()};
  const auto before = BeginBefore(request);
  if (before && !seams_.world->Is(Mutation::kActsLate)) by.begin_by_ms = AtMs(*before);
  seams_.world->Send(request, by, then);
}

void Actuator::Perform(const engine::Effect& effect) {
  if (!seams_.world->Is(Mutation::kActsLate) || seams_.world->Random() % 16 != 0) {
    PerformNow(effect);
    return;
  }
  seams_.world->PlanIn(seams_.world->Between(1000, kLatestMs), [self = weak_from_this(), effect] {
    if (const auto actuator = self.lock()) actuator->PerformNow(effect);
  });
}

void Actuator::PerformNow(const engine::Effect& effect) {
  const auto answer = [self = weak_from_this(), id = effect.id](auto done) {
    done.id = id;
    if (const auto actuator = self.lock()) actuator->Feed(std::move(done));
  };
  if (const auto* request = std::get_if<engine::RemoteRequest>(&effect.what)) {
    const auto before = BeginBefore(*request);
    if (before && Now().steady >= *before && !seams_.world->Is(Mutation::kActsLate)) {
      engine::RemoteReply dropped;
      dropped.receipt = Fail(ErrorKind::kUnreachable, "its time had passed; nothing was sent");
      seams_.world->PlanIn(0, [answer, dropped] { answer(engine::RemoteDone{0, dropped}); });
      return;
    }
    AskHost(*request, [answer](engine::RemoteReply reply) {
      answer(engine::RemoteDone{0, std::move(reply)});
    });
  } else if (const auto* gate = std::get_if<engine::GateQuestion>(&effect.what)) {
    seams_.world->Ask(*gate, seams_.in_office(), [answer](engine::GateReading reading) {
      answer(engine::GateDone{0, std::move(reading)});
    });
  } else {
    seams_.world->Ask(std::get<engine::QueryQuestion>(effect.what),
                      [answer](engine::QueryReading reading) {
                        answer(engine::QueryDone{0, std::move(reading)});
                      });
  }
}

}  // namespace mailhub::sim
