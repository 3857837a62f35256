// The events that a journal holds. A run's state follows from its events alone: a replay gives the
// same engine. The journal stores an event's kName and its fields by name (fields.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/plan.h"
#include "actuator/engine/remote.h"

namespace mailhub::engine {

// What an event is about, as kAbout of each kind. No run changes by kNoRun, though it may name one;
// kDetail is not needed any more once its run is finished and swept.
enum class About { kNoRun, kRun, kDetail };
template <typename Kind>
concept AboutNoRun = Kind::kAbout == About::kNoRun;

enum class Mode { kActive, kObserve, kHalted };
constexpr auto WordsOf(Mode) {
  using enum Mode;
  return Vocabulary<Mode>({{kActive, "active"}, {kObserve, "observe"}, {kHalted, "halted"}});
}

struct ActuatorStarted {
  static constexpr const char* kName = "actuator_started";
  static constexpr About kAbout = About::kNoRun;
  uint64_t epoch = 0;  // grows with every start; hosts refuse lower ones
  std::string version;
};

struct ModeChanged {
  static constexpr const char* kName = "mode_changed";
  static constexpr About kAbout = About::kNoRun;
  Mode mode = Mode::kActive;
  std::string by;
};

// The outcome of one alert of one notification.
enum class Decision {
  kStartedRun,
  kJoined,      // the run it would start exists and is not finished
  kRepeat,      // this episode was decided before
  kCooldown,    // a run of this kind finished too recently
  kObserved,    // mode observe: would have started
  kHalted,      // mode halted
  kResolved,    // the episode is over
  kCancelled,   // the episode is over and its run, not yet committed, is cancelled
  kIgnored,     // no trigger matches
  kRejected,    // a label names something that is not in the site file, or the alert is malformed
  kJoinedLate,  // the run it would start is past the helping step; decided again at its end
  kDeferred,    // no run can answer for it now (its run is ending, or too many are unfinished);
                // decided again when that has changed
  kLate,        // fires with the start of an alert whose end was reported before
};
constexpr auto WordsOf(Decision) {
  using enum Decision;
  return Vocabulary<Decision>({
      {kStartedRun, "started_run"},
      {kJoined, "joined"},
      {kRepeat, "repeat"},
      {kCooldown, "cooldown"},
      {kObserved, "observed"},
      {kHalted, "halted"},
      {kResolved, "resolved"},
      {kCancelled, "cancelled"},
      {kIgnored, "ignored"},
      {kRejected, "rejected"},
      {kJoinedLate, "joined_late"},
      {kDeferred, "deferred"},
      {kLate, "late"},
  });
}
// Whether a firing alert with this decision is open until it resolves. A run answers for it, or it
// is decided again later.
bool OpensEpisode(Decision decision);
struct AlertDecided {
  static constexpr const char* kName = "alert_decided";
  static constexpr About kAbout = About::kNoRun;
  std::string notification;  // id shared by all alerts of one delivery
  std::string fingerprint;
  std::string alertname;
  std::map<std::string, std::string> labels;
  bool firing = true;
  WallTime starts_at;
  std::string trigger;  // empty when none matches
  Decision decision = Decision::kIgnored;
  std::string detail;  // a sentence
  std::string run;     // the run it started, joined or cancelled
  // Newest start heard of alerts with this fingerprint. A decision that opens an episode counts
  // only earlier alerts, which are over though their ends may still come; others count the episode.
  // Zero: none.
  WallTime newest_start;
  // Runs that have answered this alert while it fired, with the one of this decision.
  int tries = 0;
  // The login under which the notification came; empty: the webhook's token. A run that it starts
  // counts as started by that login.
  std::string by;
};

struct RunQueued {
  static constexpr const char* kName = "run_queued";
  static constexpr About kAbout = About::kRun;
  Plan plan;
  std::string trigger;      // name of the trigger; empty when a person started it
  std::string fingerprint;  // episode; empty when a person started it
  std::string by;           // person or "alertmanager"
  std::string only_if;      // PromQL, asked again when the locks are granted; empty: always
  // Why a person lets it start at a time that is not suitable; empty: it waits for one.
  std::string at_once = {};
  bool by_login = false;  // `by` logged in; else the name is only a claim
};
struct RunStarted {  // locks granted, only_if held
  static constexpr const char* kName = "run_started";
  static constexpr About kAbout = About::kRun;
};
struct RunDropped {
  static constexpr const char* kName = "run_dropped";
  static constexpr About kAbout = About::kRun;
  std::string why;
};

// The intent: committed before anything is attempted under this attempt's key.
struct StepStarted {
  static constexpr const char* kName = "step_started";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  int attempt = 1;
  std::string directory_id;  // kRun, kJob: receipts directory the key will be claimed in
};
struct StepSettled {  // the receipt has arrived, or never will
  static constexpr const char* kName = "step_settled";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  int attempt = 1;
  Receipt receipt;             // kFinished, kInterrupted or kVoid
  bool receipts_lost = false;  // the receipts directory changed: it can never give the receipt
};
enum class StepResult { kDone, kSkipped, kResolved, kContinued };
constexpr auto WordsOf(StepResult) {
  using enum StepResult;
  return Vocabulary<StepResult>({
      {kDone, "done"},
      {kSkipped, "skipped"},
      {kResolved, "resolved"},
      {kContinued, "continued"},
  });
}
struct StepDone {
  static constexpr const char* kName = "step_done";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  StepResult result = StepResult::kDone;
  Milliseconds took{0};
  std::string detail;  // last gate reading, operator's reason
};

// Intent to arm: from here on the host may act by itself.
struct DeadManArmed {
  static constexpr const char* kName = "dead_man_armed";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  std::string host;
  Milliseconds after{0};
  std::string directory_id;  // of the host's receipts, which hold the lease
};
struct DeadManDisarmed {
  static constexpr const char* kName = "dead_man_disarmed";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  int generation = 0;                   // of its lease; 0 in older journals: any with that path
  std::optional<int> exit_status = {};  // of the restoring command, if the host has acted
};
struct DeadManRestored {  // the host acted by itself
  static constexpr const char* kName = "dead_man_restored";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  std::string detail;
  int generation = 0;                   // as above
  std::optional<int> exit_status = {};  // likewise; nothing: not ended, or its end is unknown
};

enum class HoldReason {
  kStepFailed,
  kTimedOut,
  kOutcomeUnknown,
  kGateShut,
  kRefused,
  kDeadManRestored,
  kAlwaysFailed,
  kLeaseLost,     // the host lost its receipts, and with them a dead man
  kStillStopped,  // the run would end, and nothing has restarted what this step stopped
  kHostAway,      // the run would end, and a host does not say that its dead man is gone
  kNotConfirmed,  // nobody has answered a `confirm` in its time
};
constexpr auto WordsOf(HoldReason) {
  using enum HoldReason;
  return Vocabulary<HoldReason>({
      {kStepFailed, "step_failed"},
      {kTimedOut, "timed_out"},
      {kOutcomeUnknown, "outcome_unknown"},
      {kGateShut, "gate_shut"},
      {kRefused, "refused"},
      {kDeadManRestored, "dead_man_restored"},
      {kAlwaysFailed, "always_failed"},
      {kLeaseLost, "lease_lost"},
      {kStillStopped, "still_stopped"},
      {kHostAway, "host_away"},
      {kNotConfirmed, "not_confirmed"},
  });
}
// Whether such a hold is always about a dead man, at any step of the run, and never about a step.
constexpr bool IsAboutLease(HoldReason reason) {
  switch (reason) {
    case HoldReason::kDeadManRestored:
    case HoldReason::kLeaseLost:
    case HoldReason::kStillStopped:
    case HoldReason::kHostAway:
      return true;
    case HoldReason::kStepFailed:
    case HoldReason::kTimedOut:
    case HoldReason::kOutcomeUnknown:
    case HoldReason::kGateShut:
    case HoldReason::kRefused:
    case HoldReason::kAlwaysFailed:
    case HoldReason::kNotConfirmed:
      return false;
  }
  return false;
}
struct RunHeld {
  static constexpr const char* kName = "run_held";
  static constexpr About kAbout = About::kDetail;
  std::string path;
  HoldReason reason = HoldReason::kStepFailed;
  std::string detail;
};

enum class Verb { kStart, kPause, kResume, kConfirm, kCancel, kRetry, kSkip, kResolve };
constexpr auto WordsOf(Verb) {
  using enum Verb;
  return Vocabulary<Verb>({
      {kStart, "start"},
      {kPause, "pause"},
      {kResume, "resume"},
      {kConfirm, "confirm"},
      {kCancel, "cancel"},
      {kRetry, "retry"},
      {kSkip, "skip"},
      {kResolve, "resolve"},
  });
}
inline constexpr int kNoHold = 0;
inline constexpr int kAllHolds = -1;  // a person's cancel; any answer in journals older than holds
struct OperatorActed {
  static constexpr const char* kName = "operator_acted";
  static constexpr About kAbout = About::kDetail;
  Verb verb = Verb::kStart;
  std::string path;  // of the step it was about
  std::string by;
  std::string detail;
  int hold = kAllHolds;  // number of the hold that it answers, or one of the above
};

enum class RunResult { kSucceeded, kFailed, kCancelled, kDropped };
constexpr auto WordsOf(RunResult) {
  using enum RunResult;
  return Vocabulary<RunResult>({
      {kSucceeded, "succeeded"},
      {kFailed, "failed"},
      {kCancelled, "cancelled"},
      {kDropped, "dropped"},
  });
}
// The forward steps are over; owed `always` steps follow.
struct RunEnding {
  static constexpr const char* kName = "run_ending";
  static constexpr About kAbout = About::kRun;
  RunResult result = RunResult::kSucceeded;
  std::string detail;
};
struct RunFinished {
  static constexpr const char* kName = "run_finished";
  static constexpr About kAbout = About::kRun;
  RunResult result = RunResult::kSucceeded;
  std::string detail;
  // Time of the run's own work, without holds, pauses and questions. Nothing: the journal is older
  // than this field.
  std::optional<Milliseconds> worked = std::nullopt;
};
struct RunSwept {  // every host has forgotten the run's receipts
  static constexpr const char* kName = "run_swept";
  static constexpr About kAbout = About::kRun;
};

// Intent to make a host obey this journal instead of any other.
struct HostTakeover {
  static constexpr const char* kName = "host_takeover";
  static constexpr About kAbout = About::kNoRun;
  std::string host;
  std::string by;
  std::string detail;  // the reason given
};

// A person wants the alert's next notification to be decided anew.
struct EpisodeClosed {
  static constexpr const char* kName = "episode_closed";
  static constexpr About kAbout = About::kNoRun;
  std::string fingerprint;
  std::string by;
  std::string detail;
};

using EventBody = std::variant<ActuatorStarted, ModeChanged, AlertDecided, RunQueued, RunStarted,
                               RunDropped, StepStarted, StepSettled, StepDone, DeadManArmed,
                               DeadManDisarmed, DeadManRestored, RunHeld, OperatorActed, RunEnding,
                               RunFinished, RunSwept, HostTakeover, EpisodeClosed>;

// The event's kind, as the journal and the API write it: "step_started".
inline const char* Name(const EventBody& body) {
  return std::visit([]<typename Kind>(const Kind&) { return Kind::kName; }, body);
}
inline About AboutOf(const EventBody& body) {
  return std::visit([]<typename Kind>(const Kind&) { return Kind::kAbout; }, body);
}

struct Event {
  uint64_t seq = 0;  // 1, 2, 3, ...: no gaps
  WallTime at;
  std::string run;  // empty: not about a run
  EventBody body;
};

}  // namespace mailhub::engine
