// See live_check.h.
#include "actuator/service/live_check.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace mailhub::service {
namespace {

constexpr size_t kGateThreads = 4;
constexpr size_t kHostThreads = 16;
// Longer than any gate waits: what there is counts as if the gate had begun long ago.
constexpr Milliseconds kLongAgo = std::chrono::hours(24 * 365);

bool Same(const engine::Gate& a, const engine::Gate& b) {
  return a.expr == b.expr && a.about == b.about && a.window == b.window &&
         a.hold_for == b.hold_for && a.expect == b.expect;
}

}  // namespace

void LiveCheck::Ask(engine::LivePlan* live) const {
  std::atomic<size_t> next_gate{0};
  std::atomic<size_t> next_host{0};
  // Of gates that ask the same, only the first is asked.
  std::vector<engine::LiveGate*> gates;
  for (engine::LiveGate& gate : live->gates) {
    const bool asked = std::ranges::any_of(
        gates, [&](const engine::LiveGate* one) { return Same(one->gate, gate.gate); });
    if (!asked) gates.push_back(&gate);
  }
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < std::min(kGateThreads, gates.size()); ++i) {
      threads.emplace_back([&] {
        for (size_t at = next_gate++; at < gates.size(); at = next_gate++) AskGate(gates[at]);
      });
    }
    for (size_t i = 0; i < std::min(kHostThreads, live->hosts.size()); ++i) {
      threads.emplace_back([&] {
        for (size_t at = next_host++; at < live->hosts.size(); at = next_host++) {
          AskHost(live->plan, &live->hosts[at]);
        }
      });
    }
  }
  for (engine::LiveGate& gate : live->gates) {
    for (const engine::LiveGate* asked : gates) {
      if (!Same(asked->gate, gate.gate)) continue;
      gate.reading = asked->reading;
      gate.why_not = asked->why_not;
    }
  }
}

void LiveCheck::AskGate(engine::LiveGate* live) const {
  if (clock->Steady() >= deadline) {
    live->why_not = "there was no time left to ask for it";
    return;
  }
  engine::GateQuestion question;
  question.gate = live->gate;
  question.waited = kLongAgo;
  question.look_only = true;
  live->reading = conditions->Evaluate(question);
  live->why_not.clear();
}

void LiveCheck::AskHost(const engine::Plan& plan, engine::HostReport* report) const {
  const auto unknown = [&](const char* why) {
    report->facts = {{engine::HostQuestion::kReachable, engine::Known::kUnknown, why}};
  };
  if (hosts == nullptr) return unknown("this actuator does not look at hosts before a run");
  if (clock->Steady() >= deadline) return unknown("there was no time left to look at it");
  engine::HostCheck check;
  check.host = report->host;
  check.commands = engine::CommandsOn(plan, report->host);
  check.journal_id = journal_id;
  check.epoch = epoch;
  check.deadline = deadline;
  *report = hosts->Check(check);
}

}  // namespace mailhub::service
