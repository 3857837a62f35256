// From events to notices: which, with which id, and also from the middle of a run.
#include "actuator/notify/follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actuator/notify/testing_notify.h"

namespace mailhub::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kBegin;
using testing::kRun;
using testing::WholeRun;

// A journal with these events.
Follower::RunEvents Journal(const std::vector<engine::Event>& events) {
  return [&events](const std::string& run, const std::function<bool(const engine::Event&)>& each) {
    for (const engine::Event& event : events) {
      if (event.run == run && !each(event)) break;
    }
    return Status();
  };
}

std::vector<std::string> IdsAfter(const std::vector<engine::Event>& events, uint64_t seq) {
  Follower follower(Journal(events));
  std::vector<std::string> ids;
  for (const engine::Event& event : events) {
    if (event.seq <= seq) continue;
    const auto notice = follower.Take(event);
    EXPECT_TRUE(notice) << notice.error().message;
    if (notice && *notice) {
      EXPECT_EQ((*notice)->seq, event.seq);
      ids.push_back((*notice)->id);
    }
  }
  return ids;
}

TEST(Follower, TellsHoldsQuestionsAndEndsFromAnyEventOn) {
  const auto events = WholeRun();
  const std::string run = kRun;
  for (uint64_t seq = 0; seq <= events.size(); ++seq) {
    std::vector<std::string> expected;
    if (seq < 4) expected.push_back(run + "-held-1");
    if (seq < 7) expected.push_back(run + "-waiting-2-1");
    if (seq < 11) expected.push_back(run + "-finished");
    EXPECT_EQ(IdsAfter(events, seq), expected) << "after event " << seq;
  }
}

TEST(Follower, ADroppedRunIsNotToldAndAFailedOneIs) {
  auto events = WholeRun();
  events.back().body = engine::RunFinished{
      .result = engine::RunResult::kFailed, .detail = "aborted", .worked = std::nullopt};
  EXPECT_THAT(IdsAfter(events, 7), ElementsAre(std::string(kRun) + "-failed"));
  events.resize(1);
  events.push_back(testing::Events(2, {engine::RunDropped{.why = "no longer true"}}).front());
  EXPECT_TRUE(IdsAfter(events, 0).empty());
}

TEST(Follower, AHoldHasItsPlaceReasonAndCommandsInPrintableText) {
  const auto events = WholeRun();
  Follower follower(Journal(events));
  const auto notice = follower.Take(events[3]);
  ASSERT_TRUE(notice && *notice);
  const Notice& held = **notice;
  EXPECT_EQ(held.runbook, "mailhub-rebuild");
  EXPECT_EQ(held.target, "mailhub2");
  EXPECT_EQ(held.by, "anna");
  EXPECT_EQ(held.at, kBegin + Seconds(4));
  EXPECT_EQ(held.hold, 1);
  EXPECT_EQ(held.reason, "step_failed");
  EXPECT_EQ(held.detail, "exit 1: no & \\x1b[2m`x`");
  EXPECT_EQ(held.commands,
            "mailhubctl run show 3f2a91c0aa55\n"
            "mailhubctl run retry 3f2a91c0aa55 --hold 1\n"
            "mailhubctl run resume 3f2a91c0aa55 --hold 1\n"
            "mailhubctl run resolve 3f2a91c0aa55 --hold 1 --reason WHY\n"
            "mailhubctl run skip 3f2a91c0aa55 --hold 1 --reason WHY\n"
            "mailhubctl run cancel 3f2a91c0aa55");
}

TEST(Follower, ALongDetailIsCut) {
  auto events = WholeRun();
  std::get<engine::RunHeld>(events[3].body).detail = std::string(100'000, 'x');
  Follower follower(Journal(events));
  const auto notice = follower.Take(events[3]);
  ASSERT_TRUE(notice && *notice);
  EXPECT_EQ((*notice)->detail, std::string(500, 'x') + "...");
}

TEST(Follower, AQuestionThatIsAskedAgainIsToldAgain) {
  using namespace engine;  // NOLINT
  auto events = WholeRun();
  events.resize(7);
  for (const Event& event :
       testing::Events(8, {StepStarted{.path = "2", .attempt = 2, .directory_id = ""}})) {
    events.push_back(event);
  }
  const std::string run = kRun;
  EXPECT_THAT(IdsAfter(events, 4), ElementsAre(run + "-waiting-2-1", run + "-waiting-2-2"));
  Follower follower(Journal(events));
  const auto notice = follower.Take(events[7]);
  ASSERT_TRUE(notice && *notice);
  EXPECT_THAT((*notice)->commands, HasSubstr("run confirm 3f2a91c0aa55 --step 2 --attempt 2"));
}

TEST(Follower, ALateRunIsDescribedFromTheJournal) {
  auto events = WholeRun();
  events.pop_back();
  Follower follower(Journal(events));
  const auto late = follower.Late(kRun, kBegin);
  ASSERT_TRUE(late && *late);
  EXPECT_EQ((*late)->id, std::string(kRun) + "-late");
  EXPECT_EQ((*late)->runbook, "mailhub-rebuild");
  const auto unknown = follower.Late("nobody", kBegin);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kNotFound);
}

// The view that shows it late may be a second old. Neither what was read so far counts.
TEST(Follower, ARunThatHasEndedIsNotLate) {
  const auto events = WholeRun();
  Follower follower(Journal(events));
  for (const size_t read : {size_t{0}, size_t{4}, events.size()}) {
    for (size_t i = 0; i < read; ++i) ASSERT_TRUE(follower.Take(events[i]));
    const auto late = follower.Late(kRun, kBegin);
    ASSERT_TRUE(late) << late.error().message;
    EXPECT_FALSE(*late) << "after " << read << " events";
    follower.Forget();
  }
}

TEST(Follower, AfterAnErrorTheSameEventCanBeGivenAgain) {
  const auto events = WholeRun();
  bool broken = true;
  const auto journal = Journal(events);
  Follower follower([&](const std::string& run, const auto& each) {
    if (broken) return Status(Fail(ErrorKind::kOverloaded, "busy"));
    return journal(run, each);
  });
  EXPECT_FALSE(follower.Take(events[3]));
  broken = false;
  const auto notice = follower.Take(events[3]);
  ASSERT_TRUE(notice && *notice);
  EXPECT_EQ((*notice)->hold, 1);
}

TEST(Notice, StandingOnesHaveTheIdsOfTheirEvents) {
  const auto events = WholeRun();
  engine::Run run;
  run.id = kRun;
  for (size_t i = 0; i < 4; ++i) run.Apply(events[i]);
  engine::View view;
  view.unfinished = {ViewOf(run)};
  view.unfinished[0].overdue = true;
  const auto held = StandingNotices(view);
  ASSERT_EQ(held.size(), 2U);
  EXPECT_EQ(held[0].id, std::string(kRun) + "-held-1");
  EXPECT_EQ(held[0].at, kBegin + Seconds(4));
  EXPECT_EQ(held[1].id, std::string(kRun) + "-late");
  for (size_t i = 4; i < 7; ++i) run.Apply(events[i]);
  view.unfinished = {ViewOf(run)};
  view.unfinished[0].current = 1;
  const auto waiting = StandingNotices(view);
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_EQ(waiting[0].id, std::string(kRun) + "-waiting-2-1");
}

}  // namespace
}  // namespace mailhub::notify
