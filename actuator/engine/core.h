// The engine's inside, shared by its sources: what the journal says (Run), and beside it what is
// only true of this life of the program (Doing). Everything in Doing may be lost at any moment
// without harm: Work() derives it again.
#pragma once

#include <deque>
#include <set>

#include "actuator/engine/engine.h"
#include "actuator/engine/run.h"
#include "lib/base/duration.h"

namespace mailhub::engine {

// What is under way for a run's current step, its leases and its end.
struct Doing {
  std::string path;                      // the step all of the below is about
  int attempt = 0;                       // and its attempt
  EffectId effect = 0;                   // 0: nothing is awaited
  RemoteVerb verb = RemoteVerb::kHello;  // what `effect` asked
  std::optional<SteadyTime> due;         // not before
  // On the attended clock; afterwards a failure to get on holds the run.
  std::optional<SteadyTime> deadline;
  bool asked = false;    // at least one answer or failure came since `deadline` was set
  bool running = false;  // the host said so
  bool cancel_sent = false;
  bool ending = false;  // of a cancelled run: the command is being ended
  bool gate_timed_out = false;
  std::map<std::string, Mark> marks;
  std::map<std::string, EffectId> mark_effects;
  std::optional<SteadyTime> gate_began;
  std::optional<GateReading> reading;
  std::string trouble;  // why it does not get on, for people
  std::string output;   // of a command that runs: its last part
};

struct LeaseDoing {
  EffectId effect = 0;
  RemoteVerb verb = RemoteVerb::kRenew;  // what `effect` asked
  std::optional<SteadyTime> due;
  std::string trouble;
  SteadyTime asked;                     // when `effect` was; the host's clock starts no earlier
  std::optional<SteadyTime> confirmed;  // the lease is armed, from then on at least
  // On the attended clock: when a host that does not say that the lease is gone becomes a hold.
  std::optional<SteadyTime> give_up;
  bool in_vain = false;  // its receipts were not seen for so long that nobody asks any more
  // A renewal beside the ordinary ones, while a commit is pending.
  EffectId extra = 0;
  SteadyTime extra_asked;
};

// A command of Run::passed_over.
struct PassedOver {
  EffectId effect = 0;
  std::optional<SteadyTime> due;
  std::optional<SteadyTime> give_up;  // on the attended clock
  bool runs = false;                  // its host said so: it will not begin any more
  bool lost = false;                  // nor will it where its host has other receipts
  std::string trouble;                // why its host does not say more
  bool in_vain = false;               // its host is not listed any more, and nobody asks
};
using AttemptName = std::pair<std::string, int>;  // path and attempt

struct LiveRun {
  Run run;
  Doing doing;
  // Receipts directory by host, as it told in this life.
  std::map<std::string, std::string> directories;
  std::map<std::string, LeaseDoing> leases;  // by step path
  std::map<LeaseName, LeaseDoing> given_up;  // those of Run::given_up
  std::map<AttemptName, PassedOver> passed_over;
  EffectId only_if = 0;
  bool only_if_held = false;
  std::optional<SteadyTime> only_if_due;
  std::optional<SteadyTime> only_if_give_up;  // on the attended clock
  std::map<std::string, EffectId> sweeping;   // by host
  std::set<std::string> swept;
  std::optional<SteadyTime> sweep_due;
};

// An alert that fires and matches a trigger.
struct Episode {
  Alert alert;
  std::string trigger;
  std::string run;  // that answers for it; empty: none does
  Decision decision = Decision::kStartedRun;
  std::string detail;
  WallTime decided;
  WallTime newest_start;  // of all that was heard since: what says it again is the same alert
  std::optional<WallTime> run_finished;
  bool run_succeeded = false;     // then
  bool heard_again = false;       // after that
  std::optional<SteadyTime> due;  // when it is decided afresh by itself; this life only
};

// What is known of earlier alerts with one fingerprint.
struct Ended {
  WallTime starts_at;  // of the last one whose end was reported
  WallTime reported;
  SteadyTime at;      // the same; of a replayed one set at the start
  WallTime replaced;  // start of the last one that was replaced or closed before its end was known
};

// When a run of one kind finished last; cancelled ones do not count.
struct LastRun {
  WallTime at;
  std::string run;
  // The same by the steady clock, which does not step; of a replayed one as the wall clock said at
  // the start, at the latest then.
  SteadyTime steady;
};

class Engine::Core {
 public:
  Core(EngineConfig config_in, const PlanSource* plans_in, std::function<std::string()> ids_in)
      : config(std::move(config_in)), plans(plans_in), ids(std::move(ids_in)) {}

