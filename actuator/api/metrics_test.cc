#include "actuator/api/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "actuator/api/testing_backend.h"
#include "actuator/api/testing_receivers.h"

namespace mailhub::api {
namespace {

std::vector<engine::PastRun> HistoryOf(Backend& backend) {
  std::vector<engine::PastRun> runs;
  EXPECT_TRUE(backend.History({}, [&runs](const engine::PastRun& run) {
    runs.push_back(run);
    return true;
  }));
  return runs;
}

using testing::EventsOfASuccess;
using ::testing::HasSubstr;
using testing::HeldRun;
using testing::kStart;
using ::testing::Not;
using testing::RunAtItsGate;

engine::View ViewOf(std::vector<engine::RunView> unfinished) {
  engine::View view;
  view.unfinished = std::move(unfinished);
  return view;
}

void Feed(ActuatorMetrics& metrics) {
  for (const engine::Event& event : EventsOfASuccess("r1")) metrics.EventCommitted(event);
  engine::AlertDecided decided;
  decided.decision = engine::Decision::kJoined;
  metrics.EventCommitted({99, kStart, "", decided});
  metrics.JournalCommitted(ActuatorMetrics::PreciseSeconds(0.0007));
  metrics.JournalFailed();
  metrics.NotificationDecided(NotificationDecision::kAccepted);
  metrics.WebhookAnswered(200);
  metrics.WebhookAnswered(401);
}

TEST(Metrics, CountRunsStepsAndGatesFromCommittedEvents) {
  ActuatorMetrics metrics("1.2.3");
  Feed(metrics);
  const std::string page = metrics.Render({});
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_runs_total{result=\"succeeded\","
                              "runbook=\"mailhub-rebuild\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_runs_total{result=\"failed\","
                              "runbook=\"mailhub-rebuild\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_duration_seconds_sum{"
                              "runbook=\"mailhub-rebuild\"} 14001\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_duration_seconds_bucket{"
                              "runbook=\"mailhub-rebuild\",le=\"12600\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_duration_seconds_bucket{"
                              "runbook=\"mailhub-rebuild\",le=\"43200\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_step_duration_seconds_sum{"
                              "runbook=\"mailhub-rebuild\",step=\"Rebuild the tables\"} 13902\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_gate_wait_seconds_sum{runbook=\"mailhub-rebuild\","
                              "step=\"Wait for a quiet directory server\"} 90\n"));
  // A step's `verify` waits from its receipt on.
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_gate_wait_seconds_sum{runbook=\"mailhub-rebuild\","
                              "step=\"Stop the main directory process\"} 5\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_last_run_duration_seconds{host=\"mailhub2\","
                              "runbook=\"mailhub-rebuild\"} 14001\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_alerts_total{decision=\"joined\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_webhook_requests_total{code=\"401\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_journal_errors_total 1\n"));
}

TEST(Metrics, ShowPermanentRefusalsFromTheStart) {
  ActuatorMetrics metrics("1");
  const auto line = [&](const char* reason, const char* value) {
    return HasSubstr(std::string("mailhub_actuator_notifications_refused_total{reason=\"") +
                     reason + "\"} " + value + "\n");
  };
  for (const char* reason : {"too_large", "malformed", "unauthorized"})
    EXPECT_THAT(metrics.Render({}), line(reason, "0"));
  metrics.NotificationRefused(NotificationRefusal::kTooLarge);
  EXPECT_THAT(metrics.Render({}), line("too_large", "1"));
  EXPECT_THAT(metrics.Render({}), HasSubstr("alerts_total{decision=\"rejected\"} 0\n"));
}

TEST(Metrics, LeaveOutHowLongAPersonTookToSkipAStep) {
  ActuatorMetrics metrics("1");
  auto events = EventsOfASuccess("r1");
  std::get<engine::StepDone>(events[4].body).result = engine::StepResult::kSkipped;
  for (const engine::Event& event : events) metrics.EventCommitted(event);
  EXPECT_THAT(metrics.Render({}), Not(HasSubstr("step=\"Stop the main directory process\"")));
}

TEST(Metrics, RememberThePastAcrossARestart) {
  testing::FakeBackend backend;
  ActuatorMetrics metrics("1");
  metrics.Restore(HistoryOf(backend), {});
  const std::string page = metrics.Render({});
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_last_run_duration_seconds{host=\"mailhub1\","
                              "runbook=\"mailhub-rebuild\"} 14400\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_last_run_success_timestamp_seconds{"
                              "host=\"mailhub1\",runbook=\"mailhub-rebuild\"} 1772373600"));
  // That run failed: it has a duration, and no success.
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_last_run_duration_seconds{host=\"mailhub2\""));
  EXPECT_THAT(page, Not(HasSubstr("last_run_success_timestamp_seconds{host=\"mailhub2\"")));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_in_progress{host=\"\","
                              "runbook=\"directory-restart\"} 0\n"));
}

