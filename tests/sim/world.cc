// See world.h: time, the network, and a Prometheus that computes its samples on request.
#include "tests/sim/world.h"

#include <algorithm>

namespace mailhub::sim {

using engine::GateState;
using engine::RemoteReply;

namespace {

constexpr int64_t kSampleEveryMs = 1000;
constexpr int64_t kNetworkMs = 5;
constexpr int64_t kPatienceMs = 10'000;  // until the adapter stops waiting for an answer
constexpr int64_t kRunWaitMs = 1000;     // a runner answers "running" after that
constexpr int64_t kLatestSampleMs = 8000;

// A pseudo-random number, always the same for the same sample.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

double ToShare(uint64_t random) {
  return static_cast<double>(random >> 11) * 0x1.0p-53;
}

}  // namespace

World::World(uint64_t seed, const Faults& faults_in, Mutation mutation, bool made_up,
             Observer observer)
    : faults(faults_in),
      seed_(seed),
      made_up_(made_up),
      mutation_(mutation),
      observer_(std::move(observer)),
      random_(seed) {
  for (const char* name : {"x500", "mailhub1", "mailhub2", "mailhub3", "cvshost", "ex2k10-365a",
                           "box1", "box2", "box3"}) {
    numbers_.emplace(name, numbers_.size());
    hosts_.emplace(name, Host(this, name));
  }
  machines.on_service = [this](const std::string& host, const std::string& name, bool up) {
    Observe(ServiceChanged{host, name, up, acting_key});
  };
}

// --- time and chance

bool World::Chance(double probability) {
  return probability > 0 && ToShare(random_()) < probability;
}

int64_t World::Between(int64_t least, int64_t greatest) {
  return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(greatest - least + 1));
}

void World::Plan(int64_t at_ms, std::function<void()> what) {
  planned_.push({std::max(at_ms, now_ms_), ++planned_count_, std::move(what)});
}

int64_t World::NextPlannedMs() const {
  return planned_.empty() ? INT64_MAX : planned_.top().at_ms;
}

void World::AdvanceTo(int64_t at_ms) {
  while (!planned_.empty() && planned_.top().at_ms <= at_ms) {
    // Moved out before it runs, because it may plan more.
    const auto what = std::move(const_cast<Planned&>(planned_.top()).what);
    now_ms_ = planned_.top().at_ms;
    planned_.pop();
    what();
  }
  now_ms_ = std::max(now_ms_, at_ms);
}

void World::Observe(decltype(Observation::what) what) {
  observer_({now_ms_, std::move(what)});
}

void World::CalmDown() {
  faults = Faults();
  calm_ms_ = now_ms_;
  for (auto& [name, host] : hosts_) {
    if (host.wrong_key_until_ms > now_ms_) Observe(KeyChanged{name, false});
    host.wrong_key_until_ms = host.unreachable_until_ms = 0;
  }
}

std::string World::AnyHost() {
  static const std::vector<std::string> kShipped = {"x500", "x500", "mailhub1", "mailhub2"};
  static const std::vector<std::string> kMadeUp = {"box1", "box2", "box3"};
  const std::vector<std::string>& names = made_up_ ? kMadeUp : kShipped;
  return names[random_() % names.size()];
}

void World::StayAway() {
  if (!Chance(faults.stay_away)) return;
  const std::string name = AnyHost();
  Host& host = hosts_.at(name);
  host.unreachable_until_ms = now_ms_ + Between(60'000, 3'600'000);
  host.gone = Chance(faults.gone_for_ever);
  Observe(Happened{name + " stays away" + (host.gone ? " for ever" : "")});
}

bool World::AnyGone() const {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [](const auto& entry) { return entry.second.gone; });
}

// --- the network

void World::AnswerIn(int64_t ms, const Answer& answer, RemoteReply reply) {
  if (!answer) return;
  PlanIn(ms, [answer, reply = std::move(reply)] { answer(reply); });
}

