// The engine's questions to Prometheus, and the answers.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actuator/engine/plan.h"
#include "actuator/engine/remote.h"

namespace mailhub::engine {

struct GateQuestion {
  Gate gate;
  std::map<std::string, Mark> marks;  // one per host in gate.about
  // Since the gate began. Evidence of hosts without marks must be from within it.
  Milliseconds waited{0};
  // A look before any action: no host needs a mark. What it says is about now, and opens no gate.
  bool look_only = false;
};

enum class GateState {
  kOpen,         // holds, on fresh evidence, over the whole of `for`
  kFalse,        // fresh evidence, and it does not hold
  kStale,        // evidence is missing, old or from a failed probe
  kRebooted,     // a host's boot id is not the mark's: take a new mark
  kUnreachable,  // Prometheus did not answer
  kInvalid,      // Prometheus refuses the expression
};
constexpr auto WordsOf(GateState) {
  using enum GateState;
  return Vocabulary<GateState>({
      {kOpen, "open"},
      {kFalse, "false"},
      {kStale, "stale"},
      {kRebooted, "rebooted"},
      {kUnreachable, "unreachable"},
      {kInvalid, "invalid"},
  });
}

struct GateReading {
  GateState state = GateState::kStale;
  std::optional<double> value;      // left side of the comparison, for people
  std::optional<double> threshold;  // right side, when it is a number
  std::string comparison;           // ">=" ...
  std::string why;                  // a sentence: what is missing, which host
  bool needs_change = false;        // waiting does not help: a person must change what `why` says
};

// The question of `only_if`: does this hold now?
struct QueryQuestion {
  std::string expr;
};
struct QueryReading {
  Result<bool> holds = false;  // at least one series; kUnreachable, kInvalid
};

}  // namespace mailhub::engine
