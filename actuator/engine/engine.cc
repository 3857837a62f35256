// The engine's face: each call sets the moment, lets the core decide, and hands over what it
// recorded and asked.
#include "actuator/engine/engine.h"

#include <algorithm>
#include <utility>

#include "actuator/engine/core.h"

namespace mailhub::engine {

Engine::Engine(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids)
    : core_(std::make_unique<Core>(std::move(config), plans, std::move(ids))) {}
Engine::~Engine() = default;

void Engine::Apply(const Event& event) {
  Require(!core_->started, "the journal is replayed before the start");
  core_->Apply(event);
  core_->Forget();
}

Output Engine::Start(Moment now, const std::string& version) {
  Require(!core_->started, "an engine starts once");
  core_->now = now;
  core_->attended = now.steady;
  core_->started = true;
  for (auto& [key, last] : core_->last_runs) {
    last.steady = now.steady - std::max(now.wall - last.at, Milliseconds(0));
  }
  for (auto& [fingerprint, end] : core_->ended) {
    end.at = now.steady - std::max(now.wall - end.reported, Milliseconds(0));
  }
  core_->Emit("", ActuatorStarted{core_->epoch + 1, version});
  return core_->Finish();
}

Output Engine::Handle(const Input& input, Moment now) {
  Require(core_->started, "inputs come after the start");
  core_->SetNow(now);
  std::visit(
      [&](const auto& given) {
        using Given = std::decay_t<decltype(given)>;
        if constexpr (std::is_same_v<Given, Notification>) {
          core_->Notify(given);
        } else if constexpr (std::is_same_v<Given, Command>) {
          core_->Command(given);
        } else if constexpr (std::is_same_v<Given, SetMode>) {
          if (core_->mode != given.mode) core_->Emit("", ModeChanged{given.mode, given.by});
        } else if constexpr (std::is_same_v<Given, CloseEpisode>) {
          core_->Close(given);
        } else if constexpr (std::is_same_v<Given, TakeOver>) {
          core_->Emit("", HostTakeover{given.host, given.by, given.detail});
        } else {
          core_->Dispatch(given);
        }
      },
      input);
  return core_->Finish();
}

Output Engine::Advance(Moment now) {
  Require(core_->started, "time passes after the start");
  core_->SetNow(now);
  return core_->Finish();
}

std::optional<SteadyTime> Engine::NextDeadline() const {
  return core_->NextDeadline();
}

void Engine::Reconfigure(EngineConfig config, const PlanSource* plans) {
  core_->config = std::move(config);
  core_->plans = plans;
}

std::vector<Effect> Engine::RenewWhilePending(Moment now) {
  // As in Look(): the runs are not given this moment, so their deadlines and time-outs wait.
  const Moment worked = std::exchange(core_->now, now);
  std::vector<Effect> effects = core_->RenewWhilePending();
  core_->now = worked;
  return effects;
}

void Engine::NoteRenewal(const RemoteDone& done) {
  core_->NoteRenewal(done);
}

void Engine::RefreshLeases(View* view, Moment now) const {
  const Moment worked = std::exchange(core_->now, now);
  core_->RefreshLeases(view);
  core_->now = worked;
}

View Engine::Look(Moment now) const {
  // Looking is not working: deadlines count from the moment that the runs were last given.
  const Moment worked = std::exchange(core_->now, now);
  View view = core_->Look();
  core_->now = worked;
  return view;
}

uint64_t Engine::epoch() const {
  return core_->epoch;
}
Mode Engine::mode() const {
  return core_->mode;
}

}  // namespace mailhub::engine
