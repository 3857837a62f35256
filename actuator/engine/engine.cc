// The engine's public interface, passed on to its core.
#include "actuator/engine/engine.h"

#include <utility>

#include "actuator/engine/core.h"

namespace mailhub::engine {

Engine::Engine(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids)
    : core_(std::make_unique<Core>(std::move(config), plans, std::move(ids))) {}
Engine::~Engine() = default;

void Engine::Apply(const Event& event) {
  core_->Replay(event);
}

Output Engine::Start(Moment now, const std::string& version) {
  return core_->Start(now, version);
}

Output Engine::Handle(const Input& input, Moment now) {
  return core_->Handle(input, now);
}

Output Engine::Advance(Moment now) {
  return core_->Advance(now);
}

std::optional<SteadyTime> Engine::NextDeadline() const {
  return core_->NextDeadline();
}

Output Engine::Reconfigure(EngineConfig config, const PlanSource* plans, Moment now) {
  return core_->Reconfigure(std::move(config), plans, now);
}

std::vector<Effect> Engine::RenewWhilePending(Moment now) {
  return core_->RenewWhilePending(now);
}

void Engine::NoteRenewal(const RemoteDone& done) {
  core_->NoteRenewal(done);
}

void Engine::RefreshDeadMen(View* view, Moment now) const {
  core_->RefreshDeadMen(view, now);
}

View Engine::Look(Moment now) const {
  return core_->Look(now);
}

Result<std::vector<AlertTrial>> Engine::Try(const Notification& notification, Moment now) const {
  return core_->Try(notification, now);
}

StartView Engine::ForeseeStart(const Plan& plan, Moment now) const {
  return core_->ForeseeStart(plan, now);
}

std::vector<CooldownLeft> Engine::CooldownsOf(const Plan& plan, Moment now) const {
  return core_->CooldownsOf(plan, now);
}

uint64_t Engine::epoch() const {
  return core_->epoch();
}

Mode Engine::mode() const {
  return core_->mode();
}

}  // namespace mailhub::engine
