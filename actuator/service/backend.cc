// The Backend interface of Service for HTTP: everything here may be called from any thread.
#include <future>
#include <utility>

#include "actuator/service/live_check.h"
#include "actuator/service/service.h"

namespace mailhub::service {

std::shared_ptr<const engine::View> Service::Look() const {
  return view_.Copy();
}

Result<std::string> Service::Submit(api::Ask what) {
  const auto* takeover = std::get_if<engine::TakeOver>(&what);
  const std::string host = takeover == nullptr ? "" : takeover->host;
  Result<std::shared_ptr<Ticket>> ticket =
      std::visit([this](auto& request) { return inbox_->Ask(Request(std::move(request))); }, what);
  if (!ticket) return Fail(ticket.error());
  Result<std::string> recorded = (*ticket)->Wait(options_.patience);
  return recorded && !host.empty() ? TakeOver(host) : recorded;
}

// The take-over is committed; now the host is told. Waits for the host's answer. The request may be
// delayed only for that time: after it, a person without an answer may decide otherwise.
Result<std::string> Service::TakeOver(const std::string& host) {
  auto promise = std::make_shared<std::promise<engine::RemoteReply>>();
  auto future = promise->get_future();
  ports_.remote->TakeOver(
      host, ports_.clock->Steady() + options_.takeover_patience,
      [promise](engine::RemoteReply reply) { promise->set_value(std::move(reply)); });
  if (future.wait_for(options_.takeover_patience) != std::future_status::ready) {
    return Fail(ErrorKind::kOutcomeUnknown, host + " has not answered yet; ask again");
  }
  const engine::RemoteReply reply = future.get();
  if (!reply.receipt) return Fail(reply.receipt.error());
  return host;
}

Result<engine::Plan> Service::MakePlan(const std::string& runbook,
                                       const std::map<std::string, std::string>& parameters) {
  return plans_.Copy()->Make(runbook, parameters);
}

// An answer that comes too late is lost, and nothing else is.
Status Service::Ask(std::function<void(const engine::Engine&, engine::Moment)> question) {
  const auto ticket = inbox_->Ask(Consult{std::move(question)});
  if (!ticket) return Fail(ticket.error());
  const Result<std::string> answered = (*ticket)->Wait(options_.patience);
  if (answered) return {};
  const bool late = answered.error().kind == ErrorKind::kOutcomeUnknown;
  return late ? Fail(ErrorKind::kOverloaded, "no answer in time; nothing was changed")
              : Fail(answered.error());
}

Result<std::vector<engine::AlertTrial>> Service::Try(engine::Notification notification) {
  auto trials =
      std::make_shared<Result<std::vector<engine::AlertTrial>>>(std::vector<engine::AlertTrial>());
  const Status asked = Ask([trials, notification = std::move(notification)](
                               const engine::Engine& engine, engine::Moment now) {
    *trials = engine.Try(notification, now);
  });
  if (!asked) return Fail(asked.error());
  return *std::move(trials);
}

engine::QueryReading Service::AskPrometheus(const std::string& expr) {
  return ports_.conditions->Ask(engine::QueryQuestion{expr});
}

Result<engine::StartView> Service::ForeseeStart(const engine::Plan& plan) {
  auto start = std::make_shared<engine::StartView>();
  const Status asked = Ask([start, plan](const engine::Engine& engine, engine::Moment now) {
    *start = engine.ForeseeStart(plan, now);
  });
  if (!asked) return Fail(asked.error());
  return *start;
}

Result<std::optional<WallTime>> Service::RunsWholeFrom() {
  return past_.RunsWholeFrom();
}

Result<engine::LivePlan> Service::CheckPlan(const std::string& runbook,
                                            const std::map<std::string, std::string>& parameters) {
  Result<engine::Plan> plan = MakePlan(runbook, parameters);
  if (!plan) return Fail(plan.error());
  const auto view = Look();
  engine::LivePlan live = engine::BeginLivePlan(*std::move(plan), *view);
  struct Answers {
    std::vector<engine::CooldownLeft> cooldowns;
    engine::StartView start;
  };
  auto answers = std::make_shared<Answers>();
  const Status asked =
      Ask([answers, plan = live.plan](const engine::Engine& engine, engine::Moment now) {
        answers->cooldowns = engine.CooldownsOf(plan, now);
        answers->start = engine.ForeseeStart(plan, now);
      });
  if (!asked) return Fail(asked.error());
  live.cooldowns = answers->cooldowns;
  live.start = answers->start;
  LiveCheck check;
  check.conditions = ports_.conditions;
  check.hosts = ports_.host_checks;
  check.clock = ports_.clock;
  check.journal_id = ports_.store->id();
  check.epoch = view->epoch;
  check.deadline = ports_.clock->Steady() + options_.check_patience;
  check.Ask(&live);
  engine::JudgeLivePlan(&live);
  return live;
}

Result<uint64_t> Service::History(const engine::RunFilter& filter,
                                  const std::function<bool(const engine::PastRun&)>& each) {
  return past_.FinishedRuns(filter, each);
}

Result<uint64_t> Service::Report(const engine::RunFilter& filter,
                                 const std::function<bool(const engine::ReportedRun&)>& each) {
  return past_.Report(filter, each);
}

Result<uint64_t> Service::Alerts(const engine::AlertFilter& filter,
                                 const std::function<bool(const engine::PastAlert&)>& each) {
  return past_.Alerts(filter, each);
}

Status Service::RunEvents(const std::string& run, uint64_t after,
                          const std::function<bool(const engine::Event&)>& each) {
  return past_.RunEvents(run, after, each);
}

Status Service::Reload() {
  const std::lock_guard one_at_a_time(reloading_);
  const auto reloaded = TryReload();
  const WallTime now = ports_.clock->Now();
  configuration_.With([&](api::ConfigurationState& state) {
    if (reloaded) {
      state = {.since = now, .calendar = *reloaded};
    } else {
      state.refused = now;
      state.why = reloaded.error().message;
    }
  });
  const Status status = reloaded ? Status() : Fail(reloaded.error());
  if (options_.on_reloaded) options_.on_reloaded(status);
  return status;
}

// The new calendar, which may be null.
Result<std::shared_ptr<const engine::Calendar>> Service::TryReload() {
  Result<Reconfigure> read = options_.read_configuration();
  if (!read) return Fail(read.error());
  const auto plans = read->plans;
  auto calendar = read->config.calendar;
  const Result<std::shared_ptr<Ticket>> ticket = inbox_->Ask(*std::move(read));
  if (!ticket) return Fail(ticket.error());
  const Result<std::string> taken = (*ticket)->Wait(options_.patience);
  if (!taken) return Fail(taken.error());
  plans_.With([&plans](auto& shared) { shared = plans; });
  return calendar;
}

}  // namespace mailhub::service
