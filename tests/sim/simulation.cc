// See simulation.h.
#include "tests/sim/simulation.h"

#include <sstream>

namespace mailhub::sim {
namespace {

engine::EngineConfig Config() {
  engine::EngineConfig config;
  engine::Trigger trigger;
  trigger.name = "tables stale";
  trigger.matchers = {{"alertname", engine::Matcher::Op::kEqual, "TablesStale"}};
  trigger.runbook = "rebuild";
  trigger.parameters_from_labels = {{"target", "instance"}};
  config.triggers.push_back(trigger);
  return config;
}

}  // namespace

Simulation::Simulation(const SimOptions& options)
    : options_(options), world_(options.seed, {"x500", "hub1", "hub2"}) {
  world_.Set("x500", "eddy", 1);
  for (const char* hub : {"hub1", "hub2"}) {
    world_.Set(hub, "regclient", 1);
    world_.Set(hub, "tables", 1);
  }
  world_.faults = options.faults;
  Boot();
}

void Simulation::Boot() {
  ++life_;
  engine_ = std::make_unique<engine::Engine>(Config(), &plans_, [this] {
    const std::string number = std::to_string(next_id_++);
    return std::string(32 - number.size(), '0') + number;
  });
  for (const engine::Event& event : journal_) engine_->Apply(event);
  Take(engine_->Start(world_.Now(), "sim"));
}

void Simulation::Crash() {
  ++crashes_;
  ++life_;
  engine_.reset();
  const int64_t away_ms =
      options_.away_at_most
          ? 1000 + static_cast<int64_t>(world_.Random() % static_cast<uint64_t>(options_.away_ms))
          : options_.away_ms;
  world_.Plan(world_.now_ms() + away_ms, [this] { Boot(); });
}

bool Simulation::SeamCall() {
  ++seam_calls_;
  const bool here = options_.crash_at_call && *options_.crash_at_call == seam_calls_;
  const bool safe_over = world_.now_ms() > 1'000'000 + options_.safe_ms;
  if (!here && (safe_over || !world_.Chance(options_.crash))) return true;
  Crash();
  return false;
}

// False: the actuator died, before or after the journal had the events.
bool Simulation::Commit(const std::vector<engine::Event>& events) {
  if (events.empty()) return true;
  if (!SeamCall()) return false;
  journal_.insert(journal_.end(), events.begin(), events.end());
  return SeamCall();
}

void Simulation::Take(engine::Output output) {
  if (!Commit(output.events)) return;
  for (const engine::Effect& effect : output.effects) {
    if (!SeamCall()) return;
    Perform(effect);
  }
  if (engine_) view_ = engine_->Look(world_.Now());
  Check();
}

void Simulation::Feed(const engine::Input& input) {
  if (engine_) Take(engine_->Handle(input, world_.Now()));
}

void Simulation::Perform(const engine::Effect& effect) {
  const auto answer = [this, life = life_, id = effect.id](auto done) {
    if (life != life_ || !engine_) return;
    done.id = id;
    Feed(done);
  };
  if (const auto* request = std::get_if<RemoteRequest>(&effect.what)) {
    world_.Send(*request, engine_->epoch(), [answer](const RemoteReply& reply) {
      answer(engine::RemoteDone{0, reply});
    });
  } else if (const auto* gate = std::get_if<engine::GateQuestion>(&effect.what)) {
    world_.Ask(*gate, [answer](const engine::GateReading& reading) {
      answer(engine::GateDone{0, reading});
    });
  } else {
    world_.Ask(std::get<engine::QueryQuestion>(effect.what),
               [answer](const engine::QueryReading& reading) {
                 answer(engine::QueryDone{0, reading});
               });
  }
}

void Simulation::Notify(bool firing) {
  if (!engine_) return;
  engine::Notification notification;
  notification.id = "n" + std::to_string(++notifications_);
  engine::Alert alert;
  alert.firing = firing;
  alert.fingerprint = "f1";
  alert.labels = {{"alertname", "TablesStale"}, {"instance", "hub1"}};
  alert.starts_at = FromUnixMs(1'700'000'000'000);
  notification.alerts = {alert};
  engine::Output output = engine_->Handle(notification, world_.Now());
  const bool accepted = output.answer.has_value();
  const uint64_t life = life_;
  Take(std::move(output));
  if (accepted && life == life_ && engine_) acknowledged_.insert(notification.id);
}

// What a person would do about a hold, drawn from the seed. Never "skip" or "resolve" here: the
// page is to be carried out.
void Simulation::ActAsOperator() {
  if (!engine_) return;
  for (const engine::RunView& run : view_.unfinished) {
    if (run.state != engine::RunState::kHeld) continue;
    engine::Command command;
    command.run = run.id;
    command.by = "operator";
    const uint64_t choice = world_.Random() % 4;
    command.verb = choice == 0 ? engine::Verb::kCancel
                               : (choice == 1 ? engine::Verb::kResume : engine::Verb::kRetry);
    Feed(command);
    return;
  }
}

void Simulation::Step(int64_t until_ms) {
  int64_t next_ms = std::min(until_ms, world_.NextPlannedMs());
  if (engine_) {
    if (const auto deadline = engine_->NextDeadline()) {
      next_ms = std::min<int64_t>(next_ms, deadline->time_since_epoch().count());
    }
  }
  world_.AdvanceTo(next_ms);
  if (engine_) {
    const auto deadline = engine_->NextDeadline();
    if (deadline && deadline->time_since_epoch().count() <= world_.now_ms()) {
      Take(engine_->Advance(world_.Now()));
    }
  }
}

bool Simulation::AtRest() const {
  return engine_ != nullptr && notifications_ > 0 && view_.unfinished.empty();
}

std::optional<std::string> Simulation::RunAll() {
  const int64_t start_ms = world_.now_ms();
  const int64_t safe_end_ms = start_ms + options_.safe_ms;
  const int64_t live_end_ms = safe_end_ms + options_.live_ms;
  int64_t next_notification_ms = start_ms + 1000;
  int64_t next_operator_ms = start_ms + 60'000;
  while (!broken_ && world_.now_ms() < live_end_ms) {
    if (world_.now_ms() >= safe_end_ms) world_.faults = Faults();
    if (world_.now_ms() >= next_notification_ms && world_.now_ms() < safe_end_ms) {
      Notify(true);  // Alertmanager repeats itself
      next_notification_ms = world_.now_ms() + 30'000;
    }
    if (world_.now_ms() >= next_operator_ms) {
      ActAsOperator();
      next_operator_ms = world_.now_ms() + 60'000;
    }
    if (world_.now_ms() >= safe_end_ms && AtRest()) break;
    Step(std::min({live_end_ms, next_operator_ms,
                   world_.now_ms() < safe_end_ms ? next_notification_ms : live_end_ms}));
  }
  if (!broken_ && !AtRest()) Break("it never came to rest");
  judged_deeds_ = 0;
  Check();
  if (!broken_) {
    for (const char* hub : {"hub1", "hub2"}) {
      if (world_.Value(hub, "regclient") != 1)
        Break(std::string("regclient was left stopped on ") + hub);
    }
  }
  return broken_;
}

void Simulation::Check() {
  // Deeds and decisions change with events; judging them all each time would be quadratic, so only
  // when there are new deeds.
  if (world_.deeds.size() == judged_deeds_ && world_.now_ms() % 256 != 0) return;
  judged_deeds_ = world_.deeds.size();
  if (const auto broken =
          CheckInvariants(journal_, world_.deeds, world_.gates_passed, acknowledged_)) {
    Break(*broken);
  }
}

void Simulation::Break(const std::string& what) {
  if (!broken_) broken_ = what;
}

std::string Simulation::Story() const {
  std::ostringstream story;
  story << "seed " << options_.seed << "\n";
  for (const engine::Event& event : journal_) {
    story << event.seq << " " << ToUnixMs(event.at) - 1'700'000'000'000 << "ms "
          << event.run.substr(event.run.size() > 4 ? event.run.size() - 4 : 0) << " "
          << engine::Name(event.body);
    std::visit(
        [&](const auto& body) {
          if constexpr (requires { body.path; }) story << " " << body.path;
          if constexpr (requires { body.attempt; }) story << " #" << body.attempt;
          if constexpr (requires { body.detail; }) story << " " << body.detail;
          if constexpr (requires { body.verb; }) story << " " << engine::Name(body.verb);
          if constexpr (requires { body.receipt; })
            story << " " << engine::Name(body.receipt.state);
        },
        event.body);
    story << "\n";
  }
  for (const Deed& deed : world_.deeds) {
    story << "deed " << deed.at_ms << "ms " << deed.host << " " << deed.key << " " << deed.command
          << (deed.by_dead_man ? " (dead man)" : "") << "\n";
  }
  return story.str();
}

}  // namespace mailhub::sim