  // --- recording (core.cc) ---
  void Apply(const Event& event);                     // into state only
  void Emit(const std::string& run, EventBody body);  // into state and into the output
  EffectId Ask(std::variant<RemoteRequest, GateQuestion, QueryQuestion> what,
               const std::string& run);
  void SetNow(Moment moment);
  Output Finish();  // works on all runs, then hands the output over
  void Dispatch(const RemoteDone& done);
  void Dispatch(const GateDone& done);
  void Dispatch(const QueryDone& done);
  std::optional<SteadyTime> NextDeadline() const;
  // How often a host is asked about a run that is over.
  Milliseconds AfterTheEnd() const {
    return std::max(config.remote_retry * 10, Milliseconds(1000));
  }
  SteadyTime In(Milliseconds wait) const { return now.steady + wait; }
  bool Due(const std::optional<SteadyTime>& at) const { return !at || now.steady >= *at; }
  // Deadlines count by a clock that stands still while nobody looks: a stopped process, a suspended
  // machine and a commit that is pending use up no time-out.
  SteadyTime Attended(Milliseconds wait) const { return attended + wait; }
  bool Passed(const std::optional<SteadyTime>& deadline) const {
    return deadline && attended >= *deadline;
  }
  // The attended deadline of something that may take `limit` since `since`, and of which at least
  // `least` must be left to look.
  // What is left of `limit` since then, by the wall clock; never less than nothing, nor more than
  // all.
  Milliseconds LeftOf(WallTime since, Milliseconds limit) const;
  SteadyTime Deadline(WallTime since, Milliseconds limit, Milliseconds least) const;

  // --- alerts and people (alerts.cc, commands.cc) ---
  void Notify(const Notification& notification);
  void Decide(const std::string& notification, const Alert& alert);
  Decision DecideJoining(const Run& run, AlertDecided* record);
  // --- open episodes (episodes.cc) ---
  void DecideWaiting();
  void Release(const std::string& fingerprint, Episode* episode);
  Ended& EndedOf(const std::string& fingerprint);
  void NoteEnd(const std::string& fingerprint, WallTime starts_at, WallTime at);
  void NoteReplaced(const std::string& fingerprint, WallTime starts_at);
  WallTime NewestStart(const Alert& alert, Decision decision) const;
  void ForgetEpisode(const std::string& fingerprint);
  void Remember(const AlertDecided& body, WallTime at);
  bool SharesOnlyIf(const Run& run, const Episode& episode) const;
  void ReleaseEpisodes(const Run& run, WallTime at);
  std::optional<Milliseconds> CooldownLeft(const LastRun& last, Milliseconds cooldown) const;
  void Close(const CloseEpisode& close);
  Decision DecideFiring(const Alert& alert, const Trigger& trigger, AlertDecided* record);
  Decision DecideResolved(const Alert& alert, const Trigger& trigger, AlertDecided* record);
  bool MayBeCancelledByItsAlerts(const Run& run) const;
  bool HasRoomFor(const Notification& notification) const;
  const Trigger* FindTrigger(const Alert& alert) const;  // null: none matches
  bool RunsFull() const;
  void Command(const engine::Command& command);
  Result<std::string> Start(const engine::Command& command);
  Status ActOn(LiveRun& live, const engine::Command& command);
  Status Refusal(const Run& run, const engine::Command& command) const;
  bool GivesUpAGoodDeadMan(const LiveRun& live, const Hold& hold, Verb verb) const;
  bool WasSaid(const Run& run, const engine::Command& command) const;
  void Answer(LiveRun& live, const Hold& hold, const engine::Command& command);
  std::string QueueRun(RunQueued queued);
  LiveRun* FindUnfinished(const std::string& runbook,
                          const std::map<std::string, std::string>& parameters);
  Result<LiveRun*> FindRun(const std::string& id_or_prefix);

  // --- a run's life (runs.cc) ---
  void Work(LiveRun& live);
  void TryStart(LiveRun& live);
  void OnOnlyIf(LiveRun& live, const QueryReading& reading);
  bool LocksFree(const LiveRun& live) const;
  const Run* BlockedBy(const LiveRun& live) const;
  void RenewLeases(LiveRun& live);
  // --- its dead men (leases.cc) ---
  void HoldWhatIsStillStopped(LiveRun& live);
  const Lease& LeaseOf(const LiveRun& live, const std::string& path) const;
  void AskLease(LiveRun& live, const std::string& path, RemoteVerb verb);
  void TakeAway(LiveRun& live, const std::string& path, LeaseDoing* doing);
  bool AtEnd(const LiveRun& live) const;
  bool ChaseGivenUp(LiveRun& live);
  void OnGivenUp(LiveRun& live, const LeaseName& name, const RemoteReply& reply);
  void OnLeaseFailure(LiveRun& live, const std::string& path, const Error& error);
  void AcknowledgeRestored(LiveRun& live);
  void OnLease(LiveRun& live, const std::string& path, const RemoteReply& reply);
  void DoubtLeases(LiveRun& live, const std::string& host);
  bool Concerns(const LiveRun& live, const std::string& lease, const Step& step) const;
  std::optional<SteadyTime> GuardedUntil(const LiveRun& live, const Step& step) const;
  std::string Unconfirmed(const LiveRun& live, const Step& step) const;
  std::vector<Effect> RenewWhilePending();
  void NoteRenewal(const RemoteDone& done);
  void RefreshLeases(View* view) const;
  void End(LiveRun& live);
  void Sweep(LiveRun& live);
  void OnSwept(LiveRun& live, const std::string& host, const RemoteReply& reply);
  void Forget();  // what is finished, swept and no longer shown

