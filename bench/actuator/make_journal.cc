// Makes a journal with many finished runs, to measure the cost of a start:
//   make_journal FILE RUNS
// Each run has 30 steps, half of them verified, and the alert that started it: 102 events.
#include <cstdio>
#include <cstdlib>

#include "actuator/journal/journal.h"

namespace mailhub::journal {
namespace {

using namespace engine;  // NOLINT: most of the events there are

constexpr int kSteps = 30;
constexpr int64_t kRunMs = 4'000'000;

Plan PlanFor(int target) {
  Plan plan;
  plan.runbook = "mailhub-rebuild";
  plan.summary = "Rebuild the mail tables of one mailhub";
  plan.target = "mailhub" + std::to_string(target);
  plan.parameters = {{"mailhub", plan.target}};
  plan.locks = {"directory"};
  for (int i = 0; i < kSteps; ++i) {
    Step step;
    step.path = std::to_string(i + 1);
    step.name = "Step number " + step.path;
    step.host = plan.target;
    step.command = "/opt/site/bin/do-something --thoroughly number-" + step.path;
    if (i % 2 == 1) {
      step.gate.emplace();
      step.gate->expr = "up{instance=\"x500\"} == 1";
      step.gate->about = {"x500"};
    }
    plan.steps.push_back(std::move(step));
  }
  plan.commit = "1";
  return plan;
}

class Maker {
 public:
  explicit Maker(Journal* journal) : journal_(journal) {}

  Status Add(int number) {
    char run[40];
    std::snprintf(run, sizeof run, "%08xcafecafecafecafecafecafe", number);
    at_ms_ = 1'600'000'000'000 + number * kRunMs;
    events_.clear();
    Plan plan = PlanFor(number % 3 + 1);
    const std::string fingerprint = "00ff00ff00ff000" + std::to_string(number % 3);
    AlertDecided alert;
    alert.notification = "n";
    alert.fingerprint = fingerprint;
    alert.alertname = "TablesStale";
    alert.labels = {{"alertname", "TablesStale"}, {"instance", plan.target}};
    alert.trigger = "stale tables";
    alert.decision = Decision::kStartedRun;
    alert.detail = "started mailhub-rebuild";
    alert.run = run;
    Put(run, RunQueued{plan, "tables", fingerprint, "alertmanager", ""});
    Put(run, alert);
    Put(run, RunStarted{});
    for (const Step& step : plan.steps) {
      Receipt receipt;
      receipt.state = ReceiptState::kFinished;
      receipt.output = "done as asked\n";
      Put(run, StepStarted{step.path, 1, "0123456789abcdef0123456789abcdef"});
      Put(run, StepSettled{step.path, 1, receipt, false});
      Put(run, StepDone{step.path, StepResult::kDone, Milliseconds(60'000), ""});
    }
    for (int i = 0; i < 5; ++i) {
      alert.decision = Decision::kRepeat;
      Put(run, alert);
    }
    Put(run, RunEnding{RunResult::kSucceeded, ""});
    Put(run, RunFinished{RunResult::kSucceeded, ""});
    Put(run, RunSwept{});
    alert.firing = false;
    alert.decision = Decision::kResolved;
    Put(run, alert);
    return journal_->Append(events_);
  }

 private:
  void Put(const std::string& run, EventBody body) {
    events_.push_back({++seq_, FromUnixMs(at_ms_), run, std::move(body)});
    at_ms_ += kRunMs / 100;
  }

  Journal* journal_;
  std::vector<Event> events_;
  uint64_t seq_ = 0;
  int64_t at_ms_ = 0;
};

int Make(const char* path, int runs) {
  auto journal = Journal::Open(path, RealClock().Now());
  if (!journal) {
    std::fprintf(stderr, "%s\n", journal.error().message.c_str());
    return 1;
  }
  Maker maker(journal->get());
  for (int i = 0; i < runs; ++i) {
    if (const Status added = maker.Add(i); !added) {
      std::fprintf(stderr, "%s\n", added.error().message.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace mailhub::journal

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_journal FILE RUNS\n");
    return 64;
  }
  return mailhub::journal::Make(argv[1], std::atoi(argv[2]));  // NOLINT(cert-err34-c)
}