TEST(Metrics, CountARunThatWasUnderWayWhenTheActuatorStarted) {
  ActuatorMetrics metrics("1");
  metrics.Restore({}, ViewOf({RunAtItsGate()}));
  metrics.EventCommitted({1, kStart + Seconds(93), testing::kRunId,
                          engine::StepDone{"3", engine::StepResult::kDone, Seconds(90), ""}});
  metrics.EventCommitted({2, kStart + Seconds(500), testing::kRunId,
                          engine::RunFinished{engine::RunResult::kFailed, "a step failed"}});
  const std::string page = metrics.Render({});
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_gate_wait_seconds_sum{runbook=\"mailhub-rebuild\","
                              "step=\"Wait for a quiet directory server\"} 90\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_runs_total{result=\"failed\","
                              "runbook=\"mailhub-rebuild\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_last_run_duration_seconds{host=\"mailhub2\","
                              "runbook=\"mailhub-rebuild\"} 500\n"));
}

TEST(Metrics, ShowARunThatActs) {
  const std::string page = ActuatorMetrics("1").Render(ViewOf({RunAtItsGate()}));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_in_progress{host=\"mailhub2\","
                              "runbook=\"mailhub-rebuild\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_host_in_run{instance=\"x500\","
                              "runbook=\"mailhub-rebuild\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_gate_open{host=\"mailhub2\","
                              "runbook=\"mailhub-rebuild\","
                              "step=\"Wait for a quiet directory server\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_eta_timestamp_seconds{"));
  EXPECT_THAT(page, Not(HasSubstr("mailhub_actuator_run_held{")));
}

TEST(Metrics, SilenceNothingWhileARunHoldsOrIsPaused) {
  engine::RunView paused = RunAtItsGate();
  paused.state = engine::RunState::kPaused;
  paused.acting = false;
  for (const engine::RunView& run : {HeldRun(), paused}) {
    const std::string page = ActuatorMetrics("1").Render(ViewOf({run}));
    EXPECT_THAT(page, Not(HasSubstr("mailhub_actuator_host_in_run{")));
    EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_in_progress{host=\"mailhub2\","
                                "runbook=\"mailhub-rebuild\"} 1\n"));
  }
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({HeldRun()})),
              HasSubstr("mailhub_actuator_run_held{host=\"mailhub2\",runbook=\"mailhub-rebuild\","
                        "step=\"Wait for a quiet directory server\"} 1\n"));
}

TEST(Metrics, SilenceTheHostsOfARunOnlyWhileItActs) {
  engine::RunView waits = RunAtItsGate();
  waits.acting = false;  // it asks a person, or the mode stops it
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({waits})),
              Not(HasSubstr("mailhub_actuator_host_in_run{")));
  waits.acting = true;
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({waits})),
              HasSubstr("mailhub_actuator_host_in_run{instance=\"x500\","
                        "runbook=\"mailhub-rebuild\"} 1\n"));
}

TEST(Metrics, SayThatAPersonIsAsked) {
  engine::RunView asks = RunAtItsGate();
  asks.asks = "Really delete all of it?";
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({asks})),
              HasSubstr("mailhub_actuator_person_asked{kind=\"confirm\","
                        "runbook=\"mailhub-rebuild\",target=\"mailhub2\"} 1\n"));
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({HeldRun()})),
              HasSubstr("mailhub_actuator_person_asked{kind=\"hold\","
                        "runbook=\"mailhub-rebuild\",target=\"mailhub2\"} 1\n"));
  engine::RunView paused = RunAtItsGate();
  paused.pause = engine::PauseView{1, "ann", "", {}};
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({paused})),
              HasSubstr("mailhub_actuator_person_asked{kind=\"pause\","
                        "runbook=\"mailhub-rebuild\",target=\"mailhub2\"} 1\n"));
  EXPECT_THAT(ActuatorMetrics("1").Render(ViewOf({RunAtItsGate()})),
              Not(HasSubstr("mailhub_actuator_person_asked{")));
}

TEST(Metrics, CountDeadMenByHostAndStateAndAlertsThatNoRunAnswers) {
  engine::RunView run = RunAtItsGate();
  run.dead_men.push_back(
      {"1", "x500", engine::DeadManPhase::kArmed, Seconds(900), Seconds(12), ""});
  run.dead_men.push_back(
      {"2", "x500", engine::DeadManPhase::kArmed, Seconds(900), Seconds(12), ""});
  run.dead_men.push_back(
      {"3", "mailhub2", engine::DeadManPhase::kUnconfirmed, Seconds(60), std::nullopt, "no route"});
  engine::View view = ViewOf({run});
  view.episodes.resize(3);
  view.episodes[0].state = engine::EpisodeState::kUnanswered;
  view.episodes[1].state = engine::EpisodeState::kUnanswered;
  const std::string page = ActuatorMetrics("1").Render(view);
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_dead_men{host=\"x500\",state=\"armed\"} 2\n"));
  EXPECT_THAT(page,
              HasSubstr("mailhub_actuator_dead_men{host=\"mailhub2\",state=\"unconfirmed\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_dead_men{host=\"x500\",state=\"restored\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_dead_men_unconfirmed 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_alerts_unanswered 2\n"));
  const std::string empty = ActuatorMetrics("1").Render({});
  EXPECT_THAT(empty, HasSubstr("mailhub_actuator_dead_men_unconfirmed 0\n"));
  EXPECT_THAT(empty, HasSubstr("mailhub_actuator_alerts_unanswered 0\n"));
}

