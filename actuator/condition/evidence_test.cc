// Each rule of fresh evidence alone: what one instant's samples prove, and what they do not.
#include "actuator/condition/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace mailhub::condition {
namespace {

using engine::GateReading;
using engine::GateState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A gate about `server` with everything in order; each test breaks one thing.
class FreshEvidence : public ::testing::Test {
 protected:
  void SetUp() override {
    question_.gate.expr = "mailhub_process_running{instance=\"server\",process=\"d\"} >= 1";
    question_.gate.about = {"server"};
    question_.gate.window = Milliseconds(5'000);
    question_.marks["server"] = {"boot-1", 100.0};
    Put("condition", "server", 2);
    Put("left", "server", 2);
    Put("alive", "server", 1);
    Put("probes", "server", 1);
    Put("counts", "server", 5);
    Put("first", "server", 2);
    Put("boot", "server", 1, {"boot_id", "boot-1"});
    Put("boots", "server", 5, {"boot_id", "boot-1"});
    Put("now", "server", 104.5);
    Put("uptime", "server", 100.5);
    Put("uptimes", "server", 5);
    Put("back", "server", 0);
    Put("collectors", "server", 1, {"collector", "host"});
    Put("collectors", "server", 1, {"collector", "processes"});
  }

  void Put(const std::string& part, const std::string& host, double value,
           const std::pair<std::string, std::string>& further = {"job", "mailhub"}) {
    instant_.samples.push_back({{{"mailhub_gate_part", part}, {"instance", host}, further}, value});
  }
  void Remove(const std::string& part) {
    std::erase_if(instant_.samples, [&](const Sample& sample) {
      return sample.labels.at("mailhub_gate_part") == part;
    });
  }
  void Replace(const std::string& part, double value,
               const std::pair<std::string, std::string>& further = {"job", "mailhub"}) {
    Remove(part);
    Put(part, "server", value, further);
  }

  GateReading Judged() {
    const auto expression = ReadGateExpression(question_.gate.expr);
    EXPECT_TRUE(expression);
    Evidence evidence = NeededEvidence(question_, *expression);
    for (auto& [host, needed] : evidence.hosts) needed.scrape_interval = interval_;
    SpanEvidence(question_.gate, &evidence);
    return Judge(question_, *expression, evidence, series_, instant_);
  }
  void ExpectStale(const std::string& why) {
    const GateReading reading = Judged();
    EXPECT_EQ(reading.state, GateState::kStale);
    EXPECT_THAT(reading.why, HasSubstr(why));
  }

  engine::GateQuestion question_;
  Instant instant_;
  ProbeSeries series_;
  Milliseconds interval_{1'000};
};

TEST_F(FreshEvidence, OpensTheGateAndShowsBothSides) {
  const GateReading reading = Judged();
  EXPECT_EQ(reading.state, GateState::kOpen) << reading.why;
  EXPECT_EQ(reading.value, 2.0);
  EXPECT_EQ(reading.comparison, ">=");
  EXPECT_EQ(reading.threshold, 1.0);
}

TEST_F(FreshEvidence, IsNotFromBeforeTheMark) {
  Replace("uptime", 97.5);
  ExpectStale("the last 5s of server begin 2.5 s before the step was done");
  Replace("uptime", 100.0);  // a sample at the mark's own time is not after it
  ExpectStale("begin 0 s before");
}

TEST_F(FreshEvidence, IsNotOfAnotherBoot) {
  Replace("boot", 1, {"boot_id", "boot-2"});
  Replace("uptime", 1000);
  EXPECT_EQ(Judged().state, GateState::kRebooted);
  Replace("probes", 0);  // the reboot itself made probes fail: still a reboot
  EXPECT_EQ(Judged().state, GateState::kRebooted);
}

// Uptimes from before a reboot are greater than any mark from after it.
TEST_F(FreshEvidence, IsNotFromBeforeARebootThatTheMarkCameAfter) {
  Put("boots", "server", 3, {"boot_id", "boot-0"});
  ExpectStale("the last 5s of server reach back before its reboot");
}

TEST_F(FreshEvidence, NeedsANewMarkWhenTheUptimeWentBack) {
  Replace("now", 90);
  Replace("back", 1);
  EXPECT_EQ(Judged().state, GateState::kRebooted);
  EXPECT_EQ(Judged().why,
            "the uptime of server went back while its boot id stayed: a new mark is taken");
  // Seen so late that the step back is no longer in the window.
  question_.marks["server"].uptime_s = 1'000;
  Replace("back", 0);
  EXPECT_EQ(Judged().state, GateState::kRebooted);
  question_.marks["server"].uptime_s = 100;
  // The newest sample may be a little older than the mark.
  Replace("back", 1);
  Replace("now", 98);
  Replace("uptime", 98);
  ExpectStale("begin 2 s before the step was done");
  Replace("now", 104);
  Replace("uptime", 101);
  ExpectStale("the uptime of server went back within the last 5s");
}

TEST_F(FreshEvidence, NeedsANewMarkWhenTheUptimeIsFurtherThanTheGateHasWaited) {
  Replace("now", 131);
  EXPECT_EQ(Judged().state, GateState::kRebooted);
  EXPECT_THAT(Judged().why, HasSubstr("is 31 s above its mark, although the gate waits for 0s"));
  question_.waited = Milliseconds(5'000);
  EXPECT_EQ(Judged().state, GateState::kOpen);
}

TEST_F(FreshEvidence, NeedsASampleAtTheBeginning) {
  Remove("first");
  ExpectStale("the last 5s of server begin without a sample: none in their first 2s");
}

// Two exporters that probe one host for one job, or replicas without deduplication.
TEST_F(FreshEvidence, IsOfOneSeriesAHostAndSaysWhatToSet) {
  series_.job = "probes";
  Remove("alive");
  Put("alive", "server", 1, {"replica", "a"});
  Put("alive", "server", 1, {"replica", "b"});
  ExpectStale(
      "job \"probes\" has 2 series of server (replica=\"a\", replica=\"b\"): choose one with "
      "prometheus.labels in the actuator file");
}

TEST_F(FreshEvidence, IsNotSpoiltByTheSameBootIdTwice) {
  Put("boot", "server", 1, {"boot_id", "boot-1"});
  Put("boots", "server", 5, {"boot_id", "boot-1"});
  EXPECT_EQ(Judged().state, GateState::kOpen);
}

TEST_F(FreshEvidence, CannotFillARangeShorterThanTwoScrapesAndSaysWhatToWrite) {
  question_.gate.expr =
      "rate(mailhub_process_cpu_seconds_total{instance=\"server\",process=\"d\"}[1s]) < 1";
  ExpectStale(
      "server is scraped every 1s, so a range of [1s] does not hold the two scrapes that a rate "
      "needs: write [2s] or more, or scrape more often");
}

TEST_F(FreshEvidence, IsReadFromTheJobAndTheJudgedHostsOnly) {
  question_.gate.expr = "sum(mailhub_process_running{process=\"d\"}) >= 1";
  const auto expression = ReadGateExpression(question_.gate.expr);
  Evidence evidence = NeededEvidence(question_, *expression);
  evidence.hosts.at("server").scrape_interval = interval_;
  SpanEvidence(question_.gate, &evidence);
  series_ = {"probes", {{"replica", "a"}}};
  EXPECT_THAT(EvidenceQuery(question_, *expression, evidence, series_, false),
              HasSubstr("(sum((mailhub_process_running{job=\"probes\",replica=\"a\",instance=~"
                        "\"server\",process=\"d\"} and last_over_time("));
}

TEST_F(FreshEvidence, NeedsEveryProbeOfTheWindow) {
  Replace("probes", 0);
  ExpectStale("a probe of server failed within the last 5s");
  Remove("probes");
  ExpectStale("a probe of server failed");
}

TEST_F(FreshEvidence, NeedsEveryCollectorItReads) {
  Remove("collectors");
  Put("collectors", "server", 1, {"collector", "host"});
  ExpectStale("collector processes says nothing about server");
  Put("collectors", "server", 0, {"collector", "processes"});
  ExpectStale("collector processes failed on server within the last 5s");
}

TEST_F(FreshEvidence, NeedsACurrentSample) {
  Remove("alive");
  ExpectStale("there is no current sample of server");
}

TEST_F(FreshEvidence, NeedsFourFifthsOfTheExpectedSamples) {
  Replace("uptimes", 4);
  EXPECT_EQ(Judged().state, GateState::kOpen);
  Replace("uptimes", 3);
  ExpectStale("only 3 samples of server came in the last 5s, needed 4 at one every 1s");
  interval_ = Milliseconds(15'000);
  Replace("uptimes", 1);
  EXPECT_EQ(Judged().state, GateState::kOpen);
  Remove("uptimes");
  ExpectStale("only 0 samples");
}

TEST_F(FreshEvidence, NeedsAHostThatPrometheusScrapes) {
  interval_ = Milliseconds(0);
  ExpectStale(
      "Prometheus does not scrape server in job \"mailhub\": add it there, or set prometheus.job");
}

TEST_F(FreshEvidence, NeedsAMarkOfEveryHostTheGateIsAbout) {
  question_.marks.clear();
  ExpectStale("no mark of server was taken");
}

TEST_F(FreshEvidence, OfTheUptimeCountsForTheWholeOfFor) {
  question_.gate.hold_for = Milliseconds(10'000);
  ExpectStale("only 5 samples of server came in the last 15s, needed 12");
}

// A Windows host gives no mark: the window must begin after the gate.
TEST_F(FreshEvidence, OfAHostWithoutMarksIsFromAfterTheGateBegan) {
  question_.gate.expr = "mailhub_service_state{instance=\"win\",name=\"Mail\"} == 1";
  question_.gate.about = {};
  question_.marks.clear();
  instant_.samples.clear();
  Put("condition", "win", 1);
  Put("alive", "win", 1);
  Put("probes", "win", 1);
  Put("counts", "win", 5);
  Put("first", "win", 2);
  Put("collectors", "win", 1, {"collector", "services"});
  question_.waited = Milliseconds(4'999);
  ExpectStale("win gives no mark");
  question_.waited = Milliseconds(5'000);
  EXPECT_EQ(Judged().state, GateState::kOpen) << Judged().why;
  Remove("counts");
  Put("counts", "win", 3);
  ExpectStale("only 3 samples of win");
}

// A host in the expression is judged even if `about` omits it.
TEST_F(FreshEvidence, IsDemandedOfEveryHostTheExpressionNames) {
  question_.gate.about = {"hub"};
  question_.marks = {{"hub", {"boot-1", 1}}};
  const auto expression = ReadGateExpression(question_.gate.expr);
  const Evidence evidence = NeededEvidence(question_, *expression);
  EXPECT_THAT(evidence.hosts.at("server").collectors, ElementsAre("processes"));
  EXPECT_THAT(evidence.hosts.at("hub").collectors, ElementsAre("host"));
}

TEST_F(FreshEvidence, OpensForExactlyTheExpectedSeries) {
  Put("condition", "other", 1);
  GateReading reading = Judged();
  EXPECT_EQ(reading.state, GateState::kFalse);
  EXPECT_EQ(reading.why, "the expression returns 2 series, expected 1");
  question_.gate.expect = 2;
  EXPECT_EQ(Judged().state, GateState::kOpen);
  Remove("condition");
  EXPECT_EQ(Judged().state, GateState::kFalse);
}

TEST_F(FreshEvidence, NeverOpensOnNaN) {
  Replace("condition", std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(Judged().state, GateState::kFalse);
  EXPECT_EQ(Judged().why, "the expression returns NaN");
}

TEST_F(FreshEvidence, ShowsTheValueThatIsFurthestFromWhatIsWanted) {
  Put("left", "other", 0.25);
  EXPECT_EQ(Judged().value, 0.25);
  question_.gate.expr = "mailhub_process_running{instance=\"server\"} < 1";
  EXPECT_EQ(Judged().value, 2.0);
}

// A gate with neither window nor `for`: the newest scrape alone says all.
class NewestScrape : public FreshEvidence {
 protected:
  void SetUp() override {
    FreshEvidence::SetUp();
    question_.gate.window = Milliseconds(0);
    for (const char* part : {"counts", "first", "uptimes"}) Remove(part);
    Replace("uptime", 104.5);
    Put("taken", "server", 1'000);
    instant_.at_s = 1'000.5;
    question_.waited = Milliseconds(501);
  }
};

TEST_F(NewestScrape, OpensTheGateWithoutAWindow) {
  EXPECT_EQ(Judged().state, GateState::kOpen) << Judged().why;
  interval_ = Milliseconds(15'000);
  EXPECT_EQ(Judged().state, GateState::kOpen) << Judged().why;
}

TEST_F(NewestScrape, HasBegunAfterTheMark) {
  Replace("uptime", 97.5);
  ExpectStale("the newest scrape of server began 2.5 s before the step was done");
  Replace("uptime", 100);
  ExpectStale("began 0 s before");
  Remove("uptime");
  ExpectStale("the newest scrape of server has no uptime");
}

// The uptime went back a little just before the mark, so an older scrape has a greater one.
TEST_F(NewestScrape, HasBegunAfterTheGate) {
  question_.waited = Milliseconds(500);
  ExpectStale("the newest scrape of server is 0.5 s old, from before the gate began");
  Remove("taken");
  ExpectStale("the time of the newest scrape of server is unknown");
}

TEST_F(NewestScrape, IsOfTheMarksBoot) {
  Replace("boots", 1, {"boot_id", "boot-0"});
  ExpectStale("the newest scrape of server is of another boot");
  Replace("boot", 1, {"boot_id", "boot-2"});
  EXPECT_EQ(Judged().state, GateState::kRebooted);
}

TEST_F(NewestScrape, HasNoFailedProbeOrCollector) {
  Replace("probes", 0);
  ExpectStale("a probe of server failed in its newest scrape");
  Replace("probes", 1);
  Replace("collectors", 0, {"collector", "host"});
  ExpectStale("collector host failed on server in its newest scrape");
  Remove("alive");
  ExpectStale("there is no current sample of server");
}

TEST_F(NewestScrape, IsAllThatTheConditionReads) {
  const auto expression = ReadGateExpression(question_.gate.expr);
  Evidence evidence = NeededEvidence(question_, *expression);
  evidence.hosts.at("server").scrape_interval = interval_;
  SpanEvidence(question_.gate, &evidence);
  EXPECT_THAT(EvidenceQuery(question_, *expression, evidence, series_, false),
              HasSubstr("(timestamp(mailhub_process_running{job=\"mailhub\",instance=\"server\","
                        "process=\"d\"}) >= on (instance) group_left () max by (instance) "
                        "(timestamp(probe_success{"));
}

// It may share a collection that began up to an interval earlier.
TEST_F(NewestScrape, OfAHostWithoutMarksIsAnIntervalAfterTheGateBegan) {
  question_.gate.expr = "mailhub_service_state{instance=\"win\",name=\"Mail\"} == 1";
  question_.gate.about = {};
  question_.marks.clear();
  instant_.samples.clear();
  for (const char* part : {"condition", "alive", "probes"}) Put(part, "win", 1);
  Put("collectors", "win", 1, {"collector", "services"});
  Put("taken", "win", 1'000);
  question_.waited = Milliseconds(1'500);
  ExpectStale("win gives no mark; its newest scrape must be 1s or more after the gate began");
  question_.waited = Milliseconds(1'501);
  EXPECT_EQ(Judged().state, GateState::kOpen) << Judged().why;
  Remove("taken");
  ExpectStale("the time of the newest scrape of win is unknown");
}

class Lasting : public ::testing::Test {
 protected:
  void SetUp() override {
    gate_.window = Milliseconds(60'000);
    gate_.hold_for = Milliseconds(10'000);
    evidence_.hosts["server"].scrape_interval = Milliseconds(8'000);
    SpanEvidence(gate_, &evidence_);
  }
  engine::Gate gate_;
  Evidence evidence_;
};

TEST_F(Lasting, IsLookedAtTwiceAScrapeSoThatNoSampleIsStriddenOver) {
  EXPECT_EQ(evidence_.steps, 3);
  EXPECT_EQ(evidence_.step, Milliseconds(3'334));
  EXPECT_EQ(evidence_.reach, gate_.window + Milliseconds(10'002));
  gate_.hold_for = Milliseconds(365LL * 86'400'000);
  SpanEvidence(gate_, &evidence_);
  EXPECT_LE(evidence_.steps, 10'000);
}

TEST_F(Lasting, MeansTheSameSeriesAtEveryStep) {
  const auto state = [&](const std::vector<Series>& range) {
    return JudgeRange(gate_, evidence_, range).state;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(state({{{}, {1, 1, 1, 1}}}), GateState::kOpen);
  EXPECT_EQ(state({{{}, {1, 1, 1}}}), GateState::kFalse);
  EXPECT_EQ(state({{{}, {1, nan, 1, 1}}}), GateState::kFalse);
  EXPECT_EQ(state({}), GateState::kFalse);
  // Two series that alternate: always one, never the same.
  EXPECT_EQ(state({{{{"a", "1"}}, {1, 1}}, {{{"a", "2"}}, {1, 1}}}), GateState::kFalse);
  EXPECT_EQ(state({{{{"a", "1"}}, {1, 1, 1, 1}}, {{{"a", "2"}}, {1}}}), GateState::kFalse);
  EXPECT_THAT(JudgeRange(gate_, evidence_, {}).why, HasSubstr("all of the last 10s"));
}

}  // namespace
}  // namespace mailhub::condition
