// What goes wrong in a simulated world: by chance, or on purpose to see the checker complain.
#pragma once

namespace mailhub::sim {

// Chances in 0..1 for each occasion.
struct Faults {
  // At each request to a host.
  double refuse = 0;         // it cannot be reached, perhaps for minutes; nothing was sent
  double hang = 0;           // no answer ever, and nothing arrives
  double lose_reply = 0;     // carried out, but the answer is lost
  double delay = 0;          // it arrives up to minutes later, when its sender has given up
  double reboot = 0;         // the host goes down as it arrives
  double wipe_receipts = 0;  // ... and comes back without its receipts
  double change_key = 0;     // the host's key is another one for some minutes
  double fail_command = 0;   // the command exits with 1 and changes nothing
  double slow_command = 0;   // it takes minutes
  // Prometheus.
  double drop_sample = 0;      // misses a sample
  double delay_sample = 0;     // shows it seconds late
  double prometheus_away = 0;  // does not answer
  // The actuator, at each of its seam calls.
  double crash = 0;
  double depose = 0;                // stalls, is replaced, and goes on where it was
  double commit_fails = 0;          // at each commit: nothing was recorded
  double commit_seems_to_fail = 0;  // ... or it was
  // At each look of the world at itself, every few seconds.
  double clock_step = 0;    // the actuator's wall clock, up to an hour either way
  double mode_changes = 0;  // a person halts the actuator for a while
  // For the whole simulation.
  double foreign_actuator = 0;  // one with a journal of its own, on the same hosts
};

// A part that misbehaves, to show that an invariant bites.
enum class Mutation {
  kNone,
  kRunnerIgnoresClaims,
  kRunnerIgnoresVoid,
  kRunnerIgnoresFence,
  kHostForgetsLease,
  kHostKeepsLease,  // says disarmed, and is not
  kAdapterMisreadsExit,
  kGateBelievesOldSamples,
  kActsBeforeCommit,
  kAnswersBeforeCommit,
  kForgetsMode,
  kPlanWithoutLocks,
  kPlanWithoutAlways,
  kPlanWithoutDeadMan,
  kRetriesWhatIsUnknown,  // the plan calls every step idempotent
};

}  // namespace mailhub::sim
