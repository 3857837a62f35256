// See simulation.h.
#include "tests/sim/simulation.h"

#include <algorithm>

#include "tests/sim/metrics.h"

namespace mailhub::sim {

namespace {

constexpr int64_t kNotifyEveryMs = 30'000;
constexpr int64_t kLatestNotificationMs = 90'000;
constexpr int64_t kLookEveryMs = 45'000;
constexpr int64_t kWeatherEveryMs = 5'000;
constexpr int64_t kOpenAgainMs = 10'000;
constexpr int64_t kYearMs = 31'557'600'000;
// A host that is gone for ever leaves runs that a person must decide about; they are followed this
// long.
constexpr int64_t kWithoutRestMs = 3'600'000;

}  // namespace

// The playbook's plans, perhaps changed by a mutation.
class Simulation::Plans final : public engine::PlanSource {
 public:
  Plans(Mutation mutation, const Playbook* playbook) : mutation_(mutation), playbook_(playbook) {}
  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override {
    Result<engine::Plan> plan = playbook_->Make(runbook, parameters);
    if (!plan || mutation_ == Mutation::kNone) return plan;
    if (mutation_ == Mutation::kPlanWithoutLocks) plan->locks.clear();
    if (mutation_ == Mutation::kPlanWithoutAlways) plan->always.clear();
    for (engine::Step& step : plan->steps) {
      if (mutation_ == Mutation::kPlanWithoutDeadMan) step.dead_man.reset();
      if (mutation_ == Mutation::kPlanWithoutTimeouts) step.timeout = Milliseconds(86'400'000);
      if (mutation_ == Mutation::kRetriesWhatIsUnknown) step.idempotent = true;
      if (mutation_ == Mutation::kPlanWithoutQuestionTimeouts && step.approval) {
        step.approval->timeout = Milliseconds(0);
      }
    }
    return plan;
  }

