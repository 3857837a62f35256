// A look before any action: the values of now, without marks, and what waiting would not mend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/condition/evidence.h"
#include "actuator/condition/parts.h"

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class LookOnly : public ::testing::Test {
 protected:
  void SetUp() override {
    question_.gate.expr =
        "mailhub_process_running{instance=\"server\",process=\"d\"} + "
        "on (instance) rate(mailhub_host_cpu_seconds_total{instance=\"server\"}[4s]) >= 1";
    question_.gate.about = {"server"};
    question_.gate.window = Milliseconds(5'000);
    question_.look_only = true;
    question_.waited = Milliseconds(1'000'000'000);
    for (const char* part : {"alive", "probes", "series0", "series1"}) Put(part, 1);
    Put("first", 2);
    Put("counts", 5);
    Put("left", 0.5);
    Put("collectors", 1, {"collector", "host"});
    Put("collectors", 1, {"collector", "processes"});
  }
  void Put(const std::string& part, double value,
           const std::pair<std::string, std::string>& further = {"job", "mailhub"}) {
    instant_.samples.push_back({{{kPart, part}, {"instance", "server"}, further}, value});
  }
  void Remove(const std::string& part, const std::string& collector = "") {
    std::erase_if(instant_.samples, [&](const Sample& sample) {
      const auto named = sample.labels.find("collector");
      return sample.labels.at(kPart) == part &&
             (collector.empty() || (named != sample.labels.end() && named->second == collector));
    });
  }
  GateReading Look() {
    const auto expression = ReadGateExpression(question_.gate.expr);
    EXPECT_TRUE(expression) << (expression ? "" : expression.error().message);
    evidence_ = NeededEvidence(question_, *expression);
    for (auto& [host, needed] : evidence_.hosts) needed.scrape_interval = interval_;
    SpanEvidence(question_.gate, &evidence_);
    query_ = EvidenceQuery(question_, *expression, evidence_, {}, true);
    return Judge(question_, *expression, evidence_, {}, instant_);
  }

  engine::GateQuestion question_;
  Instant instant_;
  Evidence evidence_;
  std::string query_;
  Milliseconds interval_{1'000};
};

TEST_F(LookOnly, NeedsNoMarkAndGivesTheValueOfNow) {
  const GateReading closed = Look();
  EXPECT_EQ(closed.state, GateState::kFalse) << closed.why;
  EXPECT_EQ(closed.value, 0.5);
  EXPECT_EQ(closed.threshold, 1);
  EXPECT_FALSE(closed.needs_change) << "the plan itself may change it";
  Put("condition", 2);
  EXPECT_EQ(Look().state, GateState::kOpen);
  EXPECT_THAT(evidence_.hosts.at("server").collectors, Contains("host"))
      << "a mark will need the host's own series";
}

TEST_F(LookOnly, CountsTheSeriesOfEachSelector) {
  Look();
  EXPECT_THAT(query_, HasSubstr("\"series0\""));
  EXPECT_THAT(query_, HasSubstr("\"series1\""));
  Remove("series1");
  const GateReading without = Look();
  EXPECT_EQ(without.state, GateState::kStale);
  EXPECT_TRUE(without.needs_change);
  EXPECT_THAT(without.why, HasSubstr("mailhub_host_cpu_seconds_total{instance=\"server\"} gives no "
                                     "series now"));
  question_.look_only = false;
  question_.marks["server"] = {"b", 1};
  Look();
  EXPECT_THAT(query_, Not(HasSubstr("\"series0\""))) << "a gate asks for what it needs only";
}

TEST_F(LookOnly, TellsWhatNeedsAChangeFromWhatMayPass) {
  interval_ = Milliseconds(0);
  EXPECT_TRUE(Look().needs_change) << "the host is not scraped";
  EXPECT_THAT(Look().why, HasSubstr("does not scrape server"));
  interval_ = Milliseconds(3'000);
  EXPECT_TRUE(Look().needs_change) << "the range is too short";
  EXPECT_THAT(Look().why, HasSubstr("two scrapes that a rate needs"));
  interval_ = Milliseconds(1'000);
  Remove("alive");
  const GateReading absent = Look();
  EXPECT_EQ(absent.state, GateState::kStale);
  EXPECT_FALSE(absent.needs_change) << "the next scrape may be good";
}

TEST_F(LookOnly, NamesACollectorThatSaysNothing) {
  Remove("collectors", "processes");
  const GateReading silent = Look();
  EXPECT_TRUE(silent.needs_change);
  EXPECT_THAT(silent.why, HasSubstr("collector processes says nothing about server"));
}

}  // namespace
}  // namespace mailhub::condition
