// See expand.h. One walk over the runbook; the first mistake ends it.
#include "actuator/runbook/expand.h"

#include <algorithm>
#include <set>

#include "actuator/runbook/choices.h"
#include "actuator/runbook/gates.h"
#include "actuator/runbook/names.h"
#include "actuator/runbook/owed.h"
#include "actuator/runbook/scope.h"

namespace mailhub::runbook {
namespace {

using config::Node;
using engine::Step;
using engine::StepKind;

constexpr Milliseconds kServiceTimeout{120'000};  // systemd itself gives a stop 90 s
constexpr size_t kDeepestCall = 8;

// The service command as the host's runner reads it; the runner changes the state and checks the
// result. An installed runner has its own list of labels.
std::string ServiceCommand(const config::Host& host, const std::string& label,
                           const config::ServiceSpec& service, ServiceState state) {
  if (host.runner == config::RunnerForm::kInstalled) {
    return "@service " + label + " " + Name(state);
  }
  return "@service " + config::NameOnHost(label, service) + " " + Name(state) + " " +
         Name(service.kind);
}

// Owns the plan while it grows. Confined to one call of Expand.
class Expander {
 public:
  Expander(const Runbooks& all, const config::Site& site) : all_(all), site_(site) {}

  Result<engine::Plan> Run(const Runbook& book, const std::map<std::string, std::string>& values) {
    const Scope scope(book, values);
    plan_.runbook = book.name;
    plan_.summary = book.summary;
    plan_.parameters = values;
    plan_.locks = book.locks;
    Body(book, scope, "", "");
    DropCovered(owed_by_dead_men_, &plan_);
    if (!error_) Head(book, scope);
    if (error_) return Fail(*error_);
    return std::move(plan_);
  }

 private:
  void Keep(tl::unexpected<Error> error) {
    if (!error_) error_ = std::move(error.value());
  }
  std::string Fill(const Text& text, const Scope& scope) {
    auto filled = scope.Fill(text);
    if (!filled) Keep(Fail(filled.error()));
    return filled ? *filled : "";
  }
  Milliseconds Duration(const std::optional<Text>& text, const Scope& scope,
                        Milliseconds otherwise) {
    const auto duration = FillDuration(text, scope, otherwise);
    if (!duration) Keep(Fail(duration.error()));
    return duration ? *duration : otherwise;
  }
  const config::Host* HostAt(const Text& text, const Scope& scope) {
    const auto host = FillHost(text, scope, site_);
    if (!host) Keep(Fail(host.error()));
    return host ? *host : nullptr;
  }
  const std::vector<std::string>* GroupAt(const std::string& group, const Node& at) {
    const auto found = site_.groups.find(group);
    if (found != site_.groups.end() && !found->second.empty()) return &found->second;
    Keep(at.Invalid(NoSuchGroup(group, site_)));
    return nullptr;
  }

  void Head(const Runbook& book, const Scope& scope) {
    if (book.target) {
      const auto target = scope.FillOptional(*book.target);
      if (!target) Keep(Fail(target.error()));
      if (target && *target) {
        if (const config::Host* host = HostAt(*book.target, scope)) plan_.target = host->name;
      }
    }
    plan_.expected = Duration(book.expected, scope, Milliseconds(0));
    for (const Text& window : book.windows) plan_.suitable.windows.push_back(window.raw);
    for (const Text& blackout : book.blackouts) Avoid(blackout.raw);
    if (book.commit) {
      plan_.commit = Refer(*book.commit, scope, 0).first;
      return;
    }
    const auto effect = std::ranges::find_if(plan_.steps, [](const Step& step) {
      return step.kind == StepKind::kRun || step.kind == StepKind::kJob;
    });
    if (effect != plan_.steps.end()) plan_.commit = effect->path;
  }

  void Avoid(const std::string& blackout) {
    auto& known = plan_.suitable.blackouts;
    if (std::ranges::find(known, blackout) == known.end()) known.push_back(blackout);
  }

  // The run keeps to its own windows alone, so each of them must suit the called runbook too.
  void CheckWindows(const Runbook& book, const Node& at) {
    if (book.windows.empty()) return;
    const std::vector<Text>& own = all_.at(plan_.runbook).windows;
    const bool suits = std::ranges::all_of(own, [&](const Text& window) {
      return std::ranges::find(book.windows, window.raw, &Text::raw) != book.windows.end();
    });
    if (suits && !own.empty()) return;
    std::string names;
    for (const Text& window : book.windows) names += (names.empty() ? "" : ", ") + window.raw;
    Keep(at.Invalid("runbook " + book.name +
                    " has windows; expected windows of the run's own runbook, of these: " + names));
  }

  StepNames::Place Refer(const Text& text, const Scope& scope, size_t from) {
    auto place = names_.Find(Fill(text, scope), from);
    if (place) return *place;
    Keep(text.at.Invalid(place.error().message));
    return {};
  }

  // Steps and always-steps of one runbook, called or not.
  void Body(const Runbook& book, const Scope& scope, const std::string& prefix,
            const std::string& called_as) {
    callers_.push_back(book.name);
    const size_t from = names_.size();
    const size_t first_lease = leases_.size();
    Block(book.steps, scope, prefix);
    EndLeases(first_lease, from);
    int number = 0;
    for (const AlwaysText& always : book.always) {
      if (error_) break;
      engine::AlwaysStep owed;
      owed.step = Action(always.step, scope, prefix + "always." + std::to_string(++number));
      owed.since = Refer(always.since, scope, from).first;
      if (always.until) {
        owed.until = Refer(*always.until, scope, from).last;
        if (!error_ && Before(plan_, owed.until, owed.since)) {
          Keep(always.until->at.Invalid(
              "\"" + Fill(*always.until, scope) + "\" comes before \"" + Fill(always.since, scope) +
              "\", so nothing would ever be owed; expected that step or a later one"));
        }
      }
      if (!called_as.empty()) owed.step.name += " (" + called_as + ")";
      plan_.always.push_back(std::move(owed));
    }
    if (!error_) OweGuarded(first_lease, prefix + "always.", number, called_as);
    leases_.erase(leases_.begin() + static_cast<std::ptrdiff_t>(first_lease), leases_.end());
    callers_.pop_back();
  }

  void Block(const std::vector<StepText>& steps, const Scope& scope, const std::string& prefix) {
    std::set<std::string> seen;
    int number = 0;
    for (const StepText& step : steps) {
      if (error_) return;
      const std::string path = prefix + std::to_string(++number);
      const std::string name = NameOf(step, scope);
      if (!seen.insert(name).second) {
        Keep(step.name.value_or(Text{"", step.at})
                 .at.Invalid("a second step named \"" + name + "\""));
      }
      trail_.push_back(name);
      const size_t first = plan_.steps.size();
      if (step.verb == Verb::kForEach) {
        ForEach(step, scope, path + ".");
      } else if (step.verb == Verb::kCall) {
        Call(step, scope, path + ".", name);
      } else {
        plan_.steps.push_back(Leaf(step, scope, path));
      }
      if (plan_.steps.size() > engine::kMostSteps) Keep(step.at.Invalid("more than 500 steps"));
      if (plan_.steps.size() > first) {
        names_.Add({trail_, plan_.steps[first].path, plan_.steps.back().path});
      }
      trail_.pop_back();
    }
  }

  std::string NameOf(const StepText& step, const Scope& scope) {
    if (step.name) return Fill(*step.name, scope);
    return step.verb == Verb::kCall ? step.runbook : "each of " + step.group;
  }

  void ForEach(const StepText& step, const Scope& scope, const std::string& prefix) {
    const Node group_at = step.at["for_each"]["host_in"];
    const auto* group = GroupAt(step.group, group_at);
    if (group == nullptr) return;
    std::vector<std::string> hosts = *group;
    const auto member = [&](const Text& text) -> std::optional<std::string> {
      const auto name = scope.FillOptional(text);
      if (!name) Keep(Fail(name.error()));
      if (!name || !*name) return std::nullopt;
      if (std::ranges::find(*group, **name) == group->end()) {
        Keep(text.at.Invalid("expected a host of group " + step.group + ", found \"" + **name +
                             "\""));
      }
      return *name;
    };
    for (const Text& text : step.except) {
      if (const auto name = member(text)) std::erase(hosts, *name);
    }
    if (step.first) {
      if (const auto name = member(*step.first)) {
        const auto found = std::ranges::find(hosts, *name);
        if (found != hosts.end()) std::rotate(hosts.begin(), found, found + 1);
      }
    }
    for (const std::string& host : hosts) {
      Scope inner = scope;
      inner.Set("host", host);
      Block(step.steps, inner, prefix + host + ".");
    }
  }

  void Call(const StepText& step, const Scope& scope, const std::string& prefix,
            const std::string& name) {
    const Node at = step.at["call"];
    const auto called = all_.find(step.runbook);
    if (called == all_.end()) {
      return Keep(
          at["runbook"].Invalid("there is no runbook \"" + step.runbook + "\"; " + ThereAre(all_)));
    }
    const Runbook& book = called->second;
    if (std::ranges::find(callers_, book.name) != callers_.end() ||
        callers_.size() >= kDeepestCall) {
      return Keep(at["runbook"].Invalid("a runbook that calls itself, directly or through others"));
    }
    if (!std::ranges::includes(plan_.locks, book.locks)) {
      return Keep(at["runbook"].Invalid("runbook " + book.name +
                                        " takes a lock that the run does not hold; expected its "
                                        "locks among the caller's"));
    }
    CheckWindows(book, at["runbook"]);
    for (const Text& blackout : book.blackouts) Avoid(blackout.raw);
    std::map<std::string, std::string> given;
    for (const auto& [parameter, text] : step.parameters) {
      const auto value = scope.FillOptional(text);
      if (!value) return Keep(Fail(value.error()));
      if (book.Find(parameter) == nullptr) {
        return Keep(text.at.Invalid("runbook " + book.name + " has no such parameter"));
      }
      if (*value) given[parameter] = **value;
    }
    const auto values = BindParameters(book, given, site_);
    if (!values) return Keep(at.Invalid(values.error().message));
    Body(book, Scope(book, *values), prefix, name);
  }

  Step Leaf(const StepText& text, const Scope& scope, const std::string& path) {
    if (text.verb == Verb::kRun || text.verb == Verb::kJob || text.verb == Verb::kService) {
      return Action(text, scope, path);
    }
    Step step;
    step.path = path;
    step.name = NameOf(text, scope);
    step.on_failure = text.on_failure;
    step.kind = text.verb == Verb::kConfirm ? StepKind::kConfirm
                : text.verb == Verb::kCheck ? StepKind::kCheck
                                            : StepKind::kWaitFor;
    if (text.gate) step.gate = Gate(*text.gate, scope, "");
    if (text.approval) step.approval = ApprovalOf(*text.approval, scope);
    return step;
  }

  engine::Approval ApprovalOf(const ApprovalText& text, const Scope& scope) {
    engine::Approval approval;
    approval.by = text.by;
    approval.not_the_starter = text.not_the_starter;
    approval.timeout = Duration(text.timeout, scope, Milliseconds(0));
    if (text.timeout && approval.timeout < Seconds(1)) {
      Keep(text.timeout->at.Invalid("expected at least 1s"));
    }
    return approval;
  }

  Step Action(const StepText& text, const Scope& scope, const std::string& path) {
    Step step;
    step.path = path;
    step.name = NameOf(text, scope);
    step.kind = text.verb == Verb::kJob ? StepKind::kJob : StepKind::kRun;
    step.on_failure = text.on_failure;
    const config::Host* host = HostAt(*text.on, scope);
    if (host == nullptr) return step;
    if (host->platform == config::Platform::kWindows) {
      Keep(text.on->at.Invalid("steps need a POSIX shell; " + host->name + " is a Windows host"));
    }
    step.host = host->name;
    step.idempotent = text.idempotent.value_or(text.verb == Verb::kService &&
                                               text.state != ServiceState::kRestarted);
    step.command = text.verb == Verb::kService ? Service(text, scope, *host, text.state)
                                               : Command(*text.command, scope, *host);
    step.timeout =
        Duration(text.timeout, scope, text.verb == Verb::kService ? kServiceTimeout : step.timeout);
    if (text.timeout && step.timeout <= Milliseconds(0)) {
      Keep(text.timeout->at.Invalid("expected more than 0s"));
    }
    step.attempts = text.attempts;
    step.success = text.success;
    step.retry_delay = Duration(text.retry_delay, scope, Milliseconds(0));
    if (text.gate) step.gate = Gate(*text.gate, scope, host->name);
    if (text.dead_man) step.dead_man = ReadDeadMan(text, scope, *host, path);
    return step;
  }

  engine::DeadMan ReadDeadMan(const StepText& text, const Scope& scope, const config::Host& host,
                              const std::string& path) {
    engine::DeadMan dead_man;
    dead_man.restore = text.dead_man->restore ? Command(*text.dead_man->restore, scope, host)
                                              : Service(text, scope, host, ServiceState::kStarted);
    dead_man.after = Duration(text.dead_man->after, scope, Milliseconds(0));
    if (dead_man.after < Seconds(1)) Keep(text.dead_man->after.at.Invalid("expected at least 1s"));
    // It names a later step, whose path is not known yet.
    if (text.dead_man->until) {
      leases_.push_back({path, *text.dead_man->until, Fill(*text.dead_man->until, scope)});
    }
    return dead_man;
  }

  // The leases of one runbook's steps, once all its steps have their paths.
  void EndLeases(size_t first, size_t from) {
    for (size_t i = first; i < leases_.size() && !error_; ++i) {
      const auto place = names_.Find(leases_[i].until, from);
      if (!place) Keep(leases_[i].text.at.Invalid(place.error().message));
      const auto step = std::ranges::find(plan_.steps, leases_[i].path, &Step::path);
      if (!place || step == plan_.steps.end()) continue;
      step->dead_man->until = place->last;
      if (Before(plan_, place->last, step->path)) {
        Keep(leases_[i].text.at.Invalid(
            "\"" + leases_[i].until + "\" comes before \"" + step->name +
            "\"; expected this step or a later one, which brings it back"));
      }
    }
  }

  // At any end of the run, what these steps stopped is restarted, even without an `always` by the
  // author. Whether there is one is known only when all runbooks are expanded.
  void OweGuarded(size_t first, const std::string& prefix, int number,
                  const std::string& called_as) {
    std::vector<std::string> guarded;
    for (size_t i = first; i < leases_.size(); ++i) guarded.push_back(leases_[i].path);
    for (engine::AlwaysStep& owed : OwedFor(plan_, guarded)) {
      owed.step.path = prefix + std::to_string(++number);
      if (!called_as.empty()) owed.step.name += " (" + called_as + ")";
      owed_by_dead_men_.insert(owed.step.path);
      plan_.always.push_back(std::move(owed));
    }
  }

  std::string Service(const StepText& text, const Scope& scope, const config::Host& host,
                      ServiceState state) {
    const std::string name = Fill(*text.service, scope);
    const auto found = host.services.find(name);
    if (found != host.services.end()) {
      return ServiceCommand(host, name, found->second, state);
    }
    Keep(text.service->at.Invalid("expected a service that the site file lists for " + host.name +
                                  ", found \"" + name + "\"; " + ThereAre(host.services)));
    return "";
  }

  std::string Command(const CommandText& text, const Scope& scope, const config::Host& host) {
    std::string command = Fill(text.text, scope);
    if (text.by_name) {
      const auto named = host.commands.find(command);
      if (named == host.commands.end()) {
        Keep(text.text.at.Invalid("expected a command that the site file lists for " + host.name +
                                  ", found \"" + command + "\"; " + ThereAre(host.commands)));
        return "";
      }
      // Where root has installed the runner, the host itself defines its meaning.
      command = host.runner == config::RunnerForm::kInstalled ? "@" + command : named->second;
    }
    if (command.size() > engine::kLongestCommand) Keep(text.text.at.Invalid("longer than 16 KiB"));
    return command;
  }

  engine::Gate Gate(const GateText& text, const Scope& scope, const std::string& host) {
    auto gate = ExpandGate(text, scope, site_, host);
    if (gate) return std::move(*gate);
    Keep(Fail(gate.error()));
    return {};
  }

  const Runbooks& all_;
  const config::Site& site_;
  engine::Plan plan_;
  StepNames names_;
  std::vector<std::string> trail_;  // names of the blocks around the step being expanded
  struct Lease {
    std::string path;  // of the step that has it
    Text text;
    std::string until;  // filled in
  };
  std::vector<Lease> leases_;               // of the runbooks being expanded
  std::set<std::string> owed_by_dead_men_;  // paths
  std::vector<std::string> callers_;        // runbooks being expanded, the run's own first
  std::optional<Error> error_;
};

}  // namespace

Result<engine::Plan> Expand(const Runbook& book, const std::map<std::string, std::string>& values,
                            const Runbooks& all, const config::Site& site) {
  return Expander(all, site).Run(book, values);
}

}  // namespace mailhub::runbook
