// Copies of the engine's state for the API, the console, mailhubctl and the metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/calendar.h"
#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"

namespace mailhub::engine {

enum class RunState { kQueued, kRunning, kHeld, kPaused, kEnding, kFinished };
constexpr auto WordsOf(RunState) {
  using enum RunState;
  return Vocabulary<RunState>({
      {kQueued, "queued"},
      {kRunning, "running"},
      {kHeld, "held"},
      {kPaused, "paused"},
      {kEnding, "ending"},
      {kFinished, "finished"},
  });
}

enum class StepPhase {
  kPending,
  kPreparing,  // asking for the receipts directory, arming the dead man
  kActing,     // the command is running, or its state is not known yet
  kRetryWait,  // between attempts
  kMarking,    // asking the hosts for marks
  kGate,       // waiting for the condition
  kConfirm,    // waiting for a person
  kDone,
  kHeld,  // waiting for the answer to a hold
  kLeft,  // begun; its run went on to its end without it
};
constexpr auto WordsOf(StepPhase) {
  using enum StepPhase;
  return Vocabulary<StepPhase>({
      {kPending, "pending"},
      {kPreparing, "preparing"},
      {kActing, "acting"},
      {kRetryWait, "retry_wait"},
      {kMarking, "marking"},
      {kGate, "gate"},
      {kConfirm, "confirm"},
      {kDone, "done"},
      {kHeld, "held"},
      {kLeft, "left"},
  });
}

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
  std::string expr;                 // the gate's, if any
  std::string command;
  std::string output;  // last receipt's
  std::optional<int> exit_status;
  std::string detail;
};

// A question that a person must answer before the run continues.
struct HoldView {
  int number = 0;  // within the run, from 1; a verb names it
  std::string path;
  std::string step_name;
  HoldReason reason = HoldReason::kStepFailed;
  std::string detail;
  WallTime since;
  std::vector<Verb> answers = {};  // verbs that it accepts now
  bool dead_man = false;           // it is about the step's dead man, not about the step
};

// A pause by a person; a person ends it.
struct PauseView {
  int number = 0;  // within the run, from 1; `resume` names it
  std::string by;
  std::string reason;
  WallTime since;
};

enum class DeadManPhase {
  kUnconfirmed,  // recorded; the host has not confirmed the arming in time
  kArmed,        // confirmed by the host within its time
  kDisarming,    // no longer needed; the host has not confirmed the removal yet
  kRestored,     // the host acted by itself, and does not know yet that this is known
  kLost,         // the host has other receipts now: its state is unknown
};
constexpr auto WordsOf(DeadManPhase) {
  using enum DeadManPhase;
  return Vocabulary<DeadManPhase>({
      {kUnconfirmed, "unconfirmed"},
      {kArmed, "armed"},
      {kDisarming, "disarming"},
      {kRestored, "restored"},
      {kLost, "lost"},
  });
}

struct DeadManView {
  std::string path;  // of the guarded step
  std::string host;
  DeadManPhase phase = DeadManPhase::kUnconfirmed;
  Milliseconds after{0};                      // the host acts this long after the last renewal
  std::optional<Milliseconds> confirmed_ago;  // since the last renewal that the host confirmed
  std::string trouble;                        // why it is not confirmed
};

// When a run would start that is not queued yet. What is in the way has the words of a queued run.
struct StartView {
  // Why the request of a person to start it would be refused now; empty: it would not.
  std::string refused;
  bool now = false;               // it starts at once; if it has an `only_if`, once that holds
  std::optional<WallTime> begin;  // else as RunView::starts_at
  std::string why;                // else as RunView::waiting_for
  bool never = false;             // the calendar has no time for it
  Needed needed;                  // time to reserve for it
};

struct RunView {
  std::string id;
  uint64_t seq = 0;  // of the event that it was queued with; once finished, that it ended with
  std::string runbook;
  std::string summary;
  std::string target;
  std::map<std::string, std::string> parameters;
  std::vector<std::string> locks;
  std::vector<std::string> hosts;  // hosts that its steps touch
  std::string trigger;
  std::string fingerprint;
  std::string by;
  RunState state = RunState::kQueued;
  std::string waiting_for;            // kQueued: the reason; else its action, or why it cannot act
  std::optional<WallTime> starts_at;  // kQueued: when the calendar lets it start, if known
  std::string unsuitable;  // under way: why this is no longer a suitable time; empty: it is one
  Suitable suitable;       // when it may start
  std::string at_once;     // why a person does not let it wait for that; empty: it waits
  Needed needed;           // unfinished: the time that is reserved for it
  // Unfinished: its end by that time. Nothing: not known, and the next field says why.
  std::optional<WallTime> ends_at = {};
  std::string end_unknown = {};
  std::vector<HoldView> holds;  // all of them must be answered
  std::optional<PauseView> pause;
  std::vector<DeadManView> dead_men;  // those that may be armed, or have acted
  // The run acts now: it is not queued, held, paused, at a question or stopped by the mode. Only
  // then are its hosts' alerts silenced.
  bool acting = false;
  std::string asks;       // the question of the `confirm` that it waits at; else empty
  std::string asks_whom;  // who may answer; empty: everybody who may confirm
  std::optional<WallTime> asks_until = {};  // the end of its time; nothing: for ever
  std::optional<WallTime> asks_since = {};
  std::optional<RunResult> result;  // also while it is being cancelled, and at its end
  std::string result_detail;
  WallTime queued;
  std::optional<WallTime> started;
  std::optional<WallTime> finished;
  // From this runbook's and target's history, or the configured expectation.
  std::optional<WallTime> eta;
  bool overdue = false;
  size_t current = 0;           // index into steps; their number when it is at none
  std::vector<StepView> steps;  // forward steps, then `always` ones
};

struct Run;

// The run's state from its events. Fields that only a living engine knows stay empty: the reason
// for waiting, the current step's state, gate readings, the expected time.
RunView ViewOf(const Run& run);

enum class EpisodeState {
  kAnswered,     // its run is not finished
  kRemedied,     // its run has succeeded, and the alert has not come again since
  kUnanswered,   // its run did not succeed, or the alert came again after the run's end
  kStillFiring,  // all runs that it may have are over, and it has gone on firing for too long
  kWaiting,      // it fires, and no run answers for it yet; decided again without a notification
};
constexpr auto WordsOf(EpisodeState) {
  using enum EpisodeState;
  return Vocabulary<EpisodeState>({
      {kAnswered, "answered"},
      {kRemedied, "remedied"},
      {kUnanswered, "unanswered"},
      {kStillFiring, "still_firing"},
      {kWaiting, "waiting"},
  });
}

// An alert that fires and matches a trigger.
struct EpisodeView {
  std::string fingerprint;
  std::string alertname;
  std::string trigger;
  std::string run;  // empty: none
  EpisodeState state = EpisodeState::kAnswered;
  WallTime decided;
  std::string detail;  // sentence of its last decision
  int tries = 0;       // runs that have answered it, the present one included
};

struct View {
  Mode mode = Mode::kActive;
  uint64_t epoch = 0;
  std::vector<RunView> unfinished;  // oldest first
  std::vector<RunView> finished;  // newest first, at most 50 of them; older ones are in the journal
  size_t open_episodes = 0;
  size_t unanswered_episodes = 0;     // of all, in EpisodeState::kUnanswered
  size_t still_firing_episodes = 0;   // of all, in EpisodeState::kStillFiring
  std::vector<EpisodeView> episodes;  // by fingerprint; at most 1,000 of them
  bool queue_blocked_by_hold = false;
};

}  // namespace mailhub::engine
