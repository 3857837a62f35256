// One run as its events say it is. Folding only: nothing here decides.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/event.h"

namespace mailhub::engine {

struct StepState {
  int attempt = 0;        // 0: its intent was never committed
  int first_attempt = 1;  // attempts are counted from here; a person's retry moves it
  bool settled = false;   // the last attempt's receipt is in
  bool worked = false;    // that receipt's exit status is one of the step's `success`
  bool approved = false;  // a person asked for another attempt
  bool receipts_lost = false;
  Receipt receipt;
  std::string directory_id;  // where the last attempt's key was claimed
  std::optional<WallTime> started;
  WallTime since;  // what time-outs count from
  std::optional<StepResult> result;
  Milliseconds took{0};
  std::string detail;

  bool Unknown() const {
    return settled && (receipts_lost || receipt.state == ReceiptState::kInterrupted);
  }
  bool Succeeded() const { return settled && worked; }
  // What the step was for has come about; only this pays an `always` step's debt.
  bool Fulfilled() const { return result == StepResult::kDone || result == StepResult::kResolved; }
};

struct Hold {
  std::string path;
  HoldReason reason = HoldReason::kStepFailed;
  std::string detail;
};

enum class Stage { kQueued, kActive, kEnding, kFinished };

struct Lease {
  std::string host;
  Milliseconds after{0};
};

struct Run {
  std::string id;
  RunQueued queued;
  WallTime queued_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  Stage stage = Stage::kQueued;
  std::optional<Hold> hold;
  bool paused = false;
  bool cancelling = false;
  RunResult result = RunResult::kSucceeded;  // from kEnding on
  std::string result_detail;
  bool swept = false;
  std::map<std::string, StepState> steps;          // by path; forward and `always` alike
  std::map<std::string, std::string> directories;  // receipts directory recorded last, by host
  std::map<std::string, Lease>
      restored;  // dead men that acted, until the host has heard that we know
  std::map<std::string, Lease> leases;  // dead men that may be armed, by path of their step

  const Plan& plan() const { return queued.plan; }

  // The step that is next or under way: the first forward step without a result, or, once ending,
  // the first `always` step that is owed. Null when there is none.
  const Step* Current() const;
  const Step* Find(const std::string& path) const;
  bool IsAlways(const std::string& path) const;
  // True once what the lease at `path` guards has been brought back: it is no longer needed.
  bool LeaseIsOver(const std::string& path) const;
  // True once a resolved alert no longer cancels it.
  bool Committed() const;
  // Hosts that may hold receipts or leases of this run, or hear of one late.
  std::vector<std::string> TouchedHosts() const;

  void Apply(const Event& event);

 private:
  const Step* OwedAlways() const;
};

// All hosts that `plan` runs something on or asks marks of, sorted.
std::vector<std::string> HostsOf(const Plan& plan);

}  // namespace mailhub::engine
