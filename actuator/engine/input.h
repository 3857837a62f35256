// The engine's inputs: alerts, people's commands, and the results of its effects.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"
#include "actuator/engine/remote.h"
#include "actuator/engine/trigger.h"

namespace mailhub::engine {

// One webhook delivery, already validated in form.
struct Notification {
  std::string id;  // ours; one per delivery
  std::string by;  // the login under which it came; empty: with the webhook's token
  std::vector<Alert> alerts;
  uint64_t truncated = 0;  // alerts Alertmanager left out
};

// What a login is for. Who has none of these may look.
enum class Role {
  kViewer,    // looks
  kOperator,  // starts runs, answers holds, changes the mode
  kApprover,  // answers `confirm`
};
constexpr auto WordsOf(Role) {
  using enum Role;
  return Vocabulary<Role>({{kViewer, "viewer"}, {kOperator, "operator"}, {kApprover, "approver"}});
}
using Roles = std::set<Role>;

// A person's command. `run` is an id or a unique prefix of at least 6 characters.
struct Command {
  Verb verb = Verb::kStart;
  std::string by;
  bool login = false;  // `by` logged in; else the name is only a claim
  Roles roles = {Role::kOperator, Role::kApprover};
  std::string run;
  std::string detail;  // a reason, written into the journal
  // The state that the person saw; a verb about another state is refused.
  int hold = 0;         // kRetry, kSkip, kResolve, kResume of a held run: number of the hold
  int pause = 0;        // kResume of a paused run: number of the pause
  std::string step;     // kConfirm: path of the step
  int attempt = 0;      // kConfirm: its attempt
  std::string runbook;  // kStart
  std::map<std::string, std::string> parameters;  // kStart
  bool at_once = false;  // kStart: also at a time that is not suitable; `detail` says why
};

struct SetMode {
  Mode mode = Mode::kActive;
  std::string by;
};

// Records that a person takes over a host; the caller does so once that is committed.
struct TakeOver {
  std::string host;
  std::string by;
  std::string detail;
};

// Forgets an open episode, so that its alert's next notification is decided anew.
struct CloseEpisode {
  std::string fingerprint;
  std::string run;  // the run whose end left it unanswered, as the person saw it; or its beginning
  std::string by;
  std::string detail;
};

using EffectId = uint64_t;

struct RemoteDone {
  EffectId id = 0;
  RemoteReply reply;
};
struct GateDone {
  EffectId id = 0;
  GateReading reading;
};
struct QueryDone {
  EffectId id = 0;
  QueryReading reading;
};

using Input = std::variant<Notification, Command, SetMode, TakeOver, CloseEpisode, RemoteDone,
                           GateDone, QueryDone>;

}  // namespace mailhub::engine
