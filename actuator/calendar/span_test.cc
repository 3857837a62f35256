// Sets of spans.
#include "actuator/calendar/span.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace mailhub::calendar {
namespace {

Spans Of(std::initializer_list<std::pair<int, int>> pairs) {
  Spans spans;
  for (const auto& [begin, end] : pairs) spans.push_back({FromUnixMs(begin), FromUnixMs(end)});
  return spans;
}

TEST(Spans, ThatTouchOrOverlapAreOne) {
  EXPECT_EQ(Union(Of({{5, 7}, {1, 2}, {2, 4}, {6, 9}})), Of({{1, 4}, {5, 9}}));
  EXPECT_EQ(Union(Of({{1, 9}, {2, 3}})), Of({{1, 9}}));
}

TEST(Spans, ThatAreEmptyCountForNothing) {
  EXPECT_EQ(Union(Of({{3, 3}, {5, 4}})), Of({}));
}

TEST(Spans, AreSubtracted) {
  EXPECT_EQ(Subtract(Of({{0, 10}}), Of({{2, 3}, {5, 7}})), Of({{0, 2}, {3, 5}, {7, 10}}));
  EXPECT_EQ(Subtract(Of({{0, 4}, {6, 9}}), Of({{3, 7}})), Of({{0, 3}, {7, 9}}));
  EXPECT_EQ(Subtract(Of({{2, 4}}), Of({{2, 4}})), Of({}));
  EXPECT_EQ(Subtract(Of({{2, 4}}), Of({{0, 2}, {4, 6}})), Of({{2, 4}}));
  EXPECT_EQ(Subtract(Of({{2, 4}, {5, 6}, {7, 8}}), Of({{0, 9}})), Of({}));
}

TEST(Spans, AreClipped) {
  EXPECT_EQ(Clip(Of({{0, 4}, {6, 9}}), {FromUnixMs(4), FromUnixMs(7)}), Of({{6, 7}}));
}

TEST(Spans, HoldTheirBeginAndNotTheirEnd) {
  const Spans spans = Of({{1, 3}, {5, 6}});
  EXPECT_EQ(Holding(spans, FromUnixMs(0)), nullptr);
  EXPECT_EQ(Holding(spans, FromUnixMs(1)), &spans[0]);
  EXPECT_EQ(Holding(spans, FromUnixMs(2)), &spans[0]);
  EXPECT_EQ(Holding(spans, FromUnixMs(3)), nullptr);
  EXPECT_EQ(Holding(spans, FromUnixMs(5)), &spans[1]);
  EXPECT_EQ(Holding(spans, FromUnixMs(6)), nullptr);
}

}  // namespace
}  // namespace mailhub::calendar
