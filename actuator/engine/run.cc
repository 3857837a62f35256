// See run.h.
#include "actuator/engine/run.h"

#include <algorithm>
#include <set>

namespace mailhub::engine {
namespace {

const StepState* StateOf(const std::map<std::string, StepState>& steps, const std::string& path) {
  const auto found = steps.find(path);
  return found == steps.end() ? nullptr : &found->second;
}

bool Contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// What each kind of event does to a run. Every body has an overload, so a new kind cannot be
// forgotten.
struct Fold {
  Run& run;
  WallTime at;

  void operator()(const ActuatorStarted&) {}
  void operator()(const ModeChanged&) {}
  void operator()(const AlertDecided&) {}
  void operator()(const RunQueued& body) {
    run.queued = body;
    run.queued_at = at;
  }
  void operator()(const RunStarted&) {
    run.stage = Stage::kActive;
    run.started_at = at;
  }
  void operator()(const RunDropped& body) {
    run.stage = Stage::kFinished;
    run.finished_at = at;
    run.result = RunResult::kDropped;
    run.result_detail = body.why;
    run.swept = true;
  }
  void operator()(const StepStarted& body) {
    StepState& step = run.steps[body.path];
    step.attempt = body.attempt;
    step.settled = false;
    step.approved = false;
    step.receipts_lost = false;
    step.receipt = {};
    step.directory_id = body.directory_id;
    if (!body.directory_id.empty()) run.directories[run.Find(body.path)->host] = body.directory_id;
    if (!step.started) step.started = at;
    step.since = at;
  }
  void operator()(const StepSettled& body) {
    StepState& step = run.steps[body.path];
    step.settled = true;
    step.receipt = body.receipt;
    step.receipts_lost = body.receipts_lost;
    step.worked = !body.receipts_lost && body.receipt.state == ReceiptState::kFinished &&
                  Contains(run.Find(body.path)->success, body.receipt.exit_status);
    step.since = at;
    if (step.Succeeded()) step.approved = false;  // it had worked after all
  }
  void operator()(const StepDone& body) {
    StepState& step = run.steps[body.path];
    step.result = body.result;
    step.took = body.took;
    step.detail = body.detail;
  }
  void operator()(const DeadManArmed& body) {
    run.leases[body.path] = {body.host, body.after};
    run.directories[body.host] = body.directory_id;
  }
  void operator()(const DeadManDisarmed& body) {
    run.leases.erase(body.path);
    run.restored.erase(body.path);
  }
  void operator()(const DeadManRestored& body) {
    if (auto lease = run.leases.extract(body.path)) run.restored.insert(std::move(lease));
  }
  void operator()(const RunHeld& body) { run.hold = Hold{body.path, body.reason, body.detail}; }
  void operator()(const OperatorActed& body) {
    StepState* step = body.path.empty() ? nullptr : &run.steps[body.path];
    switch (body.verb) {
      case Verb::kPause:
        run.paused = true;
        break;
      case Verb::kResume:
        run.paused = false;
        run.hold.reset();
        if (step != nullptr) step->since = at;
        break;
      case Verb::kRetry:
        run.hold.reset();
        if (step != nullptr) {
          step->since = at;
          step->approved = step->attempt > 0;
          step->first_attempt = step->attempt + 1;
        }
        break;
      case Verb::kCancel:
        run.cancelling = true;
        run.paused = false;
        run.hold.reset();
        if (step != nullptr) step->since = at;  // what is settled first has its time-out anew
        break;
      case Verb::kSkip:
      case Verb::kResolve:
        run.hold.reset();
        break;
      case Verb::kStart:
      case Verb::kConfirm:
        break;
    }
  }
  void operator()(const RunEnding& body) {
    run.stage = Stage::kEnding;
    run.cancelling = false;
    run.result = body.result;
    run.result_detail = body.detail;
  }
  void operator()(const RunFinished& body) {
    run.stage = Stage::kFinished;
    run.finished_at = at;
    run.result = body.result;
    run.result_detail = body.detail;
    run.hold.reset();
    run.swept = run.TouchedHosts().empty();
  }
  void operator()(const RunSwept&) { run.swept = true; }
  void operator()(const HostTakeover&) {}
};

}  // namespace

void Run::Apply(const Event& event) {
  std::visit(Fold{*this, event.at}, event.body);
}

const Step* Run::OwedAlways() const {
  for (const AlwaysStep& always : plan().always) {
    const StepState* own = StateOf(steps, always.step.path);
    if (own != nullptr && own->result) continue;
    const StepState* since = StateOf(steps, always.since);
    if (since == nullptr || since->attempt == 0) continue;
    const StepState* until = StateOf(steps, always.until);
    if (until != nullptr && until->Fulfilled()) continue;
    return &always.step;
  }
  return nullptr;
}

const Step* Run::Current() const {
  if (stage == Stage::kEnding) return OwedAlways();
  if (stage != Stage::kActive) return nullptr;
  for (const Step& step : plan().steps) {
    const StepState* state = StateOf(steps, step.path);
    if (state == nullptr || !state->result) return &step;
  }
  return nullptr;
}

const Step* Run::Find(const std::string& path) const {
  for (const Step& step : plan().steps) {
    if (step.path == path) return &step;
  }
  for (const AlwaysStep& always : plan().always) {
    if (always.step.path == path) return &always.step;
  }
  return nullptr;
}

bool Run::IsAlways(const std::string& path) const {
  return std::any_of(plan().always.begin(), plan().always.end(),
                     [&](const AlwaysStep& always) { return always.step.path == path; });
}

bool Run::LeaseIsOver(const std::string& path) const {
  const StepState* until = StateOf(steps, Find(path)->dead_man->until);
  return until != nullptr && until->Fulfilled();
}

bool Run::Committed() const {
  const StepState* commit = StateOf(steps, plan().commit);
  return commit != nullptr && commit->attempt > 0;
}

std::vector<std::string> Run::TouchedHosts() const {
  std::vector<std::string> hosts;
  for (const auto& [host, directory] : directories) hosts.push_back(host);
  return hosts;
}

std::vector<std::string> HostsOf(const Plan& plan) {
  std::set<std::string> hosts;
  const auto add = [&](const Step& step) {
    if (!step.host.empty()) hosts.insert(step.host);
    if (step.gate) hosts.insert(step.gate->about.begin(), step.gate->about.end());
  };
  for (const Step& step : plan.steps) add(step);
  for (const AlwaysStep& always : plan.always) add(always.step);
  return {hosts.begin(), hosts.end()};
}

}  // namespace mailhub::engine
