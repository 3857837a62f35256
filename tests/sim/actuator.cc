// See actuator.h.
#include "tests/sim/actuator.h"

#include "tests/sim/plans.h"

namespace mailhub::sim {
namespace {

constexpr int64_t kCommitRetryMs = 700;

engine::EngineConfig Config() {
  engine::EngineConfig config;
  config.poll_gate = Milliseconds(1000);
  const auto trigger = [&](const char* alert, const char* runbook) {
    engine::Trigger one;
    one.name = alert;
    one.matchers = {{"alertname", engine::Matcher::Op::kEqual, alert}};
    one.runbook = runbook;
    one.parameters = ShortWindows();
    return one;
  };
  config.triggers.push_back(trigger("TablesStale", "mailhub-rebuild"));
  config.triggers[0].parameters_from_labels = {{"mailhub", "instance"}};
  config.triggers.push_back(trigger("DirectoryTooBig", "directory-restart"));
  config.triggers[1].only_if =
      "mailhub_process_resident_memory_bytes{instance=\"x500\",process=\"eddy\"} > 500e6";
  config.triggers[1].on_resolved = engine::OnResolved::kCancel;
  return config;
}

}  // namespace

Actuator::Actuator(Seams seams)
    : seams_(std::move(seams)),
      born_ms_(seams_.world->now_ms()),
      engine_(Config(), seams_.plans, seams_.ids) {}

// Steady time means nothing across lives: each counts from its own beginning.
engine::Moment Actuator::Now() const {
  return {seams_.wall(), SteadyTime(Milliseconds(seams_.world->now_ms() - born_ms_ + 1'000'000))};
}

int64_t Actuator::NextWakeMs() const {
  const auto deadline = engine_.NextDeadline();
  if (!deadline || !Ready()) return INT64_MAX;
  return deadline->time_since_epoch().count() - 1'000'000 + born_ms_;
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
      if (auto* asked = std::get_if<engine::Notification>(&inbox_.front())) asked_ = *asked;
      turn_ = engine_.Handle(inbox_.front(), Now());
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
      stalled_ = true;
      return false;
    default:
      return true;
  }
}

// The turn's stages can each be left, by stalling or failing, and are taken up where they were.
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

// As actuator/journal does it: what is recorded already must be the same; somebody else's events
// end the program.
bool Actuator::Commit() {
  if (turn_.events.empty()) {
    committed_ = true;
    return true;
  }
  const Fate fate = seams_.fate(Seam::kBeforeCommit);
  dead_ = fate == Fate::kCrash;
  stalled_ = fate == Fate::kStall;
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
    blocked_ = true;
    asked_.reset();  // it was told so
    seams_.world->PlanIn(kCommitRetryMs, [self = weak_from_this()] {
      if (const auto actuator = self.lock()) {
        actuator->blocked_ = false;
        actuator->Run();
      }
    });
    return false;
  }
  committed_ = true;
  return Survives(Seam::kAfterCommit);
}

void Actuator::Perform(const engine::Effect& effect) {
  const auto answer = [self = weak_from_this(), id = effect.id](auto done) {
    done.id = id;
    if (const auto actuator = self.lock()) actuator->Feed(std::move(done));
  };
  if (const auto* request = std::get_if<engine::RemoteRequest>(&effect.what)) {
    seams_.world->Send(*request, {seams_.journal->id, engine_.epoch()},
                       [answer](engine::RemoteReply reply) {
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
