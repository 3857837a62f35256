// See service.h.
#include "actuator/service/service.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "lib/base/digest.h"

namespace mailhub::service {
namespace {

constexpr size_t kQuestionThreads = 2;
constexpr size_t kMostQuestions = 1'000;
// Most requests in one commit: a turn stays short even if each has many alerts.
constexpr size_t kMostTickets = 64;
// Interval of the dead men's renewals while a commit is pending.
constexpr Milliseconds kRenewalTick{250};
// Longest wait for something to do. It only bounds the time between two signs of life.
constexpr Milliseconds kLongestIdle{2'000};
// Interval of updates of durations and ETAs when nothing else happens.
constexpr Milliseconds kViewTick{1'000};

uint64_t Random() {
  return std::stoull(RandomHex(64), nullptr, 16);
}

Error Stopping() {
  return {ErrorKind::kOverloaded, "the actuator is being stopped; ask again later"};
}

}  // namespace

Service::Service(ServiceOptions options, ServicePorts ports, journal::JournalReader past)
    : options_(std::move(options)),
      ports_(ports),
      past_(std::move(past)),
      inbox_(std::make_shared<Inbox>(options_.most_waiting)),
      renewed_(std::make_shared<Guarded<std::vector<engine::RemoteDone>>>()),
      engine_(options_.engine, options_.plans.get(), [] { return RandomHex(128); }),
      engine_plans_(options_.plans),
      retry_(options_.first_retry, options_.longest_retry),
      view_(std::make_shared<const engine::View>()),
      plans_(options_.plans),
      configuration_(api::ConfigurationState{.since = ports_.clock->Now(),
                                             .calendar = options_.engine.calendar}) {
  inbox_->Refuse(Error{ErrorKind::kOverloaded, "the actuator is starting; ask again later"});
}

Service::~Service() {
  Stop();
}

Status Service::Replay() {
  Status replayed =
      ports_.store->Replay(journal::Scope::kWhatStillMatters,
                           [this](const engine::Event& event) { engine_.Apply(event); });
  if (replayed) Publish();
  return replayed;
}

void Service::Start() {
  const bool is_new = ports_.store->last_seq() == 0;
  Absorb(engine_.Start(Now(), options_.version));
  if (is_new && options_.first_mode != engine::Mode::kActive) {
    Absorb(engine_.Handle(engine::SetMode{options_.first_mode, "configuration"}, Now()));
  }
  questioner_ =
      std::make_unique<Questioner>(ports_.conditions, inbox_, kQuestionThreads, kMostQuestions);
  committer_ = std::make_unique<Committer>(ports_.store, kRenewalTick, [this] {
    RenewWhilePending();
    const auto pending = std::chrono::steady_clock::now() - commit_began_;
    if (pending >= options_.longest_commit) RefuseWhilePending();
  });
  owner_ = std::jthread([this] { Run(); });
}

void Service::Stop() {
  stopping_ = true;
  ready_ = false;
  inbox_->Refuse(Stopping());
  inbox_->Wake();
  if (owner_.joinable()) owner_.join();
  // Again: the owner may have become ready, and accepted a request, just before it saw the end.
  ready_ = false;
  inbox_->Refuse(Stopping());
  questioner_.reset();
  committer_.reset();
}

// --- the owner thread

void Service::Run() {
  Commit();  // decisions of Start()
  while (!stopping_ && !fatal_) {
    ShowLife();
    Gather();
    Commit();
  }
}

void Service::ShowLife() const {
  if (options_.on_alive) options_.on_alive();
}

void Service::Gather() {
  Inbox::Batch batch = inbox_->Wait(LongestWait(), kMostTickets);
  NoteRenewals();
  for (const engine::Input& result : batch.results) Absorb(engine_.Handle(result, Now()));
  for (const auto& ticket : batch.tickets) Handle(ticket);
  const std::optional<SteadyTime> deadline = engine_.NextDeadline();
  const engine::Moment now = Now();
  if (!deadline || *deadline > now.steady) return;
  Absorb(engine_.Advance(now));
  turn_.time_tells = true;
}

void Service::Handle(const std::shared_ptr<Ticket>& ticket) {
  if (!ticket->Take()) return;
  engine::Output output = std::visit(
      [this](const auto& request) -> engine::Output {
        if constexpr (std::is_same_v<std::decay_t<decltype(request)>, Reconfigure>) {
          engine::Output answered;
          if (Status kept = KeepsHosts(request); !kept) {
            answered.answer = Fail(kept.error());
            return answered;
          }
          answered = engine_.Reconfigure(request.config, request.plans.get(), Now());
          engine_plans_ = request.plans;  // the old ones are no longer needed
          if (request.applied) request.applied();
          return answered;
        } else if constexpr (std::is_same_v<std::decay_t<decltype(request)>, Consult>) {
          request.ask(engine_, Now());
          return {};
        } else {
          return engine_.Handle(request, Now());
        }
      },
      ticket->request());
  turn_.replies.push_back({ticket, std::move(output.answer)});
  turn_.person_waits =
      turn_.person_waits || !(std::holds_alternative<engine::Notification>(ticket->request()) ||
                              std::holds_alternative<Consult>(ticket->request()));
  Absorb(std::move(output));
}

Status Service::KeepsHosts(const Reconfigure& request) const {
  if (!request.knows_host) return {};
  for (const engine::RunView& run : engine_.Look(Now()).unfinished) {
    for (const std::string& host : run.hosts) {
      if (request.knows_host(host)) continue;
      return Fail(ErrorKind::kInvalid, "the new site file has no host \"" + host +
                                           "\", which run " + run.id +
                                           " needs; keep it until that run has finished");
    }
  }
  return {};
}

void Service::Absorb(engine::Output output) {
  std::move(output.events.begin(), output.events.end(), std::back_inserter(turn_.events));
  std::move(output.effects.begin(), output.effects.end(), std::back_inserter(turn_.effects));
}

void Service::Commit() {
  for (Status done = TryAppend(); !done; done = TryAppend()) {
    WaitOutFailure(done.error());
    if (stopping_ || fatal_) return;
  }
  AfterCommit();
}

Status Service::TryAppend() {
  if (turn_.events.empty()) return {};
  commit_began_ = std::chrono::steady_clock::now();
  Status done = committer_->Append(turn_.events);
  if (done) {
    ports_.observer->Committed(turn_.events, std::chrono::steady_clock::now() - commit_began_);
  } else {
    ports_.observer->CommitFailed(done.error());
  }
  return done;
}

// A frozen disk reports no error; only the time shows it.
void Service::RefuseWhilePending() {
  if (!ready_.exchange(false)) return;
  inbox_->Refuse(Error{ErrorKind::kOverloaded, "the journal does not answer; ask again later"});
}

// The engine's state already contains the events, so they are appended until that succeeds.
// Meanwhile no input is taken and no effect performed; results of effects wait in the inbox.
void Service::WaitOutFailure(const Error& error) {
  ready_ = false;
  const Error refusal{ErrorKind::kOverloaded, "the journal cannot be written: " + error.message};
  inbox_->Refuse(refusal);
  for (const Turn::Reply& reply : turn_.replies) {
    reply.ticket->Answer(Fail(
        ErrorKind::kOutcomeUnknown,
        refusal.message + "; this request is kept, and takes effect once it can be, unless the "
                          "program ends before: look before asking again"));
  }
  turn_.replies.clear();
  if (error.kind == ErrorKind::kCorrupt) {
    fatal_ = true;
    if (options_.on_fatal) options_.on_fatal(error);
    return;
  }
  const SteadyTime until = ports_.clock->Steady() + retry_.Next(Random());
  for (SteadyTime now = ports_.clock->Steady(); now < until && !stopping_;
       now = ports_.clock->Steady()) {
    RenewWhilePending();
    inbox_->Pause(std::min(until - now, kRenewalTick));
  }
}

// Otherwise hosts would act by themselves because a disk here is full. The last committed state of
// their dead men is enough to renew them.
void Service::RenewWhilePending() {
  ShowLife();
  if (!begun_) return;
  NoteRenewals();
  for (const engine::Effect& effect : engine_.RenewWhilePending(Now())) {
    ports_.remote->Submit(
        std::get<engine::RemoteRequest>(effect.what),
        [renewed = renewed_, id = effect.id](engine::RemoteReply reply) {
          renewed->With([&](auto& done) { done.push_back({.id = id, .reply = std::move(reply)}); });
        });
  }
  auto view = std::make_shared<engine::View>(*view_.Copy());
  engine_.RefreshDeadMen(view.get(), Now());
  view_.With([&view](auto& shared) { shared = std::move(view); });
}

void Service::NoteRenewals() {
  const std::vector<engine::RemoteDone> renewed =
      renewed_->With([](auto& done) { return std::exchange(done, {}); });
  for (const engine::RemoteDone& done : renewed) engine_.NoteRenewal(done);
}

void Service::AfterCommit() {
  const bool commands = turn_.person_waits;
  const bool something = !turn_.empty();
  retry_.Reset();
  if (!begun_) {
    // The epoch is in the journal now, so it may be shown to hosts.
    begun_ = true;
    ports_.remote->Begin(ports_.store->id(), engine_.epoch());
  }
  const SteadyTime now = ports_.clock->Steady();
  if (commands || !ready_ || (view_due_ && *view_due_ <= now)) {
    Publish();
  } else if (something) {
    view_due_ = std::min(view_due_.value_or(SteadyTime::max()), now + options_.view_pause);
  }
  for (Turn::Reply& reply : turn_.replies) reply.ticket->Answer(std::move(reply.answer));
  for (const engine::Effect& effect : turn_.effects) Perform(effect);
  turn_ = Turn();
  if (!ready_ && !stopping_) {
    inbox_->Refuse(std::nullopt);
    ready_ = true;  // not before: after "ready" a request may come at once
  }
}

void Service::Perform(const engine::Effect& effect) {
  const engine::EffectId id = effect.id;
  if (const auto* request = std::get_if<engine::RemoteRequest>(&effect.what)) {
    ports_.remote->Submit(*request, [inbox = inbox_, id](engine::RemoteReply reply) {
      if (id != 0) inbox->PostResult(engine::RemoteDone{.id = id, .reply = std::move(reply)});
    });
  } else if (const auto* gate = std::get_if<engine::GateQuestion>(&effect.what)) {
    questioner_->Post(id, *gate);
  } else {
    questioner_->Post(id, std::get<engine::QueryQuestion>(effect.what));
  }
}

void Service::Publish() {
  const engine::Moment now = Now();
  auto view = std::make_shared<const engine::View>(engine_.Look(now));
  view_due_.reset();
  if (!view->unfinished.empty()) view_due_ = now.steady + kViewTick;
  view_.With([&view](auto& shared) { shared.swap(view); });
}

Milliseconds Service::LongestWait() const {
  std::optional<SteadyTime> until = engine_.NextDeadline();
  if (view_due_) until = std::min(until.value_or(SteadyTime::max()), *view_due_);
  if (!until) return kLongestIdle;
  // One more, because clocks round down and a wake-up just before the deadline would be useless.
  const auto left = std::max(Milliseconds(0), *until - ports_.clock->Steady()) + Milliseconds(1);
  return std::min(left, kLongestIdle);
}

engine::Moment Service::Now() const {
  return {.wall = ports_.clock->Now(), .steady = ports_.clock->Steady()};
}

}  // namespace mailhub::service
