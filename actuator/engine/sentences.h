// The sentences about decisions, waits and holds, as the journal keeps them and as API, mailhubctl, console, log and
// notifications show them. Each is written here only, with {places} that Say fills (lib/base/sentence.h).
// docs/sentences.md explains each of them; tests/sentences_test.py compares it with these tables.
#pragma once

#include "lib/base/sentence.h"

namespace mailhub::engine {

// The detail of a decision about an alert.
enum class DecidedBecause {
  kNoTrigger,
  kNoTriggerAnyMore,
  kNoLabel,
  kStarted,
  kRunNotFinished,
  kRunHasActed,
  kRunEnds,
  kTooManyRuns,
  kCooldown,
  kMode,
  kDecidedBefore,
  kEndReported,
  kEarlierEnd,
  kOver,
  kOverForThis,
  kOverBeforeCommit,
  kAfresh,
  kStillFires,
};
constexpr auto WordsOf(DecidedBecause) {
  using enum DecidedBecause;
  return Vocabulary<DecidedBecause>({
      {kNoTrigger, "no trigger matches"},
      {kNoTriggerAnyMore, "no trigger matches any more"},
      {kNoLabel,
       "the alert has no label \"{label}\", which parameter \"{parameter}\" is taken from"},
      {kStarted, "started {runbook}"},
      {kRunNotFinished,
       "a run of this runbook with these parameters is not finished, and answers this alert too"},
      {kRunHasActed,
       "a run of this runbook with these parameters has acted already; decided afresh when it is "
       "finished"},
      {kRunEnds, "a run of this runbook with these parameters is ending; decided afresh then"},
      {kTooManyRuns, "too many runs are not finished; decided afresh when one is"},
      {kCooldown,
       "run {run} finished less than the cooldown of {time} ago; decided afresh in {left}"},
      {kMode,
       "mode is {mode}: would have started {runbook}; decided afresh when the mode is active"},
      {kDecidedBefore, "this alert was decided before, and its end was not heard since"},
      {kEndReported,
       "the end of this alert was reported before; should it still fire, a repeat two minutes "
       "after that is decided afresh"},
      {kEarlierEnd, "the end of an earlier alert; this one began later and goes on"},
      {kOver, "the alert has ended"},
      {kOverForThis, "the alert has ended; its run goes on for other alerts that joined it"},
      {kOverBeforeCommit, "the alert has ended before its run was committed"},
      {kAfresh, "decided afresh: {sentence}"},
      {kStillFires,
       "it still fires {time} after run {run} has succeeded; {number} of {attempts} runs before "
       "this: {sentence}"},
  });
}

// What came of the run of an alert that still fires.
enum class LeftOpenBecause { kDropped, kCancelled, kFailed };
constexpr auto WordsOf(LeftOpenBecause) {
  using enum LeftOpenBecause;
  return Vocabulary<LeftOpenBecause>({
      {kDropped, "its further run was dropped: {sentence}"},
      {kCancelled,
       "its run was cancelled; decided afresh after the alert's own end, or once a person closes "
       "the episode"},
      {kFailed,
       "its run failed; decided afresh after the alert's own end, or once a person closes the "
       "episode"},
  });
}

// Why nobody knows when an unfinished run ends.
enum class EndUnknown { kDuration, kPause, kStart, kPerson, kLate };
constexpr auto WordsOf(EndUnknown) {
  using enum EndUnknown;
  return Vocabulary<EndUnknown>({
      {kDuration, "how long it takes is unknown: {origin}"},
      {kPause, "it is paused, until a person resumes it"},
      {kStart, "its start is not known"},
      {kPerson, "it waits for a person, and nobody knows how long"},
      {kLate, "it takes longer than the {time} that are reserved for it ({origin})"},
  });
}

// Why a person's wish to close an episode is refused.
enum class NotClosedBecause { kNone, kWaits, kOtherRun, kUnfinished, kRemedied };
constexpr auto WordsOf(NotClosedBecause) {
  using enum NotClosedBecause;
  return Vocabulary<NotClosedBecause>({
      {kNone, "no open episode has the fingerprint {fingerprint}"},
      {kWaits, "it waits, and is decided afresh by itself: {sentence}"},
      {kOtherRun, "run {run} does not answer for it; run {other} does"},
      {kUnfinished,
       "run {run} answers for it and is not finished; cancel that first, should the alert be "
       "decided afresh"},
      {kRemedied,
       "run {run} has succeeded, and the alert was not heard again since: nothing is unanswered"},
  });
}

// What a queued run, or the next step of a run, waits for.
enum class WaitsFor {
  kMode,
  kPause,
  kLock,
  kFirst,
  kNoCalendar,
  kNeeds,
  kNeedsUnknown,
  kOnlyIf,
  kOnlyIfUnknown,
  kNoAnswer,
  kNotBegun,
  kPassedOverRuns,
  kPassedOverUnknown,
  kPassedOverTrouble,
  kPassedOverOn,
  kPassedOverEnd,
  kPassedOverEndTrouble,
  kLease,
  kLeaseTrouble,
  kLeaseNotRecorded,
  kActKnown,
  kGate,
  kGateWhy,
  kPerson,
};
constexpr auto WordsOf(WaitsFor) {
  using enum WaitsFor;
  return Vocabulary<WaitsFor>({
      {kMode, "the mode is {mode}: no run starts and no step begins"},
      {kPause, "paused by {person}"},
      {kLock, "run {run} ({runbook}) has a lock that this run needs"},
      {kFirst, "run {run} ({runbook}) comes first, and both need the same lock"},
      {kNoCalendar,
       "there is no calendar that knows {names}; it can be cancelled, and started again with "
       "--now"},
      {kNeeds, "{why}; it needs {time} ({origin})"},
      {kNeedsUnknown, "{why}; how long it takes is unknown: {origin}"},
      {kOnlyIf, "Prometheus is asked whether the run is still needed (only_if)"},
      {kOnlyIfUnknown, "it is unknown whether the run is still needed (only_if): {trouble}"},
      {kNoAnswer, "{host} does not answer"},
      {kNotBegun, "not begun: {sentence}"},
      {kPassedOverRuns,
       "the command of \"{step}\", which was passed over, still runs on {host}, and this step "
       "brings back what it stops"},
      {kPassedOverUnknown,
       "the command of \"{step}\", which was passed over, is not known to have ended on {host}, "
       "and this step brings back what it stops"},
      {kPassedOverTrouble,
       "the command of \"{step}\", which was passed over, is not known to have ended on {host} "
       "({trouble}), and this step brings back what it stops"},
      {kPassedOverOn,
       "{host} has not said yet whether the command of \"{step}\", which was passed over, may "
       "still begin"},
      {kPassedOverEnd,
       "the end of the command of \"{step}\" on {host}, which was passed over, is awaited"},
      {kPassedOverEndTrouble,
       "the end of the command of \"{step}\" on {host}, which was passed over, is awaited: "
       "{trouble}"},
      {kLease, "{host} has not confirmed its dead man's lease"},
      {kLeaseTrouble, "a dead man's lease is not confirmed: {trouble}"},
      {kLeaseNotRecorded, "what its host has said last is not recorded yet"},
      {kActKnown, "{host} has not heard yet that its dead man's act is known"},
      {kGate, "the gate is {state}"},
      {kGateWhy, "the gate is {state}: {why}"},
      {kPerson, "a person must answer: {detail}"},
  });
}

// The origin of the time that a run needs.
enum class NeededFrom { kNineInTen, kExpected, kNothing, kLongest };
constexpr auto WordsOf(NeededFrom) {
  using enum NeededFrom;
  return Vocabulary<NeededFrom>({
      {kNineInTen, "nine in ten of its last {runs} took no longer"},
      {kExpected, "`expected` of its runbook; {runs} so far"},
      {kNothing, "no run so far, and its runbook has no `expected`"},
      {kLongest, "the longest of its {runs} so far"},
  });
}

// Why a queued run is dropped when its turn has come.
enum class DroppedBecause { kOver, kInvalid, kUnknown };
constexpr auto WordsOf(DroppedBecause) {
  using enum DroppedBecause;
  return Vocabulary<DroppedBecause>({
      {kOver, "no longer true: {only_if}"},
      {kInvalid, "only_if cannot be asked: {error}"},
      {kUnknown, "not known whether it is still needed, for {time}: {error}"},
  });
}

// The detail of a hold.
enum class HeldBecause {
  kExitStatus,
  kExitStatusSaid,
  kGateShut,
  kNobodyAnswered,
  kReceiptsGone,
  kInterrupted,
  kVoids,
  kStillRuns,
  kMayStillRun,
  kOverdue,
  kToldToEnd,
  kLeftRenewed,
  kLeftUnvouched,
  kStillStopped,
  kOtherReceipts,
  kDeadManActed,
  kHostAway,
};
constexpr auto WordsOf(HeldBecause) {
  using enum HeldBecause;
  return Vocabulary<HeldBecause>({
      {kExitStatus, "exit status {number}"},
      {kExitStatusSaid, "exit status {number}: {line}"},
      {kGateShut, "not within {time}: {gate}"},
      {kNobodyAnswered, "nobody has answered within {time}"},
      {kReceiptsGone, "its receipts are gone from the host: nobody knows whether the command ran"},
      {kInterrupted, "the command was interrupted: nobody knows how far it came"},
      {kVoids, "{host} says of {number} attempts in a row that they never run"},
      {kStillRuns, "it still runs"},
      {kMayStillRun, "nobody knows whether it still runs: {trouble}"},
      {kOverdue, "after {time} {how}"},
      {kToldToEnd, "it was told to end, and {time} later {how}"},
      {kLeftRenewed,
       "\"{step}\" was left while its command ran, and {how}; until this is answered its dead man "
       "is renewed as long as the host can be reached"},
      {kLeftUnvouched,
       "\"{step}\" was left while its command ran, and {how}; nobody can vouch for its dead man"},
      {kStillStopped, "no step has run what brings back what \"{step}\" stopped; {guard}"},
      {kOtherReceipts,
       "the host has other receipts now; nobody knows whether its dead man is still armed"},
      {kDeadManActed, "the host acted by itself: {detail}"},
      {kHostAway, "the host has not said for {time} that its dead man is gone: {error}"},
  });
}

// What is known of the dead man of a service that is still stopped.
enum class GuardSays { kRenewed, kFailed, kTried, kUnknown };
constexpr auto WordsOf(GuardSays) {
  using enum GuardSays;
  return Vocabulary<GuardSays>({
      {kRenewed,
       "until this is answered its dead man is renewed as long as the host can be reached"},
      {kFailed, "its dead man has tried, and its command's exit status was {number}"},
      {kTried, "its dead man has tried, and nobody knows how that ended"},
      {kUnknown, "nobody knows whether its dead man has brought it back"},
  });
}

}  // namespace mailhub::engine
