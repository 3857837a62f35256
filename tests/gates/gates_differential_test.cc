// Compares gates with a slow, simple evaluator on made-up histories: scrapes that are dropped,
// late, shared or failed, restarts of Prometheus, reboots, uptimes that go back, other jobs and
// replicas, on closed (2.x) and left-open (3.x) ranges. MAILHUB_GATE_SEEDS: how many;
// MAILHUB_GATE_SEED: repeats one.
#include <gtest/gtest.h>

#include <cstdlib>

#include "actuator/condition/gate_evaluator.h"
#include "tests/gates/history.h"
#include "tests/gates/obvious.h"

namespace mailhub::gates {
namespace {

using engine::GateState;

struct Count {
  int64_t opened = 0;
  int64_t asked = 0;
  int64_t remarked = 0;
};

int64_t Number(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

// One gate on one history, asked repeatedly as the engine does.
class Case {
 public:
  explicit Case(uint64_t seed) : random_(seed), left_open_(seed % 2 == 1), prometheus_(left_open_) {
    constexpr std::array<int64_t, 4> kIntervals = {1'000, 5'000, 15'000, 60'000};
    gate_.interval_ms = kIntervals[Between(0, 3)];
    gate_.window_ms =
        gate_.interval_ms * Between(2, 6) + (Between(0, 1) == 0 ? 0 : Between(0, 900));
    int64_t hold = Between(0, 1) == 0 ? 0 : gate_.interval_ms * Between(1, 12);
    for (int64_t i = Between(1, 2); i > 0; --i) {
      gate_.hosts.insert(gate_.hosts.begin(), std::string(1, static_cast<char>('a' + i - 1)));
    }
    const bool newest_alone = Between(0, 2) == 0;
    if (newest_alone) gate_.window_ms = hold = 0;
    question_.gate.window = Milliseconds(gate_.window_ms);
    question_.gate.hold_for = Milliseconds(hold);
    question_.gate.about = gate_.hosts;
    Write(Between(0, newest_alone ? 1 : 2));
    SetUp(seed);
  }

  void Run(Count* count) {
    std::map<std::string, int64_t> mark_at;
    const int64_t began = history_->MarkAt();
    const auto mark = [&](int64_t at) {
      for (const std::string& host : gate_.hosts) {
        mark_at[host] = at;
        question_.marks[host] = {"boot-" + std::to_string(history_->BootAt(host, at)),
                                 history_->UptimeAt(host, at)};
      }
    };
    mark(began);
    for (int64_t now = began + Between(0, gate_.interval_ms); now < history_->EndAt();
         now += Between(gate_.interval_ms / 4, 2 * gate_.interval_ms)) {
      prometheus_.SetNow(now);
      question_.waited = Milliseconds(now - began);
      const auto reading = condition::AskGate(&prometheus_, question_, *expression_, evidence_,
                                              {"probes", {{"replica", "r1"}}}, false);
      ++count->asked;
      ASSERT_TRUE(reading);
      if (reading->state == GateState::kRebooted) {
        ++count->remarked;
        mark(now);
      }
      last_why_ = reading->why;
      if (reading->state != GateState::kOpen) continue;
      ++count->opened;
      const std::string why = WhyShut(gate_, *history_, mark_at, now, left_open_);
      EXPECT_EQ(why, "") << "but it opened, " << now - began << " ms after the gate began";
      return;
    }
    ADD_FAILURE() << "it never opened, " << history_->EndAt() - history_->CalmAt()
                  << " ms after the last trouble: " << last_why_;
  }

  std::string Text() const {
    return question_.gate.expr + " every " + std::to_string(gate_.interval_ms) + " ms, window " +
           std::to_string(gate_.window_ms) + " ms, for " + std::to_string(gate_.hold_ms) + " ms, " +
           (left_open_ ? "3.x" : "2.x");
  }

 private:
  int64_t Between(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }

  void Write(int64_t form) {
    const std::string each = std::to_string(gate_.hosts.size());
    std::string& expr = question_.gate.expr;
    if (form == 0) {
      expr = "mailhub_process_running == 1";
    } else if (form == 1) {
      expr = "sum(mailhub_process_running) == " + each;
    } else {
      expr =
          "min_over_time(mailhub_process_running[" + std::to_string(gate_.window_ms) + "ms]) >= 1";
    }
    gate_.all_of_window = form == 2;
    if (form != 1) question_.gate.expect = static_cast<int>(gate_.hosts.size());
  }

  void SetUp(uint64_t seed) {
    const auto expression = condition::ReadGateExpression(question_.gate.expr);
    ASSERT_TRUE(expression) << expression.error().message;
    expression_ = *expression;
    for (const std::string& host : gate_.hosts) question_.marks[host];
    evidence_ = condition::NeededEvidence(question_, *expression_);
    for (auto& [host, needed] : evidence_.hosts) {
      needed.scrape_interval = Milliseconds(gate_.interval_ms);
    }
    condition::Evidence spans = evidence_;
    condition::SpanEvidence(question_.gate, &spans);
    gate_.step_ms = spans.step.count();
    gate_.hold_ms = spans.step.count() * spans.steps;
    history_.emplace(seed, static_cast<int>(gate_.hosts.size()), gate_.interval_ms,
                     spans.reach.count());
    history_->Store(&prometheus_);
  }

  std::mt19937_64 random_;
  const bool left_open_;
  MemoryPrometheus prometheus_;
  ObviousGate gate_;
  engine::GateQuestion question_;
  std::optional<condition::GateExpression> expression_;
  condition::Evidence evidence_;
  std::optional<History> history_;
  std::string last_why_;
};

TEST(Gates, OpenNeverWhereTheObviousEvaluatorSaysShutAndAlwaysWhenEvidenceStaysGood) {
  const int64_t one = Number("MAILHUB_GATE_SEED", 0);
  const int64_t seeds = Number("MAILHUB_GATE_SEEDS", 300);
  Count count;
  for (int64_t seed = one > 0 ? one : 1; seed <= (one > 0 ? one : seeds); ++seed) {
    Case gate(static_cast<uint64_t>(seed));
    SCOPED_TRACE("MAILHUB_GATE_SEED=" + std::to_string(seed) + " " + gate.Text());
    gate.Run(&count);
    if (HasFailure()) break;
  }
  std::printf("%lld opened, %lld asked, %lld new marks\n", static_cast<long long>(count.opened),
              static_cast<long long>(count.asked), static_cast<long long>(count.remarked));
}

}  // namespace
}  // namespace mailhub::gates
