// What goes wrong in a simulated world: by chance, or on purpose to see the checker complain.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "lib/base/result.h"

namespace mailhub::sim {

// Chances in 0..1 for each occasion. Each has a name, by which a simulation can be told to have
// only some of them: see kFaultKinds in faults.cc.
struct Faults {
  // At each request to a host.
  double refuse = 0;         // it cannot be reached, perhaps for minutes; nothing was sent
  double hang = 0;           // no answer ever, and nothing arrives
  double lose_reply = 0;     // carried out, but the answer is lost
  double delay = 0;          // it arrives up to minutes later, when its sender has given up
  double slow_reply = 0;     // its sender waits for seconds
  double reboot = 0;         // the host goes down as it arrives
  double wipe_receipts = 0;  // ... and comes back without its receipts
  double change_key = 0;     // the host's key is another one for some minutes
  double uptime_back = 0;    // the host's uptime starts again at 0 without a reboot
  double fail_command = 0;   // the command exits with 1 and changes nothing
  double slow_command = 0;   // it takes minutes
  double fail_restore = 0;   // what a dead man runs exits with 1 and changes nothing
  // Prometheus.
  double drop_sample = 0;      // misses a sample
  double delay_sample = 0;     // shows it seconds late
  double prometheus_away = 0;  // does not answer
  // The actuator, at each of its seam calls.
  double crash = 0;
  double journal_trouble = 0;       // ... and its journal is gone or an older copy for a while
  double depose = 0;                // stalls, is replaced, and goes on where it was
  double pause = 0;                 // stands still (SIGSTOP) for up to minutes, then goes on
  double commit_fails = 0;          // at each commit: nothing was recorded
  double commit_seems_to_fail = 0;  // ... or it was
  // At each look of the world at itself, every few seconds.
  double disk_full = 0;     // no commit succeeds, for seconds or longer than any lease
  double stay_away = 0;     // a host cannot be reached for up to an hour
  double clock_step = 0;    // the actuator's wall clock, up to an hour either way
  double clock_years = 0;   // ... or years, until it is set right
  double mode_changes = 0;  // a person halts the actuator for a while
  // For the whole simulation.
  double foreign_actuator = 0;  // one with a journal of its own, on the same hosts
  double gone_for_ever = 0;     // a host that stays away for good once it is away
  double stale_people = 0;     // people act up to a minute after they looked, and repeat themselves
  double restless_people = 0;  // ... and pause, cancel and start what needs nobody
  double strange_clock = 0;    // Prometheus's is minutes away from the actuator's
  // At each notification.
  double late_notification = 0;  // it arrives up to 90 s later, after newer ones
};

struct FaultKind {
  const char* name;  // "disk_full"
  double Faults::*chance;
  double usual;  // often enough to be met, rarely enough to let runs get somewhere
};
std::span<const FaultKind> FaultKinds();

// Every fault there is.
Faults BadWeather();
// The kinds that are named, separated by commas; "all" and "none" are names too.
Result<Faults> OnlyFaults(const std::string& names);
// Turns about half of the kinds off, drawn from the seed, so that rare ones meet undisturbed.
Faults Swarm(Faults faults, uint64_t seed);

// A part that misbehaves, to show that an invariant bites.
enum class Mutation {
  kNone,
  kRunnerIgnoresClaims,
  kRunnerIgnoresVoid,
  kRunnerIgnoresFence,
  kRunnerIsPatient,        // begins what is held up on its host, however late
  kRunnerIgnoresRestored,  // a restored lease stops the guarded step only, not its run
  kHostForgetsLease,
  kHostKeepsLease,  // says disarmed, and is not
  kHostArmsLate,    // what was taken away already
  kAdapterMisreadsExit,
  kGateBelievesOldSamples,
  kActsBeforeCommit,
  kActsLate,  // performs effects minutes after they were decided
  kAnswersBeforeCommit,
  kForgetsMode,
  kForgetsHolds,  // a restored lease's hold is not recorded
  kPlanWithoutLocks,
  kPlanWithoutAlways,
  kPlanWithoutDeadMan,
  kPlanWithoutTimeouts,
  kRetriesWhatIsUnknown,  // the plan calls every step idempotent
  kVerbsActOnWhatIsNow,   // a person's verb names what is true when it arrives
  kSilencesHeldRuns,
  kJournalBeginsAnew,    // its file is gone, and an empty one is taken instead
  kJournalTakesOldCopy,  // an older copy is taken
};

}  // namespace mailhub::sim
