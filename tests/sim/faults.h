// The faults of a simulated world: random ones, and deliberate ones that the checker must find.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lib/base/result.h"

namespace mailhub::sim {

// Chances in 0..1 per occasion. Each has a name, so that a simulation can have only some of them:
// see kFaultKinds in faults.cc.
struct Faults {
  // At each request to a host.
  double refuse = 0;         // it cannot be reached, perhaps for minutes; nothing was sent
  double hang = 0;           // never an answer, and nothing arrives
  double lose_reply = 0;     // carried out, but the answer is lost
  double delay = 0;          // arrives up to minutes later, when its sender has given up
  double slow_reply = 0;     // its sender waits for seconds
  double reboot = 0;         // the host goes down when it arrives
  double wipe_receipts = 0;  // ... and comes back without its receipts
  double change_key = 0;     // the host's key is a different one for some minutes
  double uptime_back = 0;    // the host's uptime starts again at 0 without a reboot
  double fail_command = 0;   // the command exits with 1 and changes nothing
  double slow_command = 0;   // it takes minutes
  double fail_restore = 0;   // the dead man's command exits with 1 and changes nothing
  // Prometheus.
  double drop_sample = 0;      // misses a sample
  double delay_sample = 0;     // shows it seconds late
  double prometheus_away = 0;  // does not answer
  // The actuator, at each of its seam calls.
  double crash = 0;
  double journal_trouble = 0;       // ... and its journal is gone or an older copy for a while
  double depose = 0;                // stalls, is replaced, and continues later
  double pause = 0;                 // stops (SIGSTOP) for up to minutes, then continues
  double commit_fails = 0;          // at each commit: nothing was recorded
  double commit_seems_to_fail = 0;  // ... or it was
  // At each regular step of the world, every few seconds.
  double disk_full = 0;     // no commit succeeds, for seconds or longer than any lease
  double stay_away = 0;     // a host cannot be reached for up to an hour
  double clock_step = 0;    // the actuator's wall clock, up to an hour either way
  double clock_years = 0;   // ... or years, until it is corrected
  double mode_changes = 0;  // a person halts the actuator for a while
  // For the whole simulation.
  double foreign_actuator = 0;  // one with a journal of its own, on the same hosts
  double gone_for_ever = 0;     // an unreachable host stays away for good
  double stale_people = 0;      // people act up to a minute after their look, and repeat themselves
  double restless_people = 0;   // ... and pause, cancel and start without need
  double strange_clock = 0;     // Prometheus's is minutes away from the actuator's
  // At each notification.
  double late_notification = 0;  // it arrives up to 90 s later, after newer ones
};

struct FaultKind {
  const char* name;  // "disk_full"
  double Faults::*chance;
  double usual;  // often enough to occur, rarely enough for runs to progress
};
std::span<const FaultKind> FaultKinds();

// All faults.
Faults BadWeather();
// The named kinds, separated by commas; "all" and "none" are names too.
Result<Faults> OnlyFaults(const std::string& names);
// Turns about half of the kinds off, drawn from the seed, so that rare ones meet without
// interference.
Faults Swarm(Faults faults, uint64_t seed);

// A deliberate bug in one part, to show that an invariant finds it.
enum class Mutation {
  kNone,
  kRunnerIgnoresClaims,
  kRunnerIgnoresVoid,
  kRunnerIgnoresFence,
  kRunnerIsPatient,        // begins a request delayed on its host, however late
  kRunnerIgnoresRestored,  // a restored lease stops only the guarded step, not its run
  kHostForgetsLease,
  kHostKeepsLease,  // reports disarmed, and is not
  kHostArmsLate,    // arms a lease that was already disarmed
  kAdapterMisreadsExit,
  kGateBelievesOldSamples,
  kActsBeforeCommit,
  kActsLate,  // performs effects minutes after the decision
  kAnswersBeforeCommit,
  kTriesOneByOne,  // what a notification would do is asked for each of its alerts alone
  kForgetsMode,
  kForgetsHolds,  // a restored lease's hold is not recorded
  kPlanWithoutLocks,
  kPlanWithoutAlways,
  kPlanWithoutDeadMan,
  kPlanWithoutTimeouts,
  kRetriesWhatIsUnknown,  // the plan calls every step idempotent
  kVerbsActOnWhatIsNow,   // a person's verb names the state at its arrival
  kSilencesHeldRuns,
  kJournalBeginsAnew,    // its file is gone, and it accepts an empty one
  kJournalTakesOldCopy,  // accepts an older copy
  kCalendarForgetsBlackouts,
  kCalendarForgetsDurations,  // what fits is not asked
  kClaimsCountAsLogins,       // the API takes a claimed name for a proven one
  kPlanWithoutQuestionTimeouts,
  kTriesForEver,  // further runs for an alert are not bounded
};

}  // namespace mailhub::sim
