// The service: the one thread that owns engine and journal. Each turn takes the inputs, lets the
// engine decide, commits all events together, and only then performs effects and answers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actuator/api/backend.h"
#include "actuator/engine/engine.h"
#include "actuator/engine/ports.h"
#include "actuator/journal/journal.h"
#include "actuator/service/committer.h"
#include "actuator/service/inbox.h"
#include "actuator/service/questioner.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/base/result.h"

namespace mailhub::service {

struct ServiceOptions {
  std::string version;
  engine::EngineConfig engine;
  std::shared_ptr<const engine::PlanSource> plans;
  engine::Mode first_mode = engine::Mode::kActive;  // recorded when the journal is new
  size_t most_waiting = 256;
  Milliseconds patience{5'000};           // how long a Submit waits
  Milliseconds takeover_patience{4'000};  // and then for the host's answer, for a TakeOver
  Milliseconds check_patience{20'000};    // how long CheckPlan asks hosts and Prometheus
  // While a commit is pending longer than this, the service is not ready and takes no requests.
  Milliseconds longest_commit{5'000};
  // Times between attempts of a failed commit.
  Milliseconds first_retry{100};
  Milliseconds longest_retry{5'000};
  // After a person's change the view is renewed at once, else at most this often.
  Milliseconds view_pause{50};
  // For Reload(): reads everything anew. On failure the old configuration stays.
  std::function<Result<Reconfigure>()> read_configuration;
  // Called with the result of each Reload().
  std::function<void(const Status&)> on_reloaded;
  // Called at least every 5 s while the owner thread works, for a watchdog: by itself at each turn and at each attempt
  // of a commit, and by another thread while the journal does not answer and dead men are renewed. A restart would end
  // those renewals and help no disk. Must not block. May be empty.
  std::function<void()> on_alive;
  // Called on the owner thread when the journal contradicts itself. From then on the service does
  // nothing and takes nothing.
  std::function<void(const Error&)> on_fatal;
};

struct ServicePorts {
  journal::EventStore* store = nullptr;
  engine::RemotePort* remote = nullptr;
  engine::ConditionPort* conditions = nullptr;
  engine::Observer* observer = nullptr;
  const Clock* clock = nullptr;
  engine::HostCheckPort* host_checks = nullptr;  // null: hosts are not asked before a run
};

// Owns the engine and the threads. All of Backend is thread-safe; Replay(), Start() and Stop() are
// for one thread. The objects in `ports` must outlive it; `past` reads the same file as
// ports.store.
class Service final : public api::Backend {
 public:
  Service(ServiceOptions options, ServicePorts ports, journal::JournalReader past);
  ~Service() override;  // stops

  // Call first. Rebuilds the state from the journal; Look() shows it. Fails if the journal cannot
  // be read.
  Status Replay();
  // Call second. Begins the next epoch and the work. While the journal cannot be written, it
  // retries and Ready() is false.
  void Start();
  // Takes no more requests, answers waiting ones (kOverloaded), and finishes the pending commit.
  // Commands on hosts go on. Takes at most 1 s beyond the longest commit. Idempotent.
  void Stop();

  std::shared_ptr<const engine::View> Look() const override;
  Result<std::string> Submit(api::Ask what) override;
  Result<engine::Plan> MakePlan(const std::string& runbook,
                                const std::map<std::string, std::string>& parameters) override;
  Result<uint64_t> History(const engine::RunFilter& filter,
                           const std::function<bool(const engine::PastRun&)>& each) override;
  Result<uint64_t> Alerts(const engine::AlertFilter& filter,
                          const std::function<bool(const engine::PastAlert&)>& each) override;
  Status RunEvents(const std::string& run, uint64_t after,
                   const std::function<bool(const engine::Event&)>& each) override;
  Result<std::vector<engine::AlertTrial>> Try(engine::Notification notification) override;
  Result<engine::LivePlan> CheckPlan(const std::string& runbook,
                                     const std::map<std::string, std::string>& parameters) override;
  Status Reload() override;
  api::ConfigurationState Configuration() const override { return configuration_.Copy(); }
  bool Ready() const override { return ready_; }

 private:
  // The decisions of one turn that are not yet committed.
  struct Turn {
    std::vector<engine::Event> events;
    std::vector<engine::Effect> effects;
    struct Reply {
      std::shared_ptr<Ticket> ticket;
      Result<std::string> answer;
    };
    std::vector<Reply> replies;
    bool person_waits = false;
    bool time_tells = false;  // a deadline has passed: what is shown may differ without any event

    bool empty() const {
      return events.empty() && effects.empty() && replies.empty() && !time_tells;
    }
  };

  // By way of Backend alone.
  Result<uint64_t> Report(const engine::RunFilter& filter,
                          const std::function<bool(const engine::ReportedRun&)>& each) override;
  engine::QueryReading AskPrometheus(const std::string& expr) override;
  Result<std::optional<WallTime>> RunsWholeFrom() override;
  Result<engine::StartView> ForeseeStart(const engine::Plan& plan) override;

  Result<std::shared_ptr<const engine::Calendar>> TryReload();
  Result<std::string> TakeOver(const std::string& host);
  Status Ask(std::function<void(const engine::Engine&, engine::Moment)> question);

  // --- owner thread only
  void Run();
  void Gather();
  void Handle(const std::shared_ptr<Ticket>& ticket);
  Status KeepsHosts(const Reconfigure& request) const;
  void Absorb(engine::Output output);
  void Commit();
  Status TryAppend();
  void WaitOutFailure(const Error& error);
  void RenewWhilePending();
  void ShowLife() const;
  void RefuseWhilePending();
  void NoteRenewals();
  void AfterCommit();
  void Perform(const engine::Effect& effect);
  void Publish();
  Milliseconds LongestWait() const;
  engine::Moment Now() const;

  const ServiceOptions options_;
  const ServicePorts ports_;
  const journal::JournalReader past_;
  const std::shared_ptr<Inbox> inbox_;  // shared with callbacks that may outlive the service

  // Results of renewals that were sent while a commit was pending; shared likewise.
  const std::shared_ptr<Guarded<std::vector<engine::RemoteDone>>> renewed_;

  // Owner thread only; during a commit only the committer's thread, because the owner waits for the
  // journal.
  engine::Engine engine_;
  Turn turn_;
  bool begun_ = false;  // the hosts know us: the epoch is committed
  bool fatal_ = false;  // the journal contradicts itself
  std::shared_ptr<const engine::PlanSource> engine_plans_;
  std::optional<SteadyTime> view_due_;
  Backoff retry_;

  // Shared.
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  Guarded<std::shared_ptr<const engine::View>> view_;
  Guarded<std::shared_ptr<const engine::PlanSource>> plans_;
  Guarded<api::ConfigurationState> configuration_;
  std::mutex reloading_;

  std::unique_ptr<Questioner> questioner_;
  std::chrono::steady_clock::time_point commit_began_;  // likewise
  std::unique_ptr<Committer> committer_;
  std::jthread owner_;
};

}  // namespace mailhub::service
