// See world.h. Commands are words: "set NAME VALUE" at once, "job SECONDS NAME VALUE" at its end.
#include "tests/sim/world.h"

#include <algorithm>
#include <sstream>

namespace mailhub::sim {
namespace {

constexpr int64_t kSampleEveryMs = 1000;
constexpr int64_t kNetworkMs = 5;
constexpr int64_t kLongDelayMs = 90'000;

bool Holds(const Condition& condition, double value) {
  if (condition.comparison == "==") return value == condition.threshold;
  if (condition.comparison == ">=") return value >= condition.threshold;
  return value > condition.threshold;
}

}  // namespace

Condition ParseCondition(const std::string& expr) {
  Condition condition;
  std::string what;
  std::istringstream(expr) >> what >> condition.comparison >> condition.threshold;
  const size_t dot = what.find('.');
  condition.host = what.substr(0, dot);
  condition.name = what.substr(dot + 1);
  return condition;
}

World::World(uint64_t seed, const std::vector<std::string>& hosts) : random_(seed) {
  for (const std::string& name : hosts) {
    Host& host = hosts_[name];
    host.directory_id = "dir-" + name + "-1";
    host.boot_id = "boot-" + name + "-1";
    host.booted_at_ms = now_ms_ - 3'600'000;
  }
  Plan(now_ms_ + kSampleEveryMs, [this] { SampleAll(); });
}

engine::Moment World::Now() const {
  return {FromUnixMs(1'700'000'000'000 + now_ms_), SteadyTime(Milliseconds(now_ms_))};
}

bool World::Chance(double probability) {
  return probability > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

void World::Plan(int64_t at_ms, std::function<void()> what) {
  planned_.emplace(at_ms, std::move(what));
}

int64_t World::NextPlannedMs() const {
  return planned_.begin()->first;
}

void World::AdvanceTo(int64_t at_ms) {
  while (!planned_.empty() && planned_.begin()->first <= at_ms) {
    auto node = planned_.extract(planned_.begin());
    now_ms_ = std::max(now_ms_, node.key());
    node.mapped()();
  }
  now_ms_ = std::max(now_ms_, at_ms);
}

double World::Value(const std::string& host, const std::string& name) const {
  const auto& values = hosts_.at(host).values;
  const auto found = values.find(name);
  return found == values.end() ? 0 : found->second;
}

void World::Set(const std::string& host, const std::string& name, double value) {
  hosts_.at(host).values[name] = value;
}

// --- hosts
// ------------------------------------------------------------------------------------------------------------

void World::Effect(const std::string& name, const std::string& command) {
  std::istringstream words(command);
  std::string verb;
  std::string value_name;
  double value = 0;
  words >> verb;
  if (verb == "job") {
    double seconds = 0;
    words >> seconds;
  }
  words >> value_name >> value;
  Set(name, value_name, value);
}

void World::Begin(const std::string& name, const std::string& key, const std::string& command) {
  Host& host = hosts_.at(name);
  Claim& claim = host.claims[key];
  claim.command = command;
  claim.boot_id = host.boot_id;
  deeds.push_back({now_ms_, name, key, command, false, 0});
  double seconds = 0;
  std::istringstream words(command);
  std::string verb;
  words >> verb;
  if (verb == "job") words >> seconds;
  const bool fails = Chance(faults.fail_command);
  claim.ends_at_ms = now_ms_ + static_cast<int64_t>(seconds * 1000);
  const auto end = [this, name, key, boot = host.boot_id, fails, deed = deeds.size() - 1] {
    Host& then = hosts_.at(name);
    const auto found = then.claims.find(key);
    if (found == then.claims.end() || found->second.finished || then.boot_id != boot) return;
    if (!fails) Effect(name, found->second.command);
    deeds[deed].ended_at_ms = now_ms_;
    found->second.finished = true;
    found->second.exit_status = fails ? 1 : 0;
  };
  if (seconds > 0) {
    Plan(claim.ends_at_ms, end);
  } else {
    end();
  }
}

void World::Reboot(const std::string& name) {
  Host& host = hosts_.at(name);
  host.boot_id = "boot-" + name + "-" + std::to_string(Random() % 1'000'000);
  host.booted_at_ms = now_ms_;
  if (Chance(faults.wipe_receipts)) {
    host.claims.clear();
    host.leases.clear();
    host.directory_id = "dir-" + name + "-" + std::to_string(Random() % 1'000'000);
  }
}

engine::Receipt World::ReceiptOf(const Host& host, const Claim& claim) const {
  engine::Receipt receipt;
  if (claim.is_void) {
    receipt.state = engine::ReceiptState::kVoid;
  } else if (claim.finished) {
    receipt.state = engine::ReceiptState::kFinished;
    receipt.exit_status = claim.exit_status;
  } else {
    receipt.state = claim.boot_id == host.boot_id ? engine::ReceiptState::kRunning
                                                  : engine::ReceiptState::kInterrupted;
  }
  return receipt;
}

RemoteReply World::CarryOut(const RemoteRequest& request, uint64_t epoch) {
  Host& host = hosts_.at(request.host);
  RemoteReply reply;
  using engine::RemoteVerb;
  if (epoch < host.epoch) {
    reply.receipt = Fail(ErrorKind::kRefused, "a newer actuator has spoken to this host");
    return reply;
  }
  host.epoch = epoch;
  if (request.verb != RemoteVerb::kHello && request.directory_id != host.directory_id) {
    reply.receipt = Fail(ErrorKind::kCorrupt, "the receipts directory is another one");
    return reply;
  }
  engine::Receipt receipt;
  if (host.swept.contains(request.key.substr(0, request.key.find('/'))) &&
      request.verb != RemoteVerb::kSweep) {
    reply.receipt = Fail(ErrorKind::kRefused, "the run is over and its receipts are swept");
    return reply;
  }
  const auto claimed = host.claims.find(request.key);
  switch (request.verb) {
    case RemoteVerb::kHello:
      break;
    case RemoteVerb::kRun:
    case RemoteVerb::kLaunch:
      if (claimed == host.claims.end()) Begin(request.host, request.key, request.command);
      receipt = ReceiptOf(host, host.claims.at(request.key));
      break;
    case RemoteVerb::kStatus:
      if (claimed != host.claims.end()) receipt = ReceiptOf(host, claimed->second);
      break;
    case RemoteVerb::kVoid:
      if (claimed == host.claims.end()) host.claims[request.key].is_void = true;
      receipt = ReceiptOf(host, host.claims.at(request.key));
      break;
    case RemoteVerb::kCancel:
      if (claimed != host.claims.end() && !claimed->second.finished && !claimed->second.is_void) {
        claimed->second.finished = true;
        claimed->second.exit_status = 143;
      }
      break;
    case RemoteVerb::kArm:
    case RemoteVerb::kRenew:
    case RemoteVerb::kDisarm: {
      const auto lease = host.leases.find(request.key);
      if (lease != host.leases.end() && lease->second.restored &&
          !(request.verb == RemoteVerb::kArm && lease->second.acknowledged)) {
        reply.lease = engine::LeaseState::kRestored;
        if (request.verb == RemoteVerb::kDisarm) lease->second.acknowledged = true;
      } else if (request.verb == RemoteVerb::kDisarm) {
        host.leases.erase(request.key);
      } else if (request.verb == RemoteVerb::kArm || lease != host.leases.end()) {
        Lease& armed = host.leases[request.key];
        if (request.verb == RemoteVerb::kArm) armed = {request.command, 0, 0, false, false};
        armed.after_ms = request.after.count();
        armed.expires_at_ms = now_ms_ + armed.after_ms;
        reply.lease = engine::LeaseState::kArmed;
      }
      break;
    }
    case RemoteVerb::kSweep:
      // A runner that was held up on its way must find this, or it would run what is long over.
      host.swept.insert(request.key);
      std::erase_if(host.claims,
                    [&](const auto& entry) { return entry.first.starts_with(request.key + '/'); });
      break;
  }
  reply.receipt = receipt;
  reply.directory_id = host.directory_id;
  reply.mark = {host.boot_id, static_cast<double>(now_ms_ - host.booted_at_ms) / 1000};
  return reply;
}

void World::Send(const RemoteRequest& request, uint64_t epoch,
                 std::function<void(RemoteReply)> answer) {
  const auto fail = [&](ErrorKind kind, const char* why, int64_t after_ms) {
    RemoteReply reply;
    reply.receipt = Fail(kind, why);
    Plan(now_ms_ + after_ms, [answer, reply] { answer(reply); });
  };
  if (Chance(faults.refuse)) {
    fail(ErrorKind::kUnreachable, "connection refused", kNetworkMs);
    return;
  }
  if (Chance(faults.delay)) {
    // It arrives long after its sender gave up on it.
    Plan(now_ms_ + kLongDelayMs, [this, request, epoch] { CarryOut(request, epoch); });
    fail(ErrorKind::kOutcomeUnknown, "no answer in time", 10'000);
    return;
  }
  const bool lost = Chance(faults.lose_reply);
  Plan(now_ms_ + kNetworkMs, [this, request, epoch, lost, answer] {
    if (Chance(faults.reboot)) Reboot(request.host);
    const RemoteReply reply = CarryOut(request, epoch);
    if (lost) {
      RemoteReply unknown;
      unknown.receipt = Fail(ErrorKind::kOutcomeUnknown, "connection lost after sending");
      Plan(now_ms_ + kNetworkMs, [answer, unknown] { answer(unknown); });
    } else {
      Plan(now_ms_ + kNetworkMs, [answer, reply] { answer(reply); });
    }
  });
}

void World::CheckLeases() {
  for (auto& [name, host] : hosts_) {
    for (auto& [key, lease] : host.leases) {
      if (lease.restored || now_ms_ < lease.expires_at_ms) continue;
      const std::string run = key.substr(0, key.find('/') + 1);
      const bool job_alive = std::any_of(host.claims.begin(), host.claims.end(), [&](auto& entry) {
        return entry.first.starts_with(run) && !entry.second.finished && !entry.second.is_void &&
               entry.second.boot_id == host.boot_id;
      });
      if (job_alive) {
        lease.expires_at_ms = now_ms_ + lease.after_ms;
        continue;
      }
      lease.restored = true;
      Effect(name, lease.restore);
      deeds.push_back({now_ms_, name, key, lease.restore, true, now_ms_});
    }
  }
}

// --- Prometheus
// -------------------------------------------------------------------------------------------------------

void World::SampleAll() {
  CheckLeases();
  for (auto& [name, host] : hosts_) {
    if (Chance(faults.drop_sample)) continue;
    host.samples.push_back({now_ms_, host.boot_id,
                            static_cast<double>(now_ms_ - host.booted_at_ms) / 1000, host.values});
    if (host.samples.size() > 700) host.samples.erase(host.samples.begin());
  }
  Plan(now_ms_ + kSampleEveryMs, [this] { SampleAll(); });
}

engine::GateReading World::Read(const engine::GateQuestion& question) {
  engine::GateReading reading;
  const Condition condition = ParseCondition(question.gate.expr);
  const int64_t window_ms = question.gate.window.count();
  int64_t oldest_ms = now_ms_;
  for (const std::string& name : question.gate.about) {
    const engine::Mark& mark = question.marks.at(name);
    int64_t count = 0;
    for (const Sample& sample : hosts_.at(name).samples) {
      if (sample.at_ms <= now_ms_ - window_ms) continue;
      ++count;
      oldest_ms = std::min(oldest_ms, sample.at_ms);
      if (sample.boot_id != mark.boot_id) {
        reading.state = engine::GateState::kRebooted;
        return reading;
      }
      if (sample.uptime_s <= mark.uptime_s) {
        reading.why = "evidence from before the action";
        return reading;
      }
    }
    if (static_cast<double>(count) * kSampleEveryMs < 0.8 * static_cast<double>(window_ms)) {
      reading.why = "too few samples";
      return reading;
    }
  }
  const auto& samples = hosts_.at(condition.host).samples;
  if (samples.empty()) return reading;
  const auto value = samples.back().values.find(condition.name);
  reading.value = value == samples.back().values.end() ? 0 : value->second;
  reading.threshold = condition.threshold;
  reading.comparison = condition.comparison;
  reading.state =
      Holds(condition, *reading.value) ? engine::GateState::kOpen : engine::GateState::kFalse;
  if (reading.state == engine::GateState::kOpen) {
    gates_passed.push_back({now_ms_, oldest_ms, question.gate.about});
  }
  return reading;
}

void World::Ask(const engine::GateQuestion& question,
                std::function<void(engine::GateReading)> answer) {
  engine::GateReading reading;
  if (Chance(faults.prometheus_away)) {
    reading.state = engine::GateState::kUnreachable;
  } else {
    reading = Read(question);
  }
  Plan(now_ms_ + 1, [answer, reading] { answer(reading); });
}

void World::Ask(const engine::QueryQuestion& question,
                std::function<void(engine::QueryReading)> answer) {
  engine::QueryReading reading;
  if (Chance(faults.prometheus_away)) {
    reading.holds = Fail(ErrorKind::kUnreachable, "Prometheus does not answer");
  } else {
    const Condition condition = ParseCondition(question.expr);
    reading.holds = Holds(condition, Value(condition.host, condition.name));
  }
  Plan(now_ms_ + 1, [answer, reading] { answer(reading); });
}

}  // namespace mailhub::sim
