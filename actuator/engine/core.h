// The inside of the engine: owns its parts, passes inputs to them and folds events into them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/context.h"
#include "actuator/engine/decisions.h"
#include "actuator/engine/engine.h"
#include "actuator/engine/episodes.h"
#include "actuator/engine/history.h"
#include "actuator/engine/recorder.h"
#include "actuator/engine/runs.h"
#include "actuator/engine/trial.h"

namespace mailhub::engine {

class Engine::Core {
 public:
  Core(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void Replay(const Event& event);
  Output Start(Moment now, const std::string& version);
  Output Handle(const Input& input, Moment now);
  Output Advance(Moment now);
  std::optional<SteadyTime> NextDeadline() const;
  Output Reconfigure(EngineConfig config, const PlanSource* plans, Moment now);

  std::vector<Effect> RenewWhilePending(Moment now);
  void NoteRenewal(const RemoteDone& done);
  void RefreshDeadMen(View* view, Moment now);
  View Look(Moment now);
  Result<std::vector<AlertTrial>> Try(const Notification& notification, Moment now) const;
  StartView ForeseeStart(const Plan& plan, Moment now);
  std::vector<CooldownLeft> CooldownsOf(const Plan& plan, Moment now);
  uint64_t epoch() const { return epoch_; }
  Mode mode() const { return mode_.mode; }

 private:
  // A copy that decides in the place of `other` and leaves it as it is.
  explicit Core(const Core& other, Moment now);

  void Fold(const Event& event);
  void Take(const Notification& notification);
  void Take(const Command& command);
  void Take(const SetMode& set);
  void Take(const TakeOver& take_over);
  void Take(const CloseEpisode& close);
  template <typename Done>
  void Take(const Done& done);
  void Pass(Moment now);  // time has passed
  Output Finish();        // works on all runs, then returns the output
  // A look is no work: deadlines count from the last time that the runs did work.
  template <typename Do>
  auto Showing(Moment now, Do&& action);

  EngineConfig config_;
  EngineClock clock_;
  CurrentMode mode_;
  Recorder recorder_;
  Context context_;
  Runs runs_;
  Episodes episodes_;
  History history_;
  Decisions decisions_;
  uint64_t epoch_ = 0;
  bool started_ = false;
};

}  // namespace mailhub::engine
