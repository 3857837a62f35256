// A start reads only a part of the journal. The engine's state must be the same as after reading
// all: histories of the simulation, cut anywhere, are read in both ways.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "actuator/journal/codec.h"
#include "actuator/journal/journal.h"
#include "actuator/journal/test_directory.h"
#include "actuator/journal/verify.h"
#include "tests/sim/seeds.h"

namespace mailhub::sim {
namespace {

constexpr int kCuts = 8;

class PlansOf final : public engine::PlanSource {
 public:
  explicit PlansOf(const Playbook* playbook) : playbook_(playbook) {}
  Result<engine::Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const override {
    return playbook_->Make(runbook, parameters);
  }

 private:
  const Playbook* const playbook_;
};

std::vector<engine::Event> RecordedBy(const Simulation& simulation) {
  std::vector<engine::Event> events;
  for (const Observation& one : simulation.history()) {
    const auto* recorded = std::get_if<Recorded>(&one.what);
    if (recorded != nullptr) events.push_back(recorded->event);
  }
  return events;
}

std::string Describe(const engine::View& view) {
  std::string text = std::string(Name(view.mode)) + " epoch " + std::to_string(view.epoch) + "\n";
  for (const engine::RunView& run : view.unfinished) {
    text += run.id + " " + Name(run.state) + " at " + std::to_string(run.current) + ":";
    for (const engine::StepView& step : run.steps) text += " " + std::to_string(step.attempt);
    for (const engine::HoldView& hold : run.holds) text += " hold " + std::to_string(hold.number);
    text += " dead men " + std::to_string(run.dead_men.size()) + "\n";
  }
  for (const engine::EpisodeView& episode : view.episodes) {
    text += episode.fingerprint + " " + Name(episode.state) + " " + episode.run + " " +
            std::to_string(episode.tries) + "\n";
  }
  return text;
}

// Each alert of the journal, firing and resolved, with each start ever heard; ends also in the
// wrong order.
std::vector<engine::Notification> AllThatMayCome(const std::vector<engine::Event>& events) {
  std::map<std::pair<std::string, WallTime>, engine::Alert> heard;
  for (const engine::Event& event : events) {
    const auto* decided = std::get_if<engine::AlertDecided>(&event.body);
    if (decided == nullptr) continue;
    engine::Alert alert;
    alert.fingerprint = decided->fingerprint;
    alert.labels = decided->labels;
    alert.starts_at = decided->starts_at;
    heard[{alert.fingerprint, alert.starts_at}] = alert;
  }
  std::vector<engine::Notification> notifications;
  const auto tell = [&](engine::Alert alert, bool firing) {
    alert.firing = firing;
    engine::Notification one;
    one.id = "later" + std::to_string(notifications.size());
    one.alerts = {std::move(alert)};
    notifications.push_back(std::move(one));
  };
  for (const auto& [key, alert] : heard) tell(alert, true);
  for (const auto& [key, alert] : heard) tell(alert, false);
  for (auto one = heard.rbegin(); one != heard.rend(); ++one) tell(one->second, false);
  for (const auto& [key, alert] : heard) tell(alert, true);
  return notifications;
}

// The engine's view of itself, and its decisions about later alerts.
std::string StateAfter(journal::Journal& journal, journal::Scope scope, const Playbook& playbook,
                       const std::vector<engine::Notification>& then) {
  const PlansOf plans(&playbook);
  engine::EngineConfig config;
  config.triggers = playbook.triggers();
  int ids = 0;
  engine::Engine engine(config, &plans, [&] { return "fresh" + std::to_string(++ids); });
  WallTime last;
  const Status read = journal.Replay(scope, [&](const engine::Event& event) {
    engine.Apply(event);
    last = event.at;
  });
  EXPECT_TRUE(read) << read.error().message;
  const engine::Moment now{last + Seconds(1), SteadyTime(Seconds(1'000'000))};
  std::string state = Describe(engine.Look(now));
  const auto note = [&](const engine::Output& output) {
    for (const engine::Event& event : output.events) {
      const auto* decided = std::get_if<engine::AlertDecided>(&event.body);
      if (decided == nullptr) continue;
      state += decided->fingerprint + (decided->firing ? " fires: " : " is over: ") +
               Name(decided->decision) + " " + decided->run + "\n";
    }
  };
  note(engine.Start(now, "test"));
  note(engine.Handle(engine::SetMode{engine::Mode::kActive, "ann"}, now));
  for (const engine::Notification& notification : then) note(engine.Handle(notification, now));
  return state + Describe(engine.Look(now));
}

std::optional<std::string> Difference(uint64_t seed) {
  SimOptions options = OptionsFor(seed);
  options.faults.journal_trouble = 0;  // one journal, whole
  Simulation simulation(options);
  if (simulation.RunAll()) return std::nullopt;  // sim_test reports it
  const std::vector<engine::Event> events = RecordedBy(simulation);
  const journal::testing::TestDirectory directory;
  auto journal = journal::Journal::Open(directory / "journal.db", FromUnixMs(1'700'000'000'000));
  if (!journal) return journal.error().message;
  std::mt19937_64 random(seed);
  std::set<size_t> cuts = {events.size()};
  while (cuts.size() < std::min<size_t>(kCuts, events.size()))
    cuts.insert(1 + random() % events.size());
  size_t written = 0;
  for (const size_t cut : cuts) {
    const auto part = std::span(events).subspan(written, cut - written);
    if (const Status s = (*journal)->Append(part); !s) return s.error().message;
    written = cut;
    const auto then =
        AllThatMayCome({events.begin(), events.begin() + static_cast<ptrdiff_t>(cut)});
    const std::string whole =
        StateAfter(**journal, journal::Scope::kEverything, *simulation.playbook(), then);
    const std::string brief =
        StateAfter(**journal, journal::Scope::kWhatStillMatters, *simulation.playbook(), then);
    if (whole == brief) continue;
    return simulation.Story()
        .append("cut after event ")
        .append(std::to_string(cut))
        .append("\nread whole:\n" + whole)
        .append("read in part:\n" + brief);
  }
  return std::nullopt;
}

// What a healthy engine has recorded is no mistake, wherever the journal ends.
std::optional<std::string> MistakesIn(uint64_t seed) {
  SimOptions options = OptionsFor(seed);
  options.faults.journal_trouble = 0;
  Simulation simulation(options);
  if (simulation.RunAll()) return std::nullopt;
  const std::vector<engine::Event> events = RecordedBy(simulation);
  const journal::testing::TestDirectory directory;
  const std::string path = directory / "journal.db";
  auto journal = journal::Journal::Open(path, FromUnixMs(1'700'000'000'000));
  if (!journal) return journal.error().message;
  const size_t half = events.size() / 2;
  for (const auto part : {std::span(events).first(half), std::span(events).subspan(half)}) {
    if (const Status s = (*journal)->Append(part); !s) return s.error().message;
    const auto verified = journal::Verify(path);
    if (!verified) return simulation.Story() + verified.error().message;
    if (!verified->tables_compared) return "the tables were not compared";
  }
  return std::nullopt;
}

TEST(ShortReplay, TheJournalIsFoundWithoutMistake) {
  const auto failure = ForEach(1, 300, MistakesIn);
  ASSERT_FALSE(failure) << failure->story << "seed " << failure->number;
}

TEST(ShortReplay, DecidesAsTheWholeJournalDoes) {
  const auto failure = ForEach(1, 300, Difference);
  ASSERT_FALSE(failure) << failure->story << "seed " << failure->number;
}

}  // namespace
}  // namespace mailhub::sim
