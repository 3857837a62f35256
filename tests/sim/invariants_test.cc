// The checker itself must complain: a clean, finished run is doctored in one place each time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/simulation.h"

namespace mailhub::sim {
namespace {

using testing::HasSubstr;

class Invariants : public testing::Test {
 protected:
  Invariants() : simulation_({}) {
    EXPECT_FALSE(simulation_.RunAll());
    journal_ = simulation_.journal();
    deeds_ = simulation_.world().deeds;
    gates_ = simulation_.world().gates_passed;
    EXPECT_EQ(Complaint(), "");
  }
  std::string Complaint() const {
    return CheckInvariants(journal_, deeds_, gates_, acknowledged_).value_or("");
  }
  template <typename Predicate>
  void Remove(Predicate predicate) {
    std::erase_if(journal_, predicate);
    NumberAnew();
  }
  template <typename Body>
  void RemoveAll() {
    Remove([](const engine::Event& event) { return std::holds_alternative<Body>(event.body); });
  }
  void NumberAnew() {
    for (size_t i = 0; i < journal_.size(); ++i) journal_[i].seq = i + 1;
  }

  Simulation simulation_;
  std::vector<engine::Event> journal_;
  std::vector<Deed> deeds_;
  std::vector<GatePassed> gates_;
  std::set<std::string> acknowledged_;
};

TEST_F(Invariants, NoticeADeedDoneTwice) {
  deeds_.push_back(deeds_[0]);
  EXPECT_THAT(Complaint(), HasSubstr("twice under one key"));
}

TEST_F(Invariants, NoticeASecondAttemptWithoutAReason) {
  Deed again = deeds_[0];
  again.key.back() = '2';
  deeds_.push_back(again);
  for (engine::Event& event : journal_) {
    if (auto* started = std::get_if<engine::StepStarted>(&event.body)) started->attempt = 2;
  }
  EXPECT_THAT(Complaint(), HasSubstr("again without a reason"));
}

TEST_F(Invariants, NoticeADeedBeforeItsIntent) {
  RemoveAll<engine::StepStarted>();
  EXPECT_THAT(Complaint(), HasSubstr("before its intent"));
}

TEST_F(Invariants, NoticeAGateThatBelievedOldEvidence) {
  gates_[0].oldest_evidence_ms = deeds_[0].at_ms - 1;
  EXPECT_THAT(Complaint(), HasSubstr("evidence from before"));
}

TEST_F(Invariants, NoticeALockHeldTwice) {
  const auto started = std::find_if(journal_.begin(), journal_.end(), [](const auto& event) {
    return std::holds_alternative<engine::RunStarted>(event.body);
  });
  const engine::Event second = *started;
  journal_.insert(started + 1, second);
  NumberAnew();
  EXPECT_THAT(Complaint(), HasSubstr("held twice"));
}

TEST_F(Invariants, NoticeADeadManLeftArmed) {
  RemoveAll<engine::DeadManDisarmed>();
  EXPECT_THAT(Complaint(), HasSubstr("still armed"));
}

TEST_F(Invariants, NoticeAStopWithoutADeadMan) {
  RemoveAll<engine::DeadManArmed>();
  EXPECT_THAT(Complaint(), HasSubstr("without its dead man"));
}

TEST_F(Invariants, NoticeADebtUnpaid) {
  Remove([](const engine::Event& event) {
    const auto* done = std::get_if<engine::StepDone>(&event.body);
    return done != nullptr && done->path == "4.hub1.1";
  });
  EXPECT_THAT(Complaint(), HasSubstr("owes always.1"));
}

TEST_F(Invariants, NoticeANotificationLost) {
  acknowledged_.insert("never decided");
  EXPECT_THAT(Complaint(), HasSubstr("was decided 0 times"));
}

}  // namespace
}  // namespace mailhub::sim