void World::Send(const engine::RemoteRequest& request, const Sender& by, const Answer& answer) {
  Host& host = hosts_.at(request.host);
  if (host.Pestered(now_ms_)) Observe(HostPestered{request.host});
  const auto fail = [&](ErrorKind kind, const char* why, int64_t after_ms) {
    RemoteReply reply;
    reply.receipt = Fail(kind, why);
    AnswerIn(after_ms, answer, std::move(reply));
  };
  if (Chance(faults.change_key)) {
    host.wrong_key_until_ms = now_ms_ + Between(10'000, 300'000);
    Observe(KeyChanged{request.host, true});
    Plan(host.wrong_key_until_ms, [this, name = request.host] {
      if (hosts_.at(name).wrong_key_until_ms == now_ms_) Observe(KeyChanged{name, false});
    });
  }
  if (Chance(faults.refuse)) {
    host.unreachable_until_ms =
        std::max(host.unreachable_until_ms, now_ms_) + (Chance(0.1) ? Between(1000, 120'000) : 1);
  }
  if (now_ms_ < host.wrong_key_until_ms) {
    fail(ErrorKind::kRefused, "the host's key is not the known one", kNetworkMs);
  } else if (host.gone || now_ms_ < host.unreachable_until_ms || host.IsDown(now_ms_)) {
    fail(ErrorKind::kUnreachable, "connection refused", kNetworkMs);
  } else if (Chance(faults.hang)) {
    fail(ErrorKind::kOutcomeUnknown, "no answer in time", kPatienceMs);
  } else if (Chance(faults.delay)) {
    // Sometimes later than any dead man waits.
    PlanIn(Between(20, Chance(0.1) ? 2'700'000 : 180'000),
           [this, request, by] { Deliver(request, by, nullptr); });
    fail(ErrorKind::kOutcomeUnknown, "no answer in time", kPatienceMs);
  } else if (Chance(faults.slow_reply)) {
    PlanIn(Between(20, kPatienceMs - 1000),
           [this, request, by, answer] { Deliver(request, by, answer); });
  } else if (Chance(faults.lose_reply)) {
    PlanIn(kNetworkMs, [this, request, by] { Deliver(request, by, nullptr); });
    fail(ErrorKind::kOutcomeUnknown, "connection lost after sending", 2 * kNetworkMs);
  } else {
    PlanIn(kNetworkMs, [this, request, by, answer] { Deliver(request, by, answer); });
  }
}

void World::Deliver(const engine::RemoteRequest& request, const Sender& by, const Answer& answer) {
  Host& host = hosts_.at(request.host);
  if (Chance(faults.uptime_back)) host.SetUptimeBack();
  if (Chance(faults.reboot)) host.GoDown(Chance(faults.wipe_receipts));
  RemoteReply lost;
  lost.receipt = Fail(ErrorKind::kOutcomeUnknown, "the connection broke");
  if (host.IsDown(now_ms_)) {
    AnswerIn(kNetworkMs, answer, lost);
    return;
  }
  RemoteReply reply = host.CarryOut(request, by);
  const auto ends_at_ms = host.EndsAt(request.key);
  if (request.verb != engine::RemoteVerb::kRun || !reply.receipt || !ends_at_ms) {
    AnswerIn(kNetworkMs, answer, std::move(reply));
    return;
  }
  // The runner waits a little for the end, and reports the state then.
  Plan(std::min(*ends_at_ms, now_ms_ + kRunWaitMs),
       [this, &host, key = request.key, boot_id = host.boot().id, lost, answer] {
         AnswerIn(kNetworkMs, answer, host.boot().id == boot_id ? host.ReplyFor(key) : lost);
       });
}

// --- Prometheus

bool World::Visible(size_t host, int64_t sample) const {
  const int64_t at_ms = sample * kSampleEveryMs;
  if (at_ms >= calm_ms_) return at_ms <= now_ms_;
  const uint64_t random = Mix(seed_ ^ Mix(static_cast<uint64_t>(sample) * 16 + host));
  const double share = ToShare(random);
  if (share < faults.drop_sample) return false;
  const bool late = share < faults.drop_sample + faults.delay_sample;
  return at_ms + (late ? static_cast<int64_t>(random % kLatestSampleMs) : 0) <= now_ms_;
}

World::Evidence World::Gather(const std::string& name, int64_t reach_ms,
                              const engine::Mark* mark) const {
  const Host& host = hosts_.at(name);
  const size_t number = numbers_.at(name);
  Evidence evidence;
  const bool newest_alone = reach_ms == 0;
  const int64_t oldest_ms = now_ms_ - (newest_alone ? 2 * kSampleEveryMs : reach_ms);
  for (int64_t sample = now_ms_ / kSampleEveryMs; sample * kSampleEveryMs > oldest_ms; --sample) {
    if (newest_alone && (evidence.count > 0 || evidence.probe_failed)) break;
    if (!Visible(number, sample)) continue;
    const int64_t at_ms = sample * kSampleEveryMs;
    const auto boot = std::find_if(host.boots().rbegin(), host.boots().rend(),
                                   [&](const Boot& one) { return one.down_ms <= at_ms; });
    if (at_ms < boot->up_ms) {
      evidence.probe_failed = true;
      continue;
    }
    if (evidence.count++ == 0) evidence.latest_ms = at_ms;
    evidence.oldest_ms = at_ms;
    if (mark == nullptr) continue;
    const bool other = boot->id != mark->boot_id;
    evidence.rebooted = evidence.rebooted || (other && evidence.count == 1);
    // A sample from before the uptime went back has a higher one than the mark, and proves nothing.
    const bool went_back = at_ms < boot->counts_since_ms;
    evidence.old = evidence.old || other || went_back || boot->UptimeS(at_ms) <= mark->uptime_s;
  }
  return evidence;
}

engine::GateReading World::Read(const engine::GateQuestion& question, bool in_office) {
  engine::GateReading reading;
  const auto stale = [&](const char* why) {
    reading.why = why;
    return reading;
  };
  const engine::Gate& gate = question.gate;
  const Condition& condition = ParseCondition(gate.expr);
  const int64_t reach_ms = gate.window.count() + gate.hold_for.count();
  const bool gullible = Is(Mutation::kGateBelievesOldSamples);
  std::vector<std::string> hosts = gate.about;
  hosts.push_back(condition.left[0].host);
  int64_t oldest_ms = now_ms_;
  int64_t latest_ms = 0;
  for (const std::string& host : hosts) {
    const auto mark = question.marks.find(host);
    const bool marked = mark != question.marks.end();
    const Evidence evidence = Gather(host, reach_ms, marked ? &mark->second : nullptr);
    if (evidence.probe_failed && reach_ms == 0) return stale("the newest probe failed");
    if (evidence.count == 0) return stale("there is no sample");
    if (evidence.rebooted) {
      reading.state = GateState::kRebooted;
      return reading;
    }
    if (evidence.probe_failed) return stale("a probe failed");
    if (evidence.old && !gullible) return stale("evidence from before the action");
    const int64_t least_ms = reach_ms == 0 ? 2 * kSampleEveryMs : reach_ms;
    if (!marked && question.waited.count() < least_ms) return stale("no mark, and not long enough");
    if (evidence.count * kSampleEveryMs * 10 < reach_ms * 8) return stale("too few samples");
    oldest_ms = std::min(oldest_ms, evidence.oldest_ms);
    latest_ms = evidence.latest_ms;
  }
  reading.comparison = condition.comparison;
  bool holds = true;
  for (int64_t back_ms = 0; back_ms <= gate.hold_for.count() && holds; back_ms += kSampleEveryMs) {
    holds = machines.Holding(condition, latest_ms - back_ms) == gate.expect;
  }
  reading.state = holds ? GateState::kOpen : GateState::kFalse;
  if (holds && in_office) Observe(GatePassed{gate.expr, gate.about, oldest_ms});
  return reading;
}

bool World::ByHand(const std::string& host, const std::string& command) {
  if (hosts_.at(host).IsDown(now_ms_)) return false;
  Observe(Happened{"by hand on " + host + ": " + command});
  machines.Effect(host, command, now_ms_,
                  [this](int64_t ms, auto what) { PlanIn(ms, std::move(what)); });
  return true;
}

bool World::Holds(const engine::Gate& gate) const {
  return machines.Holding(ParseCondition(gate.expr), now_ms_) == gate.expect;
}

void World::Ask(const engine::GateQuestion& question, bool in_office,
                std::function<void(engine::GateReading)> answer) {
  engine::GateReading reading;
  if (Chance(faults.prometheus_away)) {
    reading.state = GateState::kUnreachable;
  } else {
    reading = Read(question, in_office);
  }
  PlanIn(1, [answer = std::move(answer), reading] { answer(reading); });
}

void World::Ask(const engine::QueryQuestion& question,
                std::function<void(engine::QueryReading)> answer) {
  engine::QueryReading reading;
  if (Chance(faults.prometheus_away)) {
    reading.holds = Fail(ErrorKind::kUnreachable, "Prometheus does not answer");
  } else {
    reading.holds = machines.Holding(ParseCondition(question.expr), now_ms_) > 0;
  }
  PlanIn(1, [answer = std::move(answer), reading] { answer(reading); });
}

}  // namespace mailhub::sim
