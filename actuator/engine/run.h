// One run as folded from its events. Nothing here decides.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actuator/engine/event.h"

namespace mailhub::engine {

struct StepState {
  int attempt = 0;        // 0: its intent was never committed
  int first_attempt = 1;  // attempts are counted from here; a person's retry moves it
  bool settled = false;   // the last attempt's receipt has arrived
  bool worked = false;    // that receipt's exit status is one of the step's `success`
  int voids = 0;          // attempts in a row that never ran, since a person's retry
  bool approved = false;  // a person asked for another attempt
  // ... even if the last attempt turns out to have worked. Of a `confirm`: ask again.
  bool again = false;
  int holds_before = 0;                  // the run's number of holds at that time
  bool restored = false;                 // its dead man has acted since
  std::optional<int> restore_exit = {};  // exit status of the dead man's command, if known
  bool receipts_lost = false;
  bool ended_late = false;  // the last attempt was passed over before its end was known
  Receipt receipt;
  std::string directory_id;  // where the last attempt's key was claimed
  std::optional<WallTime> started;
  WallTime since;  // start of its time-outs
  std::optional<StepResult> result;
  Milliseconds took{0};
  std::string detail;

  bool Unknown() const {
    return settled && (receipts_lost || receipt.state == ReceiptState::kInterrupted);
  }
  bool Succeeded() const { return settled && worked; }
  // The step's purpose is reached; only this pays an `always` step's debt.
  bool Fulfilled() const { return result == StepResult::kDone || result == StepResult::kResolved; }
};

// A question that a person must answer. Numbered within the run from 1, so that an answer names the
// hold it saw.
struct Hold {
  int number = 0;
  std::string path;
  HoldReason reason = HoldReason::kStepFailed;
  std::string detail;
  WallTime since;
};

// A pause by a person. Numbered within the run from 1, apart from its holds.
struct Pause {
  int number = 0;
  std::string by;
  std::string reason;
  WallTime since;
};

struct Answer {
  Verb verb = Verb::kResume;
  std::string by;
};

enum class Stage { kQueued, kActive, kEnding, kFinished };

struct Lease {
  std::string host;
  Milliseconds after{0};
  std::string directory;  // the receipts directory that it was armed in
  int generation = 0;     // how often its path had been armed by then
};
using LeaseName = std::pair<std::string, int>;  // path and generation

struct Run {
  std::string id;
  uint64_t seq = 0;  // of the event that it was queued with; once finished, that it ended with
  RunQueued queued;
  WallTime queued_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  Stage stage = Stage::kQueued;
  std::vector<Hold> holds;        // unanswered, oldest first; while there is one, nothing begins
  int holds_so_far = 0;           // answered ones included
  std::map<int, Answer> answers;  // by the hold's number
  std::optional<Pause> pause;     // while there is one, nothing begins
  int pauses_so_far = 0;
  std::map<int, std::string> resumed_by;  // by the pause's number
  bool cancelling = false;
  std::string cancelled_by;                  // and why, as a sentence
  RunResult result = RunResult::kSucceeded;  // from kEnding on
  std::string result_detail;
  bool swept = false;
  std::map<std::string, StepState> steps;          // by path; forward and `always` alike
  std::map<std::string, std::string> directories;  // receipts directory recorded last, by host
  // Dead men that acted, until their hosts know that we know.
  std::map<std::string, Lease> restored;
  std::map<std::string, Lease> leases;  // dead men that may be armed, by path of their step
  // Dead men whose state is unknown: their hosts have other receipts now, or a person no longer
  // waits for them. They are disarmed if their directories reappear.
  std::map<LeaseName, Lease> given_up;
  // Paths of steps that a person passed over while it was unknown whether their command runs or
  // will run.
  std::set<std::string> passed_over;
  std::map<std::string, int> generations;  // of the leases armed last, by path
  std::set<std::string> released;          // paths whose dead man a person has made unnecessary
  // Time of the run's own work, up to `accounted`.
  Milliseconds worked{0};
  std::optional<WallTime> accounted;  // nothing: the run does not work now

