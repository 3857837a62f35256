// See simulation.h.
#include "tests/sim/simulation.h"

#include <algorithm>

namespace mailhub::sim {

using engine::HoldReason;
using engine::Run;
using engine::Verb;

namespace {

constexpr int64_t kNotifyEveryMs = 30'000;
constexpr int64_t kOperatorEveryMs = 60'000;
constexpr int64_t kWeatherEveryMs = 5'000;
constexpr int64_t kLongestRecordingLagMs = 120'000;

}  // namespace

// The shipped plans, or what a mutation leaves of them.
class Simulation::Plans final : public engine::PlanSource {
 public:
  explicit Plans(Mutation mutation) : mutation_(mutation) {}
  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override {
    Result<engine::Plan> plan = ShippedPlan(runbook, parameters);
    if (!plan || mutation_ == Mutation::kNone) return plan;
    if (mutation_ == Mutation::kPlanWithoutLocks) plan->locks.clear();
    if (mutation_ == Mutation::kPlanWithoutAlways) plan->always.clear();
    for (engine::Step& step : plan->steps) {
      if (mutation_ == Mutation::kPlanWithoutDeadMan) step.dead_man.reset();
      if (mutation_ == Mutation::kRetriesWhatIsUnknown) step.idempotent = true;
    }
    return plan;
  }

