// A runbook, read and expanded for a small site, beside a fixed one that it may call.
#include <algorithm>
#include <set>
#include <string>

#include "actuator/condition/promql.h"
#include "actuator/journal/codec.h"
#include "actuator/runbook/library.h"
#include "lib/base/printable.h"
#include "lib/config/site.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/targets.h"

namespace mailhub::fuzz {
namespace {

constexpr char kSite[] = R"(
ssh: {user: root, known_hosts: known_hosts, exporter_key: e, actuator_key: a}
groups:
  hubs: [hub1, hub2]
hosts:
  server:
    address: 192.0.2.1
    commands: {wake: /opt/wake now}
    services: {eddy: {}}
  hub1: {address: 192.0.2.2, services: {client: {}}}
  hub2:
    address: 192.0.2.3
    runner: installed
    services: {client: {}}
  old: {address: 192.0.2.5, platform: posix, services: {client: {}}}
  win: {address: 192.0.2.6, platform: windows, services: {Mail: {}}}
)";

constexpr char kOther[] = R"(
runbook: other
summary: Restart what a hub runs
parameters: {hub: {host_in: hubs}, wait: {type: duration, default: 1m}}
lock: hubs
steps:
  - name: Restart
    service: {on: "{{hub}}", name: client, state: restarted}
    timeout: "{{wait}}"
)";

const std::shared_ptr<const config::Site>& Site() {
  static const std::shared_ptr<const config::Site> kMade = [] {
    auto site = config::ParseSite(kSite, "site.yml");
    Demand(site.has_value(), "the site is good", site ? "" : site.error().message);
    return std::make_shared<const config::Site>(std::move(*site));
  }();
  return kMade;
}

bool IsPath(const std::string& path) {
  return !path.empty() && path.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                              "XYZ0123456789._-") == std::string::npos;
}

void DemandSound(const engine::Gate& gate) {
  const auto read = condition::ReadGateExpression(gate.expr);
  Demand(read.has_value(), "a gate's expression is one that a gate may believe", gate.expr);
  Demand(gate.window.count() >= 0 && gate.window >= read->longest_range,
         "a gate's window holds its longest range", gate.expr);
  Demand(gate.hold_for.count() >= 0, "`for` is not negative", gate.expr);
  Demand(gate.window.count() > 0 || gate.hold_for.count() == 0, "`for` has a window", gate.expr);
  Demand(gate.timeout > gate.window + gate.hold_for, "a gate can open before it times out",
         gate.expr);
  Demand(gate.expect >= 1, "a gate expects a series", gate.expr);
  for (const std::string& host : gate.about) {
    Demand(Site()->FindHost(host) != nullptr, "a gate is about hosts of the site", host);
  }
}

void DemandSound(const engine::Step& step) {
  Demand(IsPath(step.path), "a path is made of letters, digits, dots and dashes", step.path);
  const bool acts = step.kind == engine::StepKind::kRun || step.kind == engine::StepKind::kJob;
  Demand(acts == (Site()->FindHost(step.host) != nullptr), "an action has a host of the site",
         step.host);
  Demand(acts == !step.command.empty(), "an action has a command", step.path);
  Demand(step.command.size() <= engine::kLongestCommand, "a command has its bound");
  Demand(step.command.find('\0') == std::string::npos, "a command holds no NUL", step.command);
  Demand(step.attempts >= 1 && step.retry_delay.count() >= 0 && step.timeout.count() >= 0,
         "attempts and times are not negative", step.path);
  if (step.gate) DemandSound(*step.gate);
  const bool waits =
      step.kind == engine::StepKind::kWaitFor || step.kind == engine::StepKind::kCheck;
  Demand(!waits || step.gate, "a step that waits has a gate", step.path);
  if (!step.dead_man) return;
  Demand(!step.dead_man->restore.empty() && step.dead_man->after >= Seconds(1),
         "a dead man has a command and a time", step.path);
}

void DemandSound(const engine::Plan& plan) {
  Demand(!plan.steps.empty() && plan.steps.size() <= engine::kMostSteps,
         "a plan has 1 to 500 steps");
  std::set<std::string> paths;
  for (const engine::Step& step : plan.steps) {
    DemandSound(step);
    Demand(paths.insert(step.path).second, "a path is that of one step", step.path);
  }
  const auto known = [&](const std::string& path) { return path.empty() || paths.contains(path); };
  for (const engine::Step& step : plan.steps) {
    if (step.dead_man) Demand(known(step.dead_man->until), "a lease ends at a step", step.path);
  }
  std::set<std::string> owed_paths = paths;
  for (const engine::AlwaysStep& owed : plan.always) {
    DemandSound(owed.step);
    Demand(owed_paths.insert(owed.step.path).second, "an owed step has its own path",
           owed.step.path);
    Demand(!owed.since.empty() && known(owed.since) && known(owed.until),
           "what is owed is owed between steps", owed.step.path);
  }
  Demand(known(plan.commit), "the commit is a step", plan.commit);
  Demand(std::is_sorted(plan.locks.begin(), plan.locks.end()), "locks are sorted");
  Demand(plan.target.empty() || Site()->FindHost(plan.target) != nullptr, "a target is a host");

  const auto stored = journal::DecodePlan(journal::EncodePlan(plan));
  Demand(stored && *stored == plan, "a plan is the same when the journal gives it back",
         journal::EncodePlan(plan));
}

}  // namespace

void TryRunbook(std::string_view bytes) {
  const auto library = runbook::RunbookLibrary::Parse(
      {{"other.yml", kOther}, {"book.yml", std::string(bytes)}}, Site());
  if (!library) {
    Demand(library.error().kind == ErrorKind::kInvalid, "a bad runbook is invalid");
    return DemandGoodMessage(library.error());
  }
  for (const runbook::RunbookInfo& info : (*library)->List()) {
    if (info.name == "other") continue;
    std::map<std::string, std::string> values;
    for (const runbook::ParameterInfo& parameter : info.parameters) {
      if (parameter.kind == "host" && parameter.default_value.empty() && !parameter.optional) {
        values[parameter.name] = Site()->groups.at(parameter.group).front();
      }
    }
    const auto plan = (*library)->Make(info.name, values);
    if (!plan)
      return Demand(false, "a runbook that was checked makes a plan", plan.error().message);
    DemandSound(*plan);
    const auto strange = (*library)->Make(info.name, {{std::string(bytes.substr(0, 2'000)), "x"}});
    if (!strange) DemandGoodMessage(strange.error());
  }
}

}  // namespace mailhub::fuzz