TEST(Metrics, ShowEachSeriesOnceWhenTwoRunsShareRunbookAndHost) {
  engine::RunView queued = RunAtItsGate();
  queued.state = engine::RunState::kQueued;
  engine::View view = ViewOf({HeldRun(), queued});
  view.queue_blocked_by_hold = true;
  const std::string page = ActuatorMetrics("1").Render(view);
  std::set<std::string> seen;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    const std::string series = line.substr(0, line.rfind(' '));
    EXPECT_TRUE(seen.insert(series).second) << series;
  }
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_run_in_progress{host=\"mailhub2\","
                              "runbook=\"mailhub-rebuild\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_queue_length 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_queue_blocked_by_hold 1\n"));
}

TEST(Metrics, SayWhichModeIsInForceAndWhetherTheConfigurationIs) {
  ActuatorMetrics metrics("1.2.3");
  engine::View view;
  view.mode = engine::Mode::kHalted;
  EXPECT_THAT(metrics.Render(view),
              HasSubstr("mailhub_actuator_config_last_reload_successful 1\n"));
  metrics.ConfigReloaded(false);
  const std::string page = metrics.Render(view);
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_config_last_reload_successful 0\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_mode{mode=\"active\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_mode{mode=\"halted\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailhub_actuator_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(Metrics, StayBoundedHoweverManyRunsThereWere) {
  ActuatorMetrics metrics("1");
  std::vector<engine::PastRun> history(5'000);
  for (size_t i = 0; i < history.size(); ++i) {
    history[i].runbook = "r" + std::to_string(i);
    history[i].started = kStart;
    history[i].finished = kStart + Seconds(1);
  }
  metrics.Restore(history, {});
  const std::string page = metrics.Render({});
  size_t series = 0;
  for (size_t at = 0;
       (at = page.find("\nmailhub_actuator_last_run_duration_seconds{", at)) != std::string::npos;
       ++at)
    ++series;
  EXPECT_EQ(series, 2'000U);
}

// The "# TYPE" lines of the exposition; the table's rows of the page for people.
std::set<std::string> NamesIn(std::istream& text, const std::string& before,
                              const std::string& after) {
  std::set<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with(before)) continue;
    const size_t begin = before.size();
    const std::string name = line.substr(begin, line.find(after, begin) - begin);
    if (name.starts_with("mailhub_actuator_")) names.insert(name);
  }
  return names;
}

TEST(Metrics, HaveThoseOfTheProcess) {
  const std::string page = ActuatorMetrics("1.2.3").Render({});
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_virtual_memory_bytes", "process_start_time_seconds",
                           "process_open_fds", "process_max_fds"}) {
    EXPECT_THAT(page, HasSubstr(std::string("\n") + name + " "));
  }
}

TEST(Metrics, AreAllDocumentedAndNoOther) {
  ActuatorMetrics metrics("1.2.3");
  Feed(metrics);
  metrics.NotificationRefused(NotificationRefusal::kTooLarge);
  engine::View view = ViewOf({HeldRun(), RunAtItsGate()});
  view.unfinished.back().eta = kStart;
  view.unfinished.back().dead_men.emplace_back().host = "x500";
  std::istringstream page(metrics.Render(view, testing::FakeReceivers().List()));
  std::ifstream documented(MAILHUB_SOURCE_DIR "/docs/metrics.md");
  EXPECT_EQ(NamesIn(page, "# TYPE ", " "), NamesIn(documented, "| `", "`"));
}

TEST(Metrics, ArePromtoolClean) {
  ActuatorMetrics metrics("1.2.3");
  Feed(metrics);
  testing::FakeBackend backend;
  metrics.Restore(HistoryOf(backend), {});
  const auto receivers = testing::FakeReceivers().List();
  const std::string page = metrics.Render(ViewOf({HeldRun()}), receivers);
  ASSERT_EQ(page, metrics.Render(ViewOf({HeldRun()}), receivers)) << "the same state, another page";

  std::string path = "/tmp/mailhub-metrics-XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  close(fd);
  std::ofstream(path) << page;
  FILE* promtool = popen(("promtool check metrics <" + path + " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string complaints;
  std::array<char, 256> line{};
  while (fgets(line.data(), line.size(), promtool) != nullptr) complaints += line.data();
  EXPECT_EQ(pclose(promtool), 0) << complaints;
  EXPECT_EQ(complaints, "");
  unlink(path.c_str());
}

}  // namespace
}  // namespace mailhub::api