 private:
  const Mutation mutation_;
};

Simulation::Simulation(const SimOptions& options)
    : options_(options),
      world_(options.seed, options.faults, options.mutation,
             [this](Observation observation) { Observe(std::move(observation)); }),
      plans_(std::make_unique<Plans>(options.mutation)) {
  if (world_.Chance(0.5)) recording_lag_ms_ = world_.Between(0, kLongestRecordingLagMs);
  if (world_.Chance(world_.faults.foreign_actuator)) {
    world_.faults.wipe_receipts = 0;  // who comes first to a host without receipts has it
    world_.PlanIn(world_.Between(1000, options_.safe_ms / 2), [this] {
      foreign_ = Make(&foreign_journal_, false);
      foreign_->Start();
    });
  }
  Boot();
}

Simulation::~Simulation() = default;

WallTime Simulation::Wall() const {
  return FromUnixMs(1'700'000'000'000 + world_.now_ms() + wall_offset_ms_);
}

void Simulation::Observe(Observation observation) {
  if (!broken_) broken_ = invariants_.See(observation);
  history_.push_back(std::move(observation));
}

// --- actuators

std::shared_ptr<Actuator> Simulation::Make(Journal* journal, bool is_main) {
  Actuator::Seams seams;
  seams.world = &world_;
  seams.journal = journal;
  seams.plans = plans_.get();
  seams.ids = [this] {
    const std::string number = std::to_string(next_id_++);
    return number + std::string(32 - number.size(), '0');
  };
  seams.wall = [this] { return Wall(); };
  // A deposed one goes on undisturbed, to do as much harm as it can.
  auto self = std::make_shared<std::weak_ptr<Actuator>>();
  seams.in_office = [this, is_main, self] { return is_main && self->lock() == main_; };
  seams.fate = [this, in_office = seams.in_office](Seam seam) {
    return in_office() ? FateAt(seam) : Fate::kGoOn;
  };
  seams.recorded = [this, is_main](const engine::Event& event) {
    if (is_main) world_.Observe(Recorded{event});
  };
  seams.answered = [this, is_main](const engine::Notification& notification) {
    if (!is_main) return;
    Answered answered{notification.id, {}};
    for (const auto& alert : notification.alerts)
      answered.fingerprints.push_back(alert.fingerprint);
    world_.Observe(std::move(answered));
  };
  auto actuator = std::make_shared<Actuator>(std::move(seams));
  *self = actuator;
  return actuator;
}

void Simulation::Boot() {
  main_ = Make(&journal_, true);
  main_->Start();
  Settle();
}

Fate Simulation::FateAt(Seam seam) {
  ++seam_calls_;
  const bool commit = seam == Seam::kBeforeCommit;
  const bool can_fail = options_.fate == Fate::kCrash || options_.fate == Fate::kStall || commit;
  Fate fate = Fate::kGoOn;
  if (options_.at_call == seam_calls_ && can_fail) {
    fate = options_.fate;
  } else if (world_.Chance(world_.faults.crash)) {
    fate = Fate::kCrash;
  } else if (world_.Chance(world_.faults.depose)) {
    fate = Fate::kStall;
  } else if (commit && world_.Chance(world_.faults.commit_fails)) {
    fate = Fate::kCommitFails;
  } else if (commit && world_.Chance(world_.faults.commit_seems_to_fail)) {
    fate = Fate::kCommitSeemsToFail;
  }
  if (fate == Fate::kCrash || fate == Fate::kStall) lost_ = fate;
  return fate;
}

void Simulation::Settle() {
  // It also dies of finding that somebody else has written to its journal.
  if (main_ && main_->dead()) lost_ = Fate::kCrash;
  if (lost_ == Fate::kGoOn) return;
  const int64_t away_ms =
      options_.away_at_most ? world_.Between(500, options_.away_ms) : options_.away_ms;
  if (lost_ == Fate::kStall) {
    deposed_.push_back(main_);
    world_.PlanIn(away_ms + world_.Between(1, 120'000), [stalled = main_] { stalled->Resume(); });
  }
  main_.reset();
  lost_ = Fate::kGoOn;
  world_.PlanIn(away_ms, [this] { Boot(); });
}

// --- the world's other people

// Alerts are raised by recordings, which lag behind what they record.
engine::Notification Simulation::MakeNotification() {
  const int64_t seen_ms = world_.now_ms() - recording_lag_ms_;
  engine::Notification notification;
  notification.id = "n" + std::to_string(++notifications_);
  const auto alert = [&](const char* name, const char* instance, bool firing) {
    engine::Alert one;
    one.firing = firing;
    one.fingerprint = std::string(name) + instance;
    one.labels = {{"alertname", name}, {"instance", instance}};
    // A restarted Prometheus gives a new one to an alert that never ended.
    one.starts_at = FromUnixMs(1'700'000'000'000 - world_.Between(0, 1) * 60'000);
    notification.alerts.push_back(one);
  };
  const bool stale =
      world_.machines.Value({"mailhub1", "file_mtime_timestamp_seconds aliases"}, seen_ms) == 100;
  const bool big =
      world_.machines.Value({"x500", "process_resident_memory_bytes eddy"}, seen_ms) > 500e6;
  alert("TablesStale", "mailhub1", stale);
  if (big || world_.Chance(0.3)) alert("DirectoryTooBig", "x500", big);
  if (world_.Chance(0.1)) alert("NobodyKnowsThis", "x500", true);
  if (world_.Chance(0.1)) alert("TablesStale", "no-such-host", true);
  return notification;
}

void Simulation::NotifyAll() {
  if (Safe()) {
    const engine::Notification notification = MakeNotification();
    if (main_ && main_->Ready()) main_->Feed(notification);
    if (foreign_) foreign_->Feed(notification);
    if (world_.Chance(0.2) && main_ && main_->Ready()) {  // the other of a pair says it again
      engine::Notification again = notification;
      again.id = "n" + std::to_string(++notifications_);
      main_->Feed(std::move(again));
    }
    Settle();
    world_.PlanIn(kNotifyEveryMs, [this] { NotifyAll(); });
  }
}

void Simulation::BadWeather() {
  if (!Safe()) {
    wall_offset_ms_ = 0;
    return;
  }
  if (world_.Chance(world_.faults.clock_step)) {
    const int64_t by_ms = world_.Between(-3'600'000, 3'600'000);
    wall_offset_ms_ += by_ms;
    world_.Observe(ClockStepped{by_ms});
  }
  if (main_ && world_.Chance(world_.faults.mode_changes)) {
    const uint64_t mode = world_.Random() % 3;
    main_->Feed(engine::SetMode{static_cast<engine::Mode>(mode), "operator"});
    Settle();
  }
  world_.PlanIn(kWeatherEveryMs, [this] { BadWeather(); });
}

// What a person would do about a run, drawn from the seed. To resolve a step he looks first whether
// it is so and nothing works at it any more; he skips only waiting.
Verb Simulation::WhatToDo(const Run& run) {
  const uint64_t choice = world_.Random() % 8;
  if (!run.hold) {
    if (run.paused) return Verb::kResume;
    return choice == 0 ? Verb::kCancel : choice <= 2 ? Verb::kPause : Verb::kStart;
  }
  const engine::Step* current = run.Current();
  if (current != nullptr && current->path == run.hold->path) {
    const bool waits =
        current->kind == engine::StepKind::kWaitFor || current->kind == engine::StepKind::kCheck;
    if (choice == 0 && waits) return Verb::kSkip;
    const auto state = run.steps.find(current->path);
    const bool working = !waits && (state == run.steps.end() || !state->second.settled);
    if (choice == 1 && !working && current->gate && world_.Holds(*current->gate)) {
      return Verb::kResolve;
    }
  }
  return choice == 2 && Safe() ? Verb::kCancel : choice <= 4 ? Verb::kResume : Verb::kRetry;
}

void Simulation::ActAsOperator() {
  if (main_ && main_->Ready()) {
    if (!Safe() && invariants_.mode() != engine::Mode::kActive) {
      main_->Feed(engine::SetMode{engine::Mode::kActive, "operator"});
    }
    for (const auto& [id, run] : invariants_.runs()) {
      if (run.stage == engine::Stage::kFinished) continue;
      // A run that does what it should is left alone most of the time.
      if (!run.hold && !run.paused && (!Safe() || !world_.Chance(0.02))) continue;
      engine::Command command;
      command.run = id;
      command.by = "operator";
      command.verb = WhatToDo(run);
      if (command.verb != Verb::kStart) main_->Feed(command);
      break;
    }
    Settle();
  }
  world_.PlanIn(kOperatorEveryMs, [this] { ActAsOperator(); });
}

// --- the two phases

bool Simulation::AtRest() const {
  return main_ && main_->Ready() && invariants_.unfinished() == 0 &&
         std::all_of(runs().begin(), runs().end(),
                     [](const auto& entry) { return entry.second.swept; });
}

std::optional<std::string> Simulation::RunAll() {
  world_.PlanIn(1000, [this] { NotifyAll(); });
  world_.PlanIn(kOperatorEveryMs, [this] { ActAsOperator(); });
  BadWeather();
  world_.Plan(options_.safe_ms, [this] {
    world_.CalmDown();
    foreign_.reset();
  });
  const int64_t end_ms = options_.safe_ms + options_.live_ms;
  while (!broken_ && world_.now_ms() < end_ms) {
    if (!Safe() && AtRest()) break;
    int64_t next_ms = std::min(end_ms, world_.NextPlannedMs());
    if (main_) next_ms = std::min(next_ms, main_->NextWakeMs());
    for (const auto& deposed : deposed_) next_ms = std::min(next_ms, deposed->NextWakeMs());
    if (foreign_) next_ms = std::min(next_ms, foreign_->NextWakeMs());
    world_.AdvanceTo(next_ms);
    std::erase_if(deposed_, [](const auto& deposed) { return deposed->dead(); });
    for (const auto& deposed : deposed_) deposed->Wake();
    if (foreign_) foreign_->Wake();
    if (main_) main_->Wake();
    Settle();
  }
  if (!broken_ && !AtRest()) broken_ = "it never came to rest";
  if (!broken_) world_.Observe(CameToRest{});
  return broken_;
}

std::string Simulation::Story() const {
  return "seed " + std::to_string(options_.seed) + "\n" + Tell(history_) +
         (broken_ ? "broken: " + *broken_ + "\n" : "");
}

}  // namespace mailhub::sim