 private:
  const Mutation mutation_;
  const Playbook* const playbook_;
};

Simulation::Simulation(const SimOptions& options)
    : options_(options),
      playbook_(options.made_up ? MadeUpPlaybook(options.seed) : ShippedPlaybook()),
      invariants_(playbook_),
      world_(options.seed, options.faults, options.mutation, options.made_up,
             [this](Observation observation) { Observe(std::move(observation)); }),
      plans_(std::make_unique<Plans>(options.mutation, playbook_.get())),
      alertmanager_(&world_, playbook_.get()),
      people_({&world_, &invariants_.known(), [this] { return main_.get(); }, [this] { Settle(); },
               [this] { return Safe(); }}) {
  if (world_.Chance(world_.faults.foreign_actuator)) {
    world_.faults.wipe_receipts = 0;  // the first actuator at a host without receipts owns it
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
  auto complaint = invariants_.See(observation);
  const bool counts = complaint && complaint->find(options_.complaint) != std::string::npos;
  if (counts && !broken_) broken_ = std::move(complaint);
  history_.push_back(std::move(observation));
}

// --- actuators

std::shared_ptr<Actuator> Simulation::Make(JournalFile* journal, bool is_main) {
  Actuator::Seams seams;
  seams.world = &world_;
  seams.journal = journal;
  seams.plans = plans_.get();
  seams.triggers = playbook_->triggers();
  for (engine::Trigger& trigger : seams.triggers) {
    if (world_.Is(Mutation::kTriesForEver)) trigger.attempts = 1000;
  }
  seams.calendar = CalendarOf(playbook_->times(), options_.mutation);
  seams.ids = [this] {
    const std::string number = std::to_string(next_id_++);
    // The first six characters distinguish runs.
    return std::string(6 - number.size(), '0') + number + std::string(26, '0');
  };
  seams.wall = [this] { return Wall(); };
  // A deposed one continues undisturbed, to do as much harm as it can.
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
  seams.tried = [this](const std::string& notification, const std::string& difference) {
    if (!difference.empty()) world_.Observe(TriedOtherwise{notification, difference});
  };
  auto actuator = std::make_shared<Actuator>(std::move(seams));
  *self = actuator;
  return actuator;
}

void Simulation::Boot() {
  if (const Status opened = journal_.Open(); !opened) {
    world_.Observe(Happened{"the start is refused: " + opened.error().message});
    world_.PlanIn(kOpenAgainMs, [this] { Boot(); });
    return;
  }
  main_ = Make(&journal_, true);
  main_->Start();
  Settle();
}

Fate Simulation::FateAt(Seam seam) {
  ++seam_calls_;
  const bool commit = seam == Seam::kBeforeCommit;
  if (commit && world_.now_ms() < disk_full_until_ms_) return Fate::kCommitFails;
  const bool can_fail =
      commit || (options_.fate != Fate::kCommitFails && options_.fate != Fate::kCommitSeemsToFail);
  const Fate fate = options_.at_call == seam_calls_ && can_fail ? options_.fate : DrawFate(commit);
  if (fate == Fate::kCrash || fate == Fate::kStall) lost_ = fate;
  if (fate == Fate::kPause) StandStill();
  return fate;
}

Fate Simulation::DrawFate(bool commit) {
  if (world_.Chance(world_.faults.crash)) return Fate::kCrash;
  if (world_.Chance(world_.faults.depose)) return Fate::kStall;
  if (world_.Chance(world_.faults.pause)) return Fate::kPause;
  if (commit && world_.Chance(world_.faults.commit_fails)) return Fate::kCommitFails;
  if (commit && world_.Chance(world_.faults.commit_seems_to_fail)) return Fate::kCommitSeemsToFail;
  return Fate::kGoOn;
}

// No other takes its place, and it continues where it was.
void Simulation::StandStill() {
  const int64_t ms = world_.Between(500, world_.Chance(0.2) ? 1'200'000 : 60'000);
  world_.Observe(Happened{"it is stopped for " + std::to_string(ms) + " ms"});
  world_.PlanIn(ms, [this, stopped = std::weak_ptr<Actuator>(main_)] {
    const auto actuator = stopped.lock();
    if (!actuator) return;
    actuator->Resume();
    Settle();
  });
}

void Simulation::Settle() {
  // It also dies when it finds another writer's events in its journal.
  if (main_ && main_->dead()) lost_ = Fate::kCrash;
  if (lost_ == Fate::kGoOn) return;
  const int64_t away_ms =
      options_.away_at_most ? world_.Between(500, options_.away_ms) : options_.away_ms;
  if (lost_ == Fate::kStall) {
    deposed_.push_back(main_);
    world_.PlanIn(away_ms + world_.Between(1, 120'000), [stalled = main_] { stalled->Resume(); });
  }
  main_.reset();
  if (lost_ == Fate::kCrash) TroubleTheJournal();
  lost_ = Fate::kGoOn;
  world_.PlanIn(away_ms, [this] { Boot(); });
}

// A person repairs it after a while; a program that begins without its journal is a mutation.
void Simulation::TroubleTheJournal() {
  if (!world_.Chance(world_.faults.journal_trouble) || journal_.events.empty()) return;
  if (world_.Is(Mutation::kJournalBeginsAnew)) journal_.events.clear();
  if (world_.Is(Mutation::kJournalTakesOldCopy)) {
    journal_.events.resize(journal_.events.size() / 2);
  }
  journal_.trouble =
      world_.Chance(0.5) ? JournalFile::Trouble::kGone : JournalFile::Trouble::kOlderCopy;
  world_.Observe(Happened{"the journal is gone or an older copy"});
  world_.PlanIn(world_.Between(5000, world_.Chance(0.2) ? 2'400'000 : 300'000),
                [this] { journal_.Mend(); });
}

void Simulation::NoteWhetherUp() {
  const bool up = main_ && main_->Ready();
  if (up != was_up_) world_.Observe(ActuatorIs{up});
  was_up_ = up;
}

void Simulation::LookAtMetrics() {
  if (main_ && main_->Ready()) {
    world_.Observe(ReadMetrics(main_->Look(), Wall(), world_.Is(Mutation::kSilencesHeldRuns)));
  }
  world_.PlanIn(kLookEveryMs, [this] { LookAtMetrics(); });
}

// --- the world around it

void Simulation::NotifyAll() {
  if (!Safe()) return;
  const engine::Notification notification = alertmanager_.Notify();
  if (world_.Chance(world_.faults.late_notification)) {
    world_.PlanIn(world_.Between(1000, kLatestNotificationMs), [this, notification] {
      if (main_ && main_->Ready()) main_->Feed(notification);
      Settle();
    });
  } else if (main_ && main_->Ready()) {
    main_->Feed(notification);
  }
  if (foreign_) foreign_->Feed(notification);
  if (world_.Chance(0.2) && main_ && main_->Ready()) main_->Feed(alertmanager_.Again(notification));
  Settle();
  world_.PlanIn(kNotifyEveryMs, [this] { NotifyAll(); });
}

void Simulation::BadWeather() {
  if (!Safe()) {
    if (wall_offset_ms_ != 0) world_.Observe(ClockStepped{-wall_offset_ms_});
    wall_offset_ms_ = disk_full_until_ms_ = 0;
    return;
  }
  const auto step = [this](int64_t by_ms) {
    wall_offset_ms_ += by_ms;
    world_.Observe(ClockStepped{by_ms});
  };
  if (world_.Chance(world_.faults.clock_step)) step(world_.Between(-3'600'000, 3'600'000));
  if (world_.Chance(world_.faults.clock_years)) {
    const int64_t by_ms = world_.Between(-5, 5) * kYearMs;
    step(by_ms);
    world_.PlanIn(world_.Between(10'000, 300'000), [this, step, by_ms] {
      if (Safe()) step(-by_ms);  // else it is right already
    });
  }
  if (world_.Chance(world_.faults.disk_full)) {
    disk_full_until_ms_ =
        world_.now_ms() + world_.Between(1000, world_.Chance(0.2) ? 1'200'000 : 60'000);
    world_.Observe(
        Happened{"the disk is full until " + std::to_string(disk_full_until_ms_) + " ms"});
  }
  world_.StayAway();
  if (main_ && world_.Chance(world_.faults.mode_changes)) {
    const uint64_t mode = world_.Random() % 3;
    main_->Feed(engine::SetMode{static_cast<engine::Mode>(mode), "operator"});
    Settle();
  }
  world_.PlanIn(kWeatherEveryMs, [this] { BadWeather(); });
}

// Once faults are over, the mode is active again.
void Simulation::BringToRest() {
  if (main_ && main_->Ready() && invariants_.known().mode != engine::Mode::kActive) {
    main_->Feed(engine::SetMode{engine::Mode::kActive, "operator"});
    Settle();
  }
  world_.PlanIn(kNotifyEveryMs, [this] { BringToRest(); });
}

// --- the two phases

bool Simulation::AtRest() const {
  return main_ && main_->Ready() && invariants_.known().unfinished.empty() &&
         std::all_of(runs().begin(), runs().end(),
                     [](const auto& entry) { return entry.second.swept; });
}

std::optional<std::string> Simulation::RunAll() {
  NoteWhetherUp();
  world_.PlanIn(1000, [this] { NotifyAll(); });
  world_.PlanIn(kLookEveryMs, [this] { LookAtMetrics(); });
  people_.Begin();
  BadWeather();
  world_.Plan(options_.safe_ms, [this] {
    world_.CalmDown();
    foreign_.reset();
    journal_.Mend();
    BringToRest();
  });
  int64_t end_ms = options_.safe_ms + options_.live_ms;
  while (!broken_ && world_.now_ms() < end_ms) {
    if (!Safe() && AtRest()) break;
    if (!Safe() && world_.AnyGone()) end_ms = options_.safe_ms + kWithoutRestMs;
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
    NoteWhetherUp();
  }
  if (!broken_ && !AtRest() && !world_.AnyGone() && options_.complaint.empty()) {
    broken_ = "it never came to rest";
  }
  if (!broken_ && AtRest()) world_.Observe(CameToRest{});
  return broken_;
}

std::string Simulation::Story() const {
  return "seed " + std::to_string(options_.seed) + "\n" + playbook_->Text() + Tell(history_) +
         (broken_ ? "broken: " + *broken_ + "\n" : "");
}

}  // namespace mailhub::sim