  // --- the current step (steps.cc) ---
  void WorkStep(LiveRun& live, const Step& step);
  bool MayBegin(LiveRun& live, const Step& step);
  void OnOverdue(LiveRun& live, const Step& step);
  void GiveTimeToEnd(Doing* doing) const;
  void BeginAttempt(LiveRun& live, const Step& step, int attempt);
  bool Prepare(LiveRun& live, const Step& step);
  void Arm(LiveRun& live, const Step& step, const std::string& directory);
  void Act(LiveRun& live, const Step& step);
  bool MayReach(const LiveRun& live, const Step& step) const;
  void OnNotBegun(LiveRun& live, const Step& step);
  bool Unheard(const LiveRun& live, const std::string& host) const;
  void AfterSettled(LiveRun& live, const Step& step);
  void OnStepReply(LiveRun& live, const Step& step, const RemoteReply& reply);
  void OnActReply(LiveRun& live, const Step& step, const RemoteReply& reply);
  void WorkGate(LiveRun& live, const Step& step);
  void OnMark(LiveRun& live, const Step& step, const std::string& host, const RemoteReply& reply);
  void OnGate(LiveRun& live, const Step& step, const GateReading& reading);
  void GateTimedOut(LiveRun& live, const Step& step);
  void Done(LiveRun& live, const Step& step, StepResult result, const std::string& detail);
  void FailStep(LiveRun& live, const Step& step, HoldReason reason, const std::string& detail);
  void HoldRun(LiveRun& live, const std::string& path, HoldReason reason,
               const std::string& detail);
  void Settle(LiveRun& live, const Step& step, const Receipt& receipt, bool lost);

  // --- commands that were passed over (passed_over.cc) ---
  bool VoidPassedOver(LiveRun& live);
  void OnPassedOver(LiveRun& live, const AttemptName& name, const RemoteReply& reply);
  void SettlePassedOver(LiveRun& live, const Step& step, const Receipt& receipt, bool lost);
  std::string PassedOverOn(const std::string& host) const;  // empty: nothing is waited for
  std::string StopBefore(const LiveRun& live, const Step& step) const;  // likewise

  // --- looking (looks.cc) ---
  View Look() const;
  RunView LookAt(const LiveRun& live) const;
  EpisodeView LookAt(const Episode& episode) const;
  bool Acts(const LiveRun& live) const;
  void AddLeases(const LiveRun& live, RunView* view) const;
  std::string WaitingFor(const LiveRun& live) const;
  std::optional<Milliseconds> Expected(const Plan& plan) const;

  // Constant between reconfigurations.
  EngineConfig config;
  const PlanSource* plans;
  std::function<std::string()> ids;

  // What the journal says.
  uint64_t next_seq = 1;
  uint64_t epoch = 0;
  Mode mode = Mode::kActive;
  std::deque<std::string> order;            // unfinished or unswept runs, oldest first
  std::map<std::string, LiveRun> runs;      // those, and the finished ones still shown
  std::deque<std::string> finished;         // newest first
  std::map<std::string, Episode> episodes;  // by fingerprint
  std::set<std::string> waiting;            // those of them that no run answers for
  std::map<std::string, Ended> ended;       // by fingerprint
  std::deque<std::string> ended_order;      // oldest first
  std::optional<WallTime> mode_since;
  std::map<std::string, LastRun> last_runs;                   // by runbook and parameters
  std::map<std::string, std::deque<Milliseconds>> durations;  // by runbook and target, newest last

  // This life only.
  Moment now{};
  SteadyTime attended{};
  bool started = false;
  EffectId next_effect = 1;
  std::map<EffectId, std::string> asked;  // effect -> run
  Output out;
};

// Bounds of what the engine remembers beyond its runs.
inline constexpr size_t kFinishedShown = 50;
inline constexpr size_t kDurationsKept = 50;
inline constexpr size_t kEndedKept = 20'000;
// A firing notification that comes so soon after the resolved one of the same alert is a late copy.
inline constexpr Milliseconds kLateWithin{120'000};
// How many alerts that no run answers for are decided afresh at one time.
inline constexpr size_t kDecideAtOnce = 50;
// How often an alert that no run answers for is looked at again.
inline constexpr Milliseconds kDecideAgain{10'000};
inline constexpr size_t kEpisodesShown = 1'000;

// The host, or what is known of it, does not let us; to ask again changes nothing.
inline bool IsRefusal(const Error& error) {
  return error.kind == ErrorKind::kRefused || error.kind == ErrorKind::kInvalid;
}

// Of the step's last attempt.
std::string KeyOf(const Run& run, const std::string& path);

std::string RunKey(const std::string& runbook,
                   const std::map<std::string, std::string>& parameters);

// Holds in release too; the journal makes stopping safe.
void Require(bool condition, const char* what);

}  // namespace mailhub::engine