  const Plan& plan() const { return queued.plan; }

  // The step that is next or under way. In this order: a step whose command is under way, the first
  // forward step without a result, a step that was left running. Once ending: the first owed
  // `always` step. Null: none.
  const Step* Current() const;
  const Step* Find(const std::string& path) const;
  bool IsAlways(const std::string& path) const;
  bool HasResult(const std::string& path) const;
  // A person no longer waits for the stop at `path`, which has ended since: its dead man is to act.
  bool LeavesToDeadMan(const std::string& path) const;
  // Whether the hold is about a dead man; even a refusal may be.
  bool IsAboutDeadMan(const Hold& hold) const;
  const Hold* FindHold(int number) const;  // among the unanswered ones
  bool HasHold(const std::string& path, HoldReason reason) const;
  // The run waits at a `confirm` for a person's answer.
  bool AtQuestion() const;
  // True once the service that the lease at `path` guards is back: the lease is no longer needed.
  bool LeaseIsOver(const std::string& path) const;
  // True if the step may have stopped a service and nothing has restarted it. At the end its lease
  // stays, and a person is asked.
  bool Owes(const std::string& path) const;
  // A person has sent the run back to an earlier step, which waits for the end of this step's
  // command.
  bool WentBackFrom(const std::string& path) const;
  // Must be repeated because of a dead man, or because its stop must be. Messages about its
  // last attempt are out of date.
  bool IsToBeRepeated(const std::string& path) const;
  // Such a repeat could not begin, and the hold says so: the hold is not out of date.
  bool IsOfTheRepeat(const Hold& hold) const;
  // Once nothing else is to be done: a guarded step that was left and whose command may still run
  // or will run. Null: none.
  const Step* LeftRunning() const;
  // A step that was passed over while its command ran. It must have ended before `step` begins,
  // because `step` restarts what it stops. Null: none.
  const Step* ComesAfter(const Step& step) const;
  // The forward steps that restart what the step at `path` stops: its dead man's `until`, else the
  // later steps that run the same command on the same host; and those that pay the `always` step
  // that does.
  std::vector<const Step*> Restoring(const std::string& path) const;
  // The `always` step that restarts what the step at `path` stops. Null: none.
  const AlwaysStep* BringsBack(const std::string& path) const;
  // Whether a forward step after this one has begun a command.
  bool HasActedSince(const std::string& path) const;
  // Whether a forward step has begun a command.
  bool HasActed() const;
  // True once a resolved alert no longer cancels the run: `commit` has begun or, if that was passed
  // over, a later step that acts.
  bool Committed() const;
  // Only its dead men keep the run from its end.
  bool OnlyLeasesLeft() const { return stage == Stage::kEnding && Current() == nullptr; }
  // Hosts that may hold receipts or leases of this run, or may receive one late.
  std::vector<std::string> TouchedHosts() const;

  void Apply(const Event& event);
  // Counts the time up to `at` as worked or not, and decides the same for the time after it.
  void Account(WallTime at, Mode mode);

 private:
  struct Place {  // of a step within the plan
    bool always = false;
    size_t index = 0;
  };
  friend struct Fold;
  bool HasActedFrom(size_t index) const;  // of the forward steps
  const Step* OwedAlways() const;
  void FindPlaces();
  std::vector<size_t> FindRestoring(const Step& stops) const;

  std::map<std::string, Place> places_;                   // by path
  std::map<std::string, std::vector<size_t>> restoring_;  // by path: Restoring()
  size_t next_ = 0;  // all forward steps before this one have a result
  // Forward steps whose command's end is unknown, unless they were passed over. After a retry of an
  // earlier step these are not the next one: a run does one thing at a time.
  std::set<size_t> under_way_;
};

// All hosts that `plan` runs something on or asks for marks, sorted.
std::vector<std::string> HostsOf(const Plan& plan);

}  // namespace mailhub::engine
