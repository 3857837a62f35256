// What the engine shows of itself: plain copies, for the API, the console, mailhubctl and the
// metrics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"

namespace mailhub::engine {

enum class RunState { kQueued, kRunning, kHeld, kPaused, kEnding, kFinished };
const char* Name(RunState state);

enum class StepPhase {
  kPending,
  kPreparing,  // asking for the receipts directory, arming the dead man
  kActing,     // the command is running, or nobody knows yet
  kRetryWait,  // between attempts
  kMarking,    // asking the hosts for marks
  kGate,       // waiting for the condition
  kConfirm,    // waiting for a person
  kDone,
};
const char* Name(StepPhase phase);

struct StepView {
  std::string path;
  std::string name;
  StepKind kind = StepKind::kRun;
  std::string host;
  bool always = false;
  StepPhase phase = StepPhase::kPending;
  std::optional<StepResult> result;
  int attempt = 0;
  std::optional<WallTime> started;
  std::optional<Milliseconds> took;
  std::optional<GateReading> gate;  // last reading
  std::string expr;                 // the gate's, if it has one
  std::string command;
  std::string output;  // last receipt's
  std::optional<int> exit_status;
  std::string detail;
};

struct RunView {
  std::string id;
  std::string runbook;
  std::string summary;
  std::string target;
  std::map<std::string, std::string> parameters;
  std::vector<std::string> locks;
  std::vector<std::string> hosts;  // hosts its steps touch
  std::string trigger;
  std::string fingerprint;
  std::string by;
  RunState state = RunState::kQueued;
  std::string waiting_for;  // kQueued: what for; else what it is doing, or why it cannot
  std::optional<HoldReason> hold;
  std::string hold_path;
  std::string hold_detail;
  std::optional<RunResult> result;
  std::string result_detail;
  WallTime queued;
  std::optional<WallTime> started;
  std::optional<WallTime> finished;
  std::optional<WallTime>
      eta;  // from this runbook's and target's history, or the configured expectation
  bool overdue = false;
  size_t current = 0;           // index into steps; their number when it is at none
  std::vector<StepView> steps;  // forward steps, then `always` ones
};

struct Run;

// What the run's events say of it. What only a living engine knows is left empty: what it waits
// for, the current step, gate readings, the time it is expected to take.
RunView ViewOf(const Run& run);

struct View {
  Mode mode = Mode::kActive;
  uint64_t epoch = 0;
  std::vector<RunView> unfinished;  // oldest first
  std::vector<RunView> finished;  // newest first, at most 50 of them; older ones are in the journal
  size_t open_episodes = 0;
  bool queue_blocked_by_hold = false;
};

}  // namespace mailhub::engine
