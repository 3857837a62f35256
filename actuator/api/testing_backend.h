// Test backend: returns what the test sets and records the requests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "actuator/api/backend.h"
#include "lib/base/guarded.h"

namespace mailhub::api::testing {

// Thread-safe.
class FakeBackend final : public Backend {
 public:
  FakeBackend();

  std::shared_ptr<const engine::View> Look() const override;
  Result<std::string> Submit(Ask what) override;
  Result<engine::Plan> MakePlan(const std::string& runbook,
                                const std::map<std::string, std::string>& parameters) override;
  Result<uint64_t> History(const engine::RunFilter& filter,
                           const std::function<bool(const engine::PastRun&)>& each) override;
  // The runs of History(); the second has held and was decided about.
  Result<uint64_t> Report(const engine::RunFilter& filter,
                          const std::function<bool(const engine::ReportedRun&)>& each) override;
  Result<uint64_t> Alerts(const engine::AlertFilter& filter,
                          const std::function<bool(const engine::PastAlert&)>& each) override;
  Status RunEvents(const std::string& run, uint64_t after,
                   const std::function<bool(const engine::Event&)>& each) override;
  Result<std::vector<engine::AlertTrial>> Try(engine::Notification notification) override;
  engine::QueryReading AskPrometheus(const std::string& expr) override;
  Result<std::optional<WallTime>> RunsWholeFrom() override;
  Result<engine::StartView> ForeseeStart(const engine::Plan& plan) override;
  Result<engine::LivePlan> CheckPlan(const std::string& runbook,
                                     const std::map<std::string, std::string>& parameters) override;
  Status Reload() override;
  ConfigurationState Configuration() const override;
  bool Ready() const override;

  void Show(engine::View view);
  void AnswerWith(Result<std::string> answer);  // the result of Submit
  void SetReady(bool ready);
  void SetConfiguration(ConfigurationState state);
  void SetEvents(std::vector<engine::Event> events);  // of every run
  // What Try answers, and what AskPrometheus does.
  void TryWith(Result<std::vector<engine::AlertTrial>> trials);
  void HoldsIs(Result<bool> holds);
  // What ForeseeStart and RunsWholeFrom answer.
  void ForeseeWith(Result<engine::StartView> start);
  void WholeFrom(std::optional<WallTime> from);
  void CheckWith(Result<engine::LivePlan> live);
  // Waits within CheckPlan until `blocked` is false again.
  void BlockChecks(bool blocked);
  // Each past alert, run and event is that much longer, so that a page has no room for all.
  void Lengthen(size_t bytes);
  // One search of past alerts or runs looks at so many.
  void LookAtMost(size_t many);

  std::vector<engine::Command> Commands() const;
  std::vector<engine::Mode> Modes() const;
  std::vector<engine::TakeOver> Takeovers() const;
  std::vector<engine::CloseEpisode> Closed() const;
  int Reloads() const;
  std::vector<engine::Notification> Tried() const;
  int Checks() const;  // begun ones

 private:
  struct State {
    std::shared_ptr<const engine::View> view = std::make_shared<engine::View>();
    Result<std::string> answer = std::string("0123456789abcdef0123456789abcdef");
    std::vector<engine::Command> commands;
    std::vector<engine::Mode> modes;
    std::vector<engine::TakeOver> takeovers;
    std::vector<engine::CloseEpisode> closed;
    std::vector<engine::Event> events;
    size_t longer = 0;
    size_t most_looked_at = engine::kMostLookedAt;
    int reloads = 0;
    Result<std::vector<engine::AlertTrial>> trials = std::vector<engine::AlertTrial>();
    std::vector<engine::Notification> tried;
    Result<bool> holds = true;
    Result<engine::LivePlan> live = engine::LivePlan{};
    Result<engine::StartView> start = engine::StartView{};
    std::optional<WallTime> whole_from;
    bool blocked = false;
    int checks = 0;
    ConfigurationState configuration;
    bool ready = true;
  };
  Guarded<State> state_;
};

// A rebuild on mailhub2 with 4 steps and one `always` step: the third waits at its gate.
engine::RunView RunAtItsGate();
// The same, held there.
engine::RunView HeldRun();
engine::RunView FinishedRun(engine::RunResult result);
engine::Plan RebuildPlan();
// All events of a run of that plan, from its queueing to its success.
std::vector<engine::Event> EventsOfASuccess(const std::string& run);

inline constexpr const char* kRunId = "3f2a91c0aa55aa55aa55aa55aa55aa55";
// 2026-03-01T10:00:00Z: the start of that run.
inline constexpr WallTime kStart{Milliseconds(1'772'359'200'000)};

}  // namespace mailhub::api::testing
