#include "actuator/engine/engine_clock.h"

#include <gtest/gtest.h>

namespace mailhub::engine {
namespace {

class EngineClockTest : public testing::Test {
 protected:
  EngineClockTest() { clock_.Start(now_); }
  void Pass(Milliseconds time, Milliseconds asked_for) {
    const SteadyTime next = now_.steady + asked_for;
    now_ = {now_.wall + time, now_.steady + time};
    clock_.Advance(now_, next);
  }
  Moment now_{WallTime(Seconds(1'000'000)), SteadyTime(Seconds(1'000))};
  EngineClock clock_;
};

TEST_F(EngineClockTest, ADeadlinePassesInAttendedTime) {
  const SteadyTime deadline = clock_.Attended(Seconds(10));
  Pass(Seconds(9), Seconds(9));
  EXPECT_FALSE(clock_.Passed(deadline));
  Pass(Seconds(1), Seconds(1));
  EXPECT_TRUE(clock_.Passed(deadline));
}

TEST_F(EngineClockTest, TimeInWhichNobodyLooksUsesUpNoTimeOut) {
  const SteadyTime deadline = clock_.Attended(Seconds(10));
  Pass(Seconds(3'600), Seconds(1));  // it was stopped for an hour
  EXPECT_FALSE(clock_.Passed(deadline));
  EXPECT_EQ(clock_.steady(), now_.steady) << "what is due goes by the ordinary clock";
}

TEST_F(EngineClockTest, LookingMovesNoDeadline) {
  const SteadyTime deadline = clock_.Attended(Seconds(10));
  const Moment before = clock_.Show({now_.wall + Seconds(60), now_.steady + Seconds(60)});
  EXPECT_FALSE(clock_.Passed(deadline));
  clock_.Show(before);
  EXPECT_EQ(clock_.steady(), now_.steady);
}

TEST_F(EngineClockTest, WhatIsLeftIsNeverLessThanNothingNorMoreThanAll) {
  EXPECT_EQ(clock_.LeftOf(now_.wall - Seconds(4), Seconds(10)), Seconds(6));
  EXPECT_EQ(clock_.LeftOf(now_.wall - Seconds(400), Seconds(10)), Seconds(0));
  EXPECT_EQ(clock_.LeftOf(now_.wall + Seconds(400), Seconds(10)), Seconds(10))
      << "the clock has stepped back";
}

TEST_F(EngineClockTest, ADeadlineLeavesTimeToLook) {
  const SteadyTime late = clock_.Deadline(now_.wall - Seconds(400), Seconds(100), Seconds(30));
  EXPECT_EQ(late, clock_.Attended(Seconds(30)));
  const SteadyTime brief = clock_.Deadline(now_.wall - Seconds(400), Seconds(5), Seconds(30));
  EXPECT_EQ(brief, clock_.Attended(Seconds(5))) << "no more than the limit itself";
}

}  // namespace
}  // namespace mailhub::engine
