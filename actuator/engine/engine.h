// The pure core: it decides, others do. No I/O, no clock, no threads, no waiting: what time it is
// comes with every call.
//
// Each call returns events and effects. The caller first commits all events, then performs the
// effects, and brings their results back as inputs. If the commit fails it must retry the same
// events before anything else: the engine's state already contains them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actuator/engine/event.h"
#include "actuator/engine/gate.h"
#include "actuator/engine/plan.h"
#include "actuator/engine/remote.h"
#include "actuator/engine/trigger.h"
#include "actuator/engine/view.h"

namespace mailhub::engine {

// Both clocks at one moment.
struct Moment {
  WallTime wall;
  SteadyTime steady;
};

// --- inputs

// One webhook delivery, already validated in form.
struct Notification {
  std::string id;  // ours, one a delivery
  std::vector<Alert> alerts;
  uint64_t truncated = 0;  // alerts Alertmanager left out
};

// What a person asks. `run` is an id or a unique prefix of at least 6 characters.
struct Command {
  Verb verb = Verb::kStart;
  std::string by;
  std::string run;
  std::string detail;  // a reason, written into the journal
  // What the person saw; a verb about something else is refused.
  int hold = 0;         // kRetry, kSkip, kResolve, kResume of a held run: number of the hold
  int pause = 0;        // kResume of a paused run: number of the pause
  std::string step;     // kConfirm: path of the step
  int attempt = 0;      // kConfirm: its attempt
  std::string runbook;  // kStart
  std::map<std::string, std::string> parameters;  // kStart
};

struct SetMode {
  Mode mode = Mode::kActive;
  std::string by;
};

// Records that a person takes a host over; the caller does it once that is committed.
struct TakeOver {
  std::string host;
  std::string by;
  std::string detail;
};

// Forgets an open episode, so that its alert's next notification is decided afresh.
struct CloseEpisode {
  std::string fingerprint;
  std::string run;  // whose end left it unanswered, as the person saw it; or its beginning
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

// --- outputs

struct Effect {
  EffectId id = 0;  // comes back with the result; 0: no result is awaited
  std::variant<RemoteRequest, GateQuestion, QueryQuestion> what;
};

struct Output {
  std::vector<Event> events;
  std::vector<Effect> effects;
  // For Command: the run it was about, or why it was refused. Else success.
  Result<std::string> answer = std::string();
};

// --- the engine

struct EngineConfig {
  std::vector<Trigger> triggers;
  size_t most_unfinished_runs = 100;  // more are refused with kOverloaded
  size_t most_episodes = 20'000;      // open episodes; further alerts are refused with kOverloaded
  Milliseconds poll_step{500};        // between looks at a running step
  Milliseconds poll_job{5'000};       // between looks at a running job
  Milliseconds poll_gate{500};        // between evaluations of a shut gate
  Milliseconds remote_retry{2'000};   // after a host or Prometheus could not be reached
  // What begins something is not to be performed later than this after it was decided.
  Milliseconds begin_within{30'000};
  // What a command that is being ended may take to end, TERM and KILL; then a person is asked.
  Milliseconds end_within{60'000};
  // How long the end of a run waits for a host to say that its dead man is gone, and a queued run
  // for Prometheus to say whether it is still needed.
  Milliseconds patience{600'000};
  // How long at least a host is asked for a dead man that was lost with its receipts, should they
  // be seen again.
  Milliseconds lost_for{24 * 3'600'000};
};

// Owned by and confined to one thread. Never throws; a violated invariant aborts the program, in
// release too: the journal makes that safe.
class Engine {
 public:
  // `plans` and `ids` must outlive the engine. `ids` gives a fresh random 128-bit hex id at each
  // call.
  Engine(EngineConfig config, const PlanSource* plans, std::function<std::string()> ids);
  ~Engine();

  // Replays one event of the journal, in their order. Only before Start(). Those that no longer
  // matter (journal::Scope says which) may be left out, but not the last one.
  void Apply(const Event& event);

  // After the replay: takes up the next epoch and asks again about everything in flight.
  Output Start(Moment now, const std::string& version);

  Output Handle(const Input& input, Moment now);
  // Does what has become due.
  Output Advance(Moment now);
  // When Advance should be called next; nothing: not before another input.
  std::optional<SteadyTime> NextDeadline() const;

  // New triggers and runbooks after a reload; runs keep their plans.
  void Reconfigure(EngineConfig config, const PlanSource* plans);

  // For the time in which a commit is pending, when no other call may be made but NoteRenewal(),
  // RefreshLeases() and Look(): renewals of dead men that are known to be armed, as far as they are
  // due. They record nothing and may be performed at once.
  std::vector<Effect> RenewWhilePending(Moment now);
  // The result of one of them; what is not about one is ignored.
  void NoteRenewal(const RemoteDone& done);
  // Brings up to date what `view`, of before the pending commit, says of dead men: for the same
  // time, in which hosts act as at any other.
  void RefreshLeases(View* view, Moment now) const;

  // What people and metrics see. Cheap enough to call at every change.
  View Look(Moment now) const;
  uint64_t epoch() const;
  Mode mode() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace mailhub::engine
