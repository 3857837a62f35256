// The promises of docs/execution_model.md, judged from the journal and from what the hosts really
// did.
#include <algorithm>

#include "tests/sim/simulation.h"

namespace mailhub::sim {
namespace {

using engine::Event;
using engine::Run;

std::map<std::string, Run> Fold(const std::vector<Event>& journal) {
  std::map<std::string, Run> runs;
  for (const Event& event : journal) {
    if (event.run.empty() || std::holds_alternative<engine::AlertDecided>(event.body)) continue;
    runs[event.run].id = event.run;
    runs[event.run].Apply(event);
  }
  return runs;
}

// "RUN/PATH/ATTEMPT"
struct Key {
  std::string run;
  std::string path;
  int attempt = 0;
};
Key Split(const std::string& key) {
  const size_t first = key.find('/');
  const size_t last = key.rfind('/');
  return {key.substr(0, first), key.substr(first + 1, last - first - 1),
          std::stoi(key.substr(last + 1))};
}

// True when the journal gives a reason to try `key` again: it failed for certain, or a person
// asked.
bool MayFollow(const std::vector<Event>& journal, const Key& key) {
  for (const Event& event : journal) {
    if (event.run != key.run) continue;
    if (const auto* settled = std::get_if<engine::StepSettled>(&event.body)) {
      if (settled->path == key.path && settled->attempt == key.attempt &&
          settled->receipt.state == engine::ReceiptState::kFinished &&
          settled->receipt.exit_status != 0) {
        return true;
      }
    }
    if (const auto* acted = std::get_if<engine::OperatorActed>(&event.body)) {
      if (acted->path == key.path && acted->verb == engine::Verb::kRetry) return true;
    }
  }
  return false;
}

std::optional<std::string> NothingTwice(const std::vector<Event>& journal,
                                        const std::vector<Deed>& deeds,
                                        const std::map<std::string, Run>& runs) {
  std::map<std::string, int> attempts_done;  // RUN/PATH -> last attempt really carried out
  std::set<std::string> done;
  for (const Deed& deed : deeds) {
    if (deed.by_dead_man) continue;
    if (!done.insert(deed.key).second) return "carried out twice under one key: " + deed.key;
    const Key key = Split(deed.key);
    const auto run = runs.find(key.run);
    if (run == runs.end()) return "carried out for a run nobody recorded: " + deed.key;
    const auto state = run->second.steps.find(key.path);
    if (state == run->second.steps.end() || state->second.attempt < key.attempt) {
      return "carried out before its intent was recorded: " + deed.key;
    }
    const auto earlier = attempts_done.find(key.run + '/' + key.path);
    if (earlier != attempts_done.end() && !run->second.Find(key.path)->idempotent &&
        !MayFollow(journal, {key.run, key.path, earlier->second})) {
      return "carried out again without a reason: " + deed.key;
    }
    attempts_done[key.run + '/' + key.path] = key.attempt;
  }
  return std::nullopt;
}

std::optional<std::string> GatesBelieveFreshEvidence(const std::vector<Deed>& deeds,
                                                     const std::vector<GatePassed>& gates) {
  for (const GatePassed& gate : gates) {
    for (const Deed& deed : deeds) {
      const bool about =
          std::find(gate.about.begin(), gate.about.end(), deed.host) != gate.about.end();
      if (about && !deed.by_dead_man && deed.at_ms <= gate.at_ms &&
          gate.oldest_evidence_ms < std::max(deed.at_ms, deed.ended_at_ms)) {
        return "a gate passed on evidence from before " + deed.key;
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> LocksAreHeldOnce(const std::vector<Event>& journal) {
  std::map<std::string, std::vector<std::string>> locks_of;
  std::map<std::string, std::string> holder;
  for (const Event& event : journal) {
    if (const auto* queued = std::get_if<engine::RunQueued>(&event.body)) {
      locks_of[event.run] = queued->plan.locks;
    } else if (std::holds_alternative<engine::RunStarted>(event.body)) {
      for (const std::string& lock : locks_of[event.run]) {
        if (holder.contains(lock)) return "lock " + lock + " was held twice";
        holder[lock] = event.run;
      }
    } else if (std::holds_alternative<engine::RunFinished>(event.body)) {
      std::erase_if(holder, [&](const auto& entry) { return entry.second == event.run; });
    }
  }
  return std::nullopt;
}

std::optional<std::string> WhatIsOwedIsPaid(const std::map<std::string, Run>& runs) {
  for (const auto& [id, run] : runs) {
    if (run.stage != engine::Stage::kFinished || run.result == engine::RunResult::kDropped)
      continue;
    if (!run.leases.empty() || !run.restored.empty()) {
      return "run " + id + " finished with a dead man still armed";
    }
    for (const engine::AlwaysStep& always : run.plan().always) {
      const auto since = run.steps.find(always.since);
      if (since == run.steps.end() || since->second.attempt == 0) continue;
      const auto until = run.steps.find(always.until);
      if (until != run.steps.end() && until->second.Fulfilled()) continue;
      const auto own = run.steps.find(always.step.path);
      if (own == run.steps.end() || !own->second.result) {
        return "run " + id + " finished and owes " + always.step.path;
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> StopsAreGuarded(const std::map<std::string, Run>& runs,
                                           const std::vector<Event>& journal) {
  std::set<std::string> armed;
  for (const Event& event : journal) {
    if (const auto* body = std::get_if<engine::DeadManArmed>(&event.body)) {
      armed.insert(event.run + '/' + body->path);
    } else if (const auto* started = std::get_if<engine::StepStarted>(&event.body)) {
      const engine::Step* step = runs.at(event.run).Find(started->path);
      if (step->dead_man && !armed.contains(event.run + '/' + started->path)) {
        return "step " + started->path + " began without its dead man";
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> EveryNotificationIsDecidedOnce(
    const std::vector<Event>& journal, const std::set<std::string>& acknowledged) {
  std::map<std::string, int> decided;
  for (const Event& event : journal) {
    if (const auto* body = std::get_if<engine::AlertDecided>(&event.body)) {
      ++decided[body->notification];
    }
  }
  for (const std::string& id : acknowledged) {
    if (decided[id] != 1) {
      return "notification " + id + " was decided " + std::to_string(decided[id]) + " times";
    }
  }
  return std::nullopt;
}

std::optional<std::string> NumbersHaveNoGaps(const std::vector<Event>& journal) {
  for (size_t i = 0; i < journal.size(); ++i) {
    if (journal[i].seq != i + 1) return "the journal's numbers have a gap";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> CheckInvariants(const std::vector<Event>& journal,
                                           const std::vector<Deed>& deeds,
                                           const std::vector<GatePassed>& gates,
                                           const std::set<std::string>& acknowledged) {
  if (auto broken = NumbersHaveNoGaps(journal)) return broken;
  const std::map<std::string, Run> runs = Fold(journal);
  if (auto broken = NothingTwice(journal, deeds, runs)) return broken;
  if (auto broken = GatesBelieveFreshEvidence(deeds, gates)) return broken;
  if (auto broken = LocksAreHeldOnce(journal)) return broken;
  if (auto broken = WhatIsOwedIsPaid(runs)) return broken;
  if (auto broken = StopsAreGuarded(runs, journal)) return broken;
  return EveryNotificationIsDecidedOnce(journal, acknowledged);
}

}  // namespace mailhub::sim
