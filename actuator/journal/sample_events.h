// Events for tests: one of every kind with every field set, and whole made-up runs.
#pragma once

#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/journal/codec.h"

namespace mailhub::journal::testing {

inline engine::Plan SamplePlan() {
  engine::Plan plan;
  plan.runbook = "directory-restart";
  plan.summary = "Restart the directory";
  plan.parameters = {{"first", "mailhub2"}};
  plan.target = "mailhub2";
  plan.locks = {"directory", "tables"};
  plan.commit = "1";
  plan.expected = Milliseconds(90'000);
  plan.suitable = {.windows = {"nights"}, .blackouts = {"exams", "Christmas"}};
  engine::Step stop;
  stop.path = "1";
  stop.name = "Stop the main directory process";
  stop.host = "x500";
  stop.command = "/etc/rc2.d/S81eddy stop\nprintf '%s' \"\x01\"";
  stop.timeout = Milliseconds(61'001);
  stop.attempts = 3;
  stop.retry_delay = Milliseconds(1'500);
  stop.idempotent = true;
  stop.gate = engine::Gate{.expr = "up{instance=\"x500\"} == 0",
                           .about = {"x500", "mailhub1"},
                           .window = Milliseconds(30'000),
                           .hold_for = Milliseconds(5'000),
                           .expect = 2,
                           .timeout = Milliseconds(600'000)};
  stop.dead_man = engine::DeadMan{.restore = "/etc/rc2.d/S81eddy start",
                                  .after = Milliseconds(900'000),
                                  .until = "2.mailhub1.1"};
  stop.on_failure = engine::OnFailure::kAbort;
  engine::Step wait;
  wait.path = "2.mailhub1.1";
  wait.name = "Wait";
  wait.kind = engine::StepKind::kWaitFor;
  wait.on_failure = engine::OnFailure::kContinue;
  wait.approval = engine::Approval{
      .by = {"alice", "approver"}, .not_the_starter = true, .timeout = Milliseconds(7'200'000)};
  plan.steps = {stop, wait};
  plan.always = {{.step = wait, .since = "1", .until = "2.mailhub1.1"}};
  return plan;
}

// One event of every kind, in the order of EventBody.
inline std::vector<engine::EventBody> EveryBody() {
  using namespace engine;  // NOLINT: eighteen names in a test helper
  const Receipt receipt{.state = ReceiptState::kFinished,
                        .exit_status = 137,
                        .output = "no\nsuch \"host\" \xc3\xa9",
                        .truncated = true,
                        .duration = Milliseconds(14'400'000)};
  return {
      ActuatorStarted{.epoch = 7, .version = "0.1.0"},
      ModeChanged{.mode = Mode::kHalted, .by = "alice"},
      AlertDecided{.notification = "n1",
                   .fingerprint = "00ff00ff00ff00ff",
                   .alertname = "DirectoryMemoryHigh",
                   .labels = {{"alertname", "DirectoryMemoryHigh"}, {"instance", "x500"}},
                   .firing = false,
                   .starts_at = FromUnixMs(1'700'000'000'123),
                   .trigger = "memory",
                   .decision = Decision::kCancelled,
                   .detail = "cancelled run aa",
                   .run = "aa",
                   .newest_start = FromUnixMs(1'600'000'000'000),
                   .tries = 2,
                   .by = "alice"},
      RunQueued{.plan = SamplePlan(),
                .trigger = "memory",
                .fingerprint = "00ff00ff00ff00ff",
                .by = "alertmanager",
                .only_if = "up == 1",
                .at_once = "the tables are broken",
                .by_login = true},
      RunStarted{},
      RunDropped{.why = "no longer true"},
      StepStarted{.path = "1", .attempt = 2, .directory_id = "d1"},
      StepSettled{.path = "1", .attempt = 2, .receipt = receipt, .receipts_lost = true},
      StepDone{.path = "1",
               .result = StepResult::kResolved,
               .took = Milliseconds(1'234),
               .detail = "bob looked"},
      DeadManArmed{.path = "1", .host = "x500", .after = Milliseconds(9), .directory_id = "d1"},
      DeadManDisarmed{.path = "1", .generation = 2},
      DeadManRestored{.path = "1", .detail = "exit 1", .generation = 3, .exit_status = 1},
      RunHeld{.path = "1", .reason = HoldReason::kGateShut, .detail = "0.4 >= 0.9"},
      OperatorActed{
          .verb = Verb::kResolve, .path = "1", .by = "bob", .detail = "looked", .hold = 3},
      RunEnding{.result = RunResult::kFailed, .detail = "aborted"},
      RunFinished{
          .result = RunResult::kCancelled, .detail = "by alice", .worked = Milliseconds(12'345)},
      RunSwept{},
      HostTakeover{.host = "x500", .by = "alice", .detail = "the old one is gone"},
      EpisodeClosed{.fingerprint = "00ff00ff00ff00ff", .by = "bob", .detail = "seen"}};
}

// Numbered from `first`, one second apart; events about a run belong to `run`.
inline std::vector<engine::Event> Numbered(std::vector<engine::EventBody> bodies, uint64_t first,
                                           const std::string& run) {
  std::vector<engine::Event> events;
  for (engine::EventBody& body : bodies) {
    const bool about_run = engine::AboutOf(body) != engine::About::kNoRun;
    events.push_back({.seq = first,
                      .at = FromUnixMs(1'700'000'000'000 + static_cast<int64_t>(first) * 1000),
                      .run = about_run ? run : "",
                      .body = std::move(body)});
    ++first;
  }
  return events;
}

// A whole uneventful run: 12 events.
inline std::vector<engine::Event> WholeRun(
    uint64_t first, const std::string& run,
    engine::RunResult result = engine::RunResult::kSucceeded) {
  using namespace engine;  // NOLINT
  Receipt ended;
  ended.state = ReceiptState::kFinished;
  return Numbered(
      {RunQueued{
           .plan = SamplePlan(), .trigger = "", .fingerprint = "", .by = "alice", .only_if = ""},
       RunStarted{},
       DeadManArmed{
           .path = "1", .host = "x500", .after = Milliseconds(900'000), .directory_id = "d"},
       StepStarted{.path = "1", .attempt = 1, .directory_id = "d"},
       StepSettled{.path = "1", .attempt = 1, .receipt = ended, .receipts_lost = false},
       StepDone{.path = "1", .result = StepResult::kDone, .took = Milliseconds(5), .detail = ""},
       StepStarted{.path = "2.mailhub1.1", .attempt = 1, .directory_id = ""},
       StepDone{.path = "2.mailhub1.1",
                .result = StepResult::kDone,
                .took = Milliseconds(5),
                .detail = ""},
       DeadManDisarmed{.path = "1", .generation = 1}, RunEnding{.result = result, .detail = ""},
       RunFinished{.result = result, .detail = "as planned"}, RunSwept{}},
      first, run);
}

// The whole event as text with its plan, for comparisons in tests.
inline std::string TextOf(const engine::Event& event) {
  const Encoded encoded = Encode(event.body);
  return std::to_string(event.seq) + " " + std::to_string(ToUnixMs(event.at)) + " " + event.run +
         " " + encoded.kind + " " + encoded.body + encoded.plan;
}

}  // namespace mailhub::journal::testing
