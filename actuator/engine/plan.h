// The expanded plan of one run: a runbook with its parameters, groups and calls filled in. The
// journal keeps it as it was when the run was queued, so no reload and no newer program changes the
// run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actuator/engine/calendar.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/base/words.h"

namespace mailhub::engine {

using mailhub::Name;  // beside that of an event

enum class StepKind {
  kRun,      // a command on a host, awaited
  kJob,      // a command on a host that outlives connections and the actuator itself
  kWaitFor,  // a gate that may take long to open
  kCheck,    // a gate that should be open already
  kConfirm,  // a person's approval
};
constexpr auto WordsOf(StepKind) {
  using enum StepKind;
  return Vocabulary<StepKind>({
      {kRun, "run"},
      {kJob, "job"},
      {kWaitFor, "wait_for"},
      {kCheck, "check"},
      {kConfirm, "confirm"},
  });
}

enum class OnFailure { kHold, kContinue, kAbort };
constexpr auto WordsOf(OnFailure) {
  using enum OnFailure;
  return Vocabulary<OnFailure>({{kHold, "hold"}, {kContinue, "continue"}, {kAbort, "abort"}});
}

// A condition on metrics that counts only with evidence from after the action before it.
struct Gate {
  std::string expr;                // PromQL over raw series
  std::vector<std::string> about;  // hosts whose marks the evidence must be newer than
  // How far evidence reaches back; all of it must be after the marks. 0: the newest sample alone
  // counts, which must be after the mark. Never 0 with a range or `for`.
  Milliseconds window{0};
  Milliseconds hold_for{0};       // `for`: must hold over this whole range
  int expect = 1;                 // how many series it must return
  Milliseconds timeout{600'000};  // waiting longer than this holds the run

  bool operator==(const Gate&) const = default;
};

// The action that the host takes by itself if the actuator does not come back.
struct DeadMan {
  std::string restore;    // shell command
  Milliseconds after{0};  // since the last renewal
  std::string until;      // path of the step that restarts the stopped service; the lease ends
                          // once it is done. Empty: at the run's end

  bool operator==(const DeadMan&) const = default;
};

// Who may answer a `confirm`, and how long it waits. After that `on_failure` applies, as a hold or
// an abort.
struct Approval {
  std::vector<std::string> by;   // logins and roles; empty: everybody who may confirm
  bool not_the_starter = false;  // whoever started the run may not
  Milliseconds timeout{0};       // 0: it waits for ever

  bool operator==(const Approval&) const = default;
};

struct Step {
  std::string path;  // unique and stable within the plan: "4" or "2.mailhub1.1"; [A-Za-z0-9._-]+
  std::string name;  // for people
  StepKind kind = StepKind::kRun;
  std::string host = "";         // kRun, kJob
  std::string command = "";      // kRun, kJob: for the host's /bin/sh
  Milliseconds timeout{60'000};  // kRun, kJob: longer holds the run, and kills nothing
  int attempts = 1;              // kRun, kJob: tries before on_failure applies
  Milliseconds retry_delay{0};
  std::vector<int> success{0};  // kRun, kJob: exit statuses that mean it worked
  bool idempotent = false;      // may be repeated when it is unknown whether it was done
  std::optional<Gate> gate = std::nullopt;  // kWaitFor, kCheck: the condition. kRun, kJob: `verify`
  std::optional<DeadMan> dead_man = std::nullopt;
  std::optional<Approval> approval = std::nullopt;  // kConfirm; nothing: anybody, at any time
  OnFailure on_failure = OnFailure::kHold;

  bool RunsCommand() const { return kind == StepKind::kRun || kind == StepKind::kJob; }
  bool operator==(const Step&) const = default;
};

// A step that is owed at any end of the run, from `since`'s intent until `until` is done.
struct AlwaysStep {
  Step step;
  std::string since;  // path
  std::string until;  // path; empty: owed to the end

  bool operator==(const AlwaysStep&) const = default;
};

struct Plan {
  std::string runbook;
  std::string summary;
  std::map<std::string, std::string> parameters;
  std::string target;              // the host metrics name as the run's; empty when it has none
  std::vector<std::string> locks;  // sorted
  std::vector<Step> steps;
  std::vector<AlwaysStep> always;
  std::string commit;  // path of the first step after which a resolved alert no longer cancels
  Milliseconds expected{0};  // configured expected duration; 0: unknown
  Suitable suitable = {};    // when it may start

  bool operator==(const Plan&) const = default;
};

// The limits of every plan; expansion refuses a larger one.
inline constexpr size_t kMostSteps = 500;
inline constexpr size_t kLongestCommand = size_t{16} * 1024;

// Makes plans from runbooks. Pure: no I/O, safe to call from the engine's thread.
class PlanSource {
 public:
  virtual ~PlanSource() = default;
  // kNotFound for an unknown runbook; kInvalid names the parameter and the expected values (a host
  // not in the site file, for instance).
  virtual Result<Plan> Make(const std::string& runbook,
                            const std::map<std::string, std::string>& parameters) const = 0;
};

}  // namespace mailhub::engine
