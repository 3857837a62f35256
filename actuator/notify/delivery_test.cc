// What is sent, when, how often and what is given up; the test sets the time.
#include "actuator/notify/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mailhub::notify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr WallTime kBegin{Milliseconds(1'772'359'200'000)};
const Reply kTaken{Verdict::kTaken, ""};
const Reply kRefused{Verdict::kRefused, "status 400"};
const Reply kLater{Verdict::kLater, "no route"};

Notice Of(uint64_t seq, Happening event = Happening::kHeld, WallTime at = kBegin) {
  Notice notice;
  notice.event = event;
  notice.id = "n" + std::to_string(seq);
  notice.seq = seq;
  notice.at = at;
  notice.run = "r";
  notice.runbook = "b";
  notice.hold = static_cast<int>(seq);
  return notice;
}

// A delivery, and the time.
struct World {
  explicit World(Format format = Format::kPlain, std::set<Happening> events = {},
                 Progress before = {})
      : delivery({format, events.empty() ? Everything() : std::move(events),
                  Milliseconds(Seconds(43'200)), [] { return uint64_t{0}; }},
                 std::move(before)) {}

  static std::set<Happening> Everything() {
    const auto all = All<Happening>();
    return {all.begin(), all.end()};
  }
  Moment Now() const { return {kBegin + since, SteadyTime(since)}; }
  std::optional<Outgoing> Next() { return delivery.Next(Now()); }
  void Answer(const Reply& reply) { delivery.Answered(reply, Now()); }
  // Tries until nothing is to be sent now; the ids in order.
  std::vector<std::string> Drain(const Reply& reply = kTaken) {
    std::vector<std::string> ids;
    while (const auto outgoing = Next()) {
      ids.push_back(outgoing->id);
      Answer(reply);
    }
    return ids;
  }
  // The alerts of the next request: name and hold, and how long each lasts from now.
  std::vector<std::string> Alerts() {
    std::vector<std::string> texts;
    const auto outgoing = Next();
    if (!outgoing) return texts;
    for (const auto& alert : nlohmann::json::parse(outgoing->body)) {
      const std::string hold = alert["labels"].value("hold", "");
      const std::string ends = alert["endsAt"];
      texts.push_back(alert["labels"]["alertname"].get<std::string>() + hold + " " +
                      ends.substr(11, 8));
    }
    return texts;
  }

  Milliseconds since{0};
  Delivery delivery;
};

TEST(Delivery, SendsInOrderAndMovesItsCursorBehindWhatIsTaken) {
  World world;
  for (uint64_t seq : {3, 5, 9}) world.delivery.Push(Of(seq));
  world.delivery.Reached(12);
  EXPECT_EQ(world.delivery.Look().seq, 2U);
  EXPECT_EQ(world.delivery.Look().pending, 3U);
  EXPECT_EQ(world.Next()->id, "n3");
  EXPECT_EQ(world.delivery.Look().seq, 2U) << "under way";
  world.Answer(kTaken);
  EXPECT_EQ(world.delivery.Look().seq, 4U);
  EXPECT_THAT(world.Drain(), ElementsAre("n5", "n9"));
  const Progress progress = world.delivery.Look();
  EXPECT_EQ(progress.seq, 12U);
  EXPECT_EQ(progress.sent, 3U);
  EXPECT_EQ(progress.pending, 0U);
  EXPECT_EQ(progress.last_success, kBegin);
  EXPECT_FALSE(world.delivery.Due());
}

TEST(Delivery, PassesOverWhatItHadAndWhatIsNotWanted) {
  Progress before;
  before.seq = 5;
  before.late = 2;
  World world(Format::kPlain, {Happening::kFailed, Happening::kLate}, before);
  world.delivery.Push(Of(4, Happening::kFailed));
  world.delivery.Push(Of(6, Happening::kHeld));
  world.delivery.Push(Of(7, Happening::kFailed));
  world.delivery.Push(Of(7, Happening::kFailed));
  for (uint64_t number : {2, 3}) {
    Notice late = Of(0, Happening::kLate);
    late.id = "late" + std::to_string(number);
    late.late = number;
    world.delivery.Push(late);
  }
  EXPECT_EQ(world.delivery.Look().late, 2U);
  EXPECT_THAT(world.Drain(), ElementsAre("n7", "late3"));
  EXPECT_EQ(world.delivery.Look().late, 3U);
}

TEST(Delivery, WaitsLongerAfterEachFailureAndNotLongerThanFiveMinutes) {
  World world;
  world.delivery.Push(Of(1));
  std::vector<int64_t> waits_ms;
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(world.Next());
    world.Answer(kLater);
    EXPECT_FALSE(world.Next()) << "not before its time";
    const Milliseconds wait = *world.delivery.Due() - world.Now().steady;
    waits_ms.push_back(wait.count());
    world.since += wait - Milliseconds(1);
    EXPECT_FALSE(world.Next());
    world.since += Milliseconds(1);
  }
  // Half of 1 s, 2 s, 4 s ...: the shortest that chance gives.
  EXPECT_THAT(waits_ms, ElementsAre(500, 1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000,
                                    128'000, 150'000, 150'000, 150'000));
  EXPECT_EQ(world.delivery.Look().failed, 12U);
  EXPECT_EQ(world.delivery.Look().up, false);
  EXPECT_EQ(world.delivery.Look().trouble, "no route");
  EXPECT_THAT(world.Drain(), ElementsAre("n1"));
  EXPECT_EQ(world.delivery.Look().up, true);
  world.delivery.Push(Of(2));
  ASSERT_TRUE(world.Next());
  world.Answer(kLater);
  EXPECT_EQ(*world.delivery.Due() - world.Now().steady, Milliseconds(500))
      << "from the start again";
}

TEST(Delivery, RespectsWhatTheReceiverAsksForWithinBounds) {
  World world;
  world.delivery.Push(Of(1));
  ASSERT_TRUE(world.Next());
  world.Answer({Verdict::kLater, "status 429", Seconds(30)});
  EXPECT_EQ(*world.delivery.Due() - world.Now().steady, Seconds(30));
  world.since += Seconds(30);
  ASSERT_TRUE(world.Next());
  world.Answer({Verdict::kLater, "status 429", Seconds(1'000'000)});
  EXPECT_EQ(*world.delivery.Due() - world.Now().steady, kLongestRetry);
}

TEST(Delivery, ARefusedOneIsNotSentAgainButCountedAndTheNextGoesAtOnce) {
  World world;
  world.delivery.Push(Of(1));
  world.delivery.Push(Of(2));
  ASSERT_TRUE(world.Next());
  world.Answer(kRefused);
  const Progress progress = world.delivery.Look();
  EXPECT_EQ(progress.dropped.at(Drop::kRefused), 1U);
  EXPECT_EQ(progress.failed, 1U);
  EXPECT_EQ(progress.seq, 1U);
  const auto next = world.Next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->id, "n2");
  EXPECT_THAT(next->body, HasSubstr(R"("left_out":1)"));
  world.Answer(kTaken);
  world.delivery.Push(Of(3));
  EXPECT_THAT(world.Next()->body, HasSubstr(R"("left_out":0)"));
}

TEST(Delivery, ForAReceiverThatIsAwayOnlyTheNewestWait) {
  World world;
  for (uint64_t seq = 1; seq <= kMostPending + 20; ++seq) world.delivery.Push(Of(seq));
  Progress progress = world.delivery.Look();
  EXPECT_EQ(progress.pending, kMostPending);
  EXPECT_EQ(progress.dropped.at(Drop::kTooMany), 20U);
  EXPECT_EQ(progress.seq, 20U) << "what was given up needs nothing more";
  // One is under way while more come: it is not the one that is given up.
  EXPECT_EQ(world.Next()->id, "n21");
  for (uint64_t seq = 121; seq <= 123; ++seq) world.delivery.Push(Of(seq));
  world.Answer(kTaken);
  EXPECT_EQ(world.Next()->id, "n24");
  world.Answer(kTaken);
  EXPECT_EQ(world.Drain().size(), kMostPending - 1);
  EXPECT_EQ(world.delivery.Look().dropped.at(Drop::kTooMany), 22U);
}

TEST(Delivery, WhatIsTooOldIsGivenUpAndTheNextSaysSo) {
  World world;
  world.delivery.Push(Of(1));
  world.delivery.Push(Of(2, Happening::kHeld, kBegin + Seconds(60)));
  ASSERT_TRUE(world.Next());
  world.Answer(kLater);
  world.since = Seconds(43'200) + Milliseconds(1);
  const auto next = world.Next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->id, "n2");
  EXPECT_THAT(next->body, HasSubstr(R"("left_out":1)"));
  EXPECT_EQ(world.delivery.Look().dropped.at(Drop::kTooOld), 1U);
  world.Answer(kLater);
  world.since += Seconds(61);
  EXPECT_FALSE(world.Next());
  EXPECT_EQ(world.delivery.Look().left_out, 2U) << "kept for the next one";
}

TEST(Delivery, ATestThatIsTakenEndsTheWait) {
  World world;
  world.delivery.Push(Of(1));
  ASSERT_TRUE(world.Next());
  world.Answer(kLater);
  world.delivery.Tried(kLater, world.Now());
  EXPECT_FALSE(world.Next());
  world.delivery.Tried(kTaken, world.Now());
  EXPECT_EQ(world.delivery.Look().up, true);
  EXPECT_TRUE(world.Next());
}

TEST(Delivery, ToAnAlertmanagerWhatLastsIsSentEachMinuteAndThenItsEnd) {
  World world(Format::kAlertmanager);
  world.delivery.Push(Of(1));  // is told as long as it lasts, not from the queue
  EXPECT_FALSE(world.Next());
  world.delivery.Stand({Of(1)}, world.Now().wall);
  EXPECT_THAT(world.Alerts(), ElementsAre("MailhubRunHeld1 10:05:00"));
  world.Answer(kTaken);
  EXPECT_EQ(world.delivery.Look().sent, 1U);
  EXPECT_FALSE(world.Next());
  EXPECT_EQ(*world.delivery.Due(), world.Now().steady + kRepost);

  world.since = Seconds(60);
  world.delivery.Stand({Of(1)}, world.Now().wall);
  EXPECT_THAT(world.Alerts(), ElementsAre("MailhubRunHeld1 10:06:00"));
  world.Answer(kTaken);
  EXPECT_EQ(world.delivery.Look().sent, 1U) << "it is the same";

  world.since = Seconds(70);
  world.delivery.Stand({Of(2)}, world.Now().wall);
  EXPECT_THAT(world.Alerts(), ElementsAre("MailhubRunHeld1 10:01:10", "MailhubRunHeld2 10:06:10"));
  world.Answer(kLater);
  world.since = Seconds(80);
  EXPECT_THAT(world.Alerts(), ElementsAre("MailhubRunHeld1 10:01:10", "MailhubRunHeld2 10:06:20"));
  world.Answer(kTaken);
  world.since = Seconds(140);
  EXPECT_THAT(world.Alerts(), ElementsAre("MailhubRunHeld2 10:07:20")) << "the end is told once";
}

TEST(Delivery, ToAnAlertmanagerNothingIsToldOfWhatNobodyHeardTheBeginOf) {
  World world(Format::kAlertmanager);
  world.delivery.Stand({Of(1)}, world.Now().wall);
  world.delivery.Stand({}, world.Now().wall);
  EXPECT_FALSE(world.Next());
  EXPECT_EQ(world.delivery.Look().pending, 0U);
  // But if it ends while its request is under way, its end follows.
  world.delivery.Stand({Of(1)}, world.Now().wall);
  ASSERT_TRUE(world.Next());
  world.delivery.Stand({}, world.Now().wall);
  world.Answer(kTaken);
  EXPECT_THAT(world.Alerts(), ElementsAre("MailhubRunHeld1 10:00:00"));
}

TEST(Delivery, ToAnAlertmanagerEndsAreSentOnceAndLastAnHour) {
  World world(Format::kAlertmanager);
  world.delivery.Push(Of(4, Happening::kFailed));
  world.delivery.Push(Of(5, Happening::kFinished));
  EXPECT_EQ(world.delivery.Look().seq, 3U);
  EXPECT_THAT(world.Alerts(),
              ElementsAre("MailhubRunFailed4 11:00:00", "MailhubRunFinished5 11:00:00"));
  world.Answer(kTaken);
  EXPECT_EQ(world.delivery.Look().seq, 5U);
  world.since = Seconds(3'000);
  EXPECT_FALSE(world.Next());
}

TEST(Delivery, AnEndThatAlertmanagerDoesNotTakeIsForgottenOnceItEndedByItself) {
  World world(Format::kAlertmanager);
  world.delivery.Stand({Of(1)}, world.Now().wall);
  ASSERT_TRUE(world.Next());
  world.Answer(kTaken);
  world.delivery.Stand({}, world.Now().wall);
  ASSERT_TRUE(world.Next());
  world.Answer(kRefused);
  EXPECT_EQ(*world.delivery.Due(), world.Now().steady + kRepost) << "not at once";
  world.since = kGoodFor + Milliseconds(1);
  EXPECT_FALSE(world.Next());
  EXPECT_EQ(world.delivery.Look().pending, 0U);
}

}  // namespace
}  // namespace mailhub::notify
