#include "engine/pipeline/range_pool.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "engine/pipeline/range_cursor.h"

namespace lite2pg {
namespace {

WorkRange RangeOf(int table, bool huge = false) {
  WorkRange range;
  range.table = table;
  range.huge = huge;
  return range;
}

TEST(RangePool, HandsOutEveryRangeOnceInOrderAndThenCloses) {
  RangePool pool({RangeOf(7), RangeOf(8)}, [](int) {});
  WorkRange first, second, none;
  ASSERT_EQ(pool.Take(0, &first), RangePool::Answer::kRange);
  ASSERT_EQ(pool.Take(0, &second), RangePool::Answer::kRange);
  EXPECT_EQ(first.table, 7);
  EXPECT_EQ(second.table, 8);
  pool.Finish(first);
  pool.Finish(second);
  EXPECT_EQ(pool.Take(0, &none), RangePool::Answer::kClosed);
}

TEST(RangePool, GivesNothingToLanesBeyondTheLimitUntilItIsRaised) {
  std::vector<int> woken;
  RangePool pool({RangeOf(1), RangeOf(2)}, [&](int lane) { woken.push_back(lane); });
  pool.LimitLanes(1);
  WorkRange mine, theirs;
  ASSERT_EQ(pool.Take(0, &mine), RangePool::Answer::kRange);
  EXPECT_TRUE(pool.IsBeyondLimit(1));
  ASSERT_EQ(pool.Take(1, &theirs), RangePool::Answer::kParked);
  pool.Offer(RangeOf(3));
  EXPECT_TRUE(woken.empty());
  pool.LimitLanes(2);
  EXPECT_EQ(woken, std::vector<int>{1});
  EXPECT_EQ(pool.Take(1, &theirs), RangePool::Answer::kRange);
}

TEST(RangePool, WakesNobodyBeyondALimitThatWasLoweredForWork) {
  std::vector<int> woken;
  RangePool pool({RangeOf(1)}, [&](int lane) { woken.push_back(lane); });
  WorkRange first, range;
  ASSERT_EQ(pool.Take(2, &first), RangePool::Answer::kRange);
  ASSERT_EQ(pool.Take(0, &range), RangePool::Answer::kParked);
  ASSERT_EQ(pool.Take(1, &range), RangePool::Answer::kParked);
  pool.LimitLanes(1);
  EXPECT_TRUE(pool.hungry());
  // What a lane that must stop has left goes to one that may read it.
  pool.Offer(RangeOf(1));
  pool.Finish(first);
  EXPECT_EQ(woken, std::vector<int>{0});
  ASSERT_EQ(pool.Take(0, &range), RangePool::Answer::kRange);
  EXPECT_FALSE(pool.hungry());
  pool.Finish(range);
  EXPECT_EQ(pool.Take(0, &range), RangePool::Answer::kClosed);
  EXPECT_EQ(pool.Take(1, &range), RangePool::Answer::kClosed);
}

TEST(RangePool, ParksALaneWhileOthersStillReadAndWakesItForAnOfferedHalf) {
  std::vector<int> woken;
  RangePool pool({RangeOf(1)}, [&](int lane) { woken.push_back(lane); });
  WorkRange mine, theirs;
  ASSERT_EQ(pool.Take(0, &mine), RangePool::Answer::kRange);
  EXPECT_FALSE(pool.hungry());
  ASSERT_EQ(pool.Take(1, &theirs), RangePool::Answer::kParked);
  EXPECT_TRUE(pool.hungry());
  pool.Offer(RangeOf(1));
  EXPECT_EQ(woken, std::vector<int>({1}));
  EXPECT_FALSE(pool.hungry());
  ASSERT_EQ(pool.Take(1, &theirs), RangePool::Answer::kRange);
}

TEST(RangePool, WakesParkedLanesWhenTheLastRangeIsDone) {
  std::vector<int> woken;
  RangePool pool({RangeOf(1)}, [&](int lane) { woken.push_back(lane); });
  WorkRange range, none;
  ASSERT_EQ(pool.Take(0, &range), RangePool::Answer::kRange);
  ASSERT_EQ(pool.Take(1, &none), RangePool::Answer::kParked);
  ASSERT_EQ(pool.Take(2, &none), RangePool::Answer::kParked);
  pool.Finish(range);
  EXPECT_EQ(woken.size(), 2u);
  EXPECT_EQ(pool.Take(1, &none), RangePool::Answer::kClosed);
}

TEST(RangePool, LetsOnlyOneLaneHoldHugeRows) {
  std::vector<int> woken;
  RangePool pool({RangeOf(1, true), RangeOf(2, true), RangeOf(3)},
                 [&](int lane) { woken.push_back(lane); });
  WorkRange huge, small, none;
  ASSERT_EQ(pool.Take(0, &huge), RangePool::Answer::kRange);
  ASSERT_EQ(pool.Take(1, &small), RangePool::Answer::kRange);
  EXPECT_EQ(small.table, 3);
  ASSERT_EQ(pool.Take(2, &none), RangePool::Answer::kParked);
  pool.Finish(huge);
  EXPECT_EQ(woken, std::vector<int>({2}));
  ASSERT_EQ(pool.Take(2, &none), RangePool::Answer::kRange);
  EXPECT_EQ(none.table, 2);
}

TEST(RangePool, CloseAnswersEverybody) {
  std::vector<int> woken;
  RangePool pool({RangeOf(1), RangeOf(2)}, [&](int lane) { woken.push_back(lane); });
  pool.Close();
  WorkRange none;
  EXPECT_EQ(pool.Take(0, &none), RangePool::Answer::kClosed);
}

TEST(Activation, RunsOnceMoreWhenAskedMeanwhile) {
  Activation activation;
  EXPECT_TRUE(activation.Enter());
  EXPECT_FALSE(activation.Enter());
  EXPECT_TRUE(activation.Leave(/*more=*/false));
  EXPECT_FALSE(activation.Leave(/*more=*/false));
  EXPECT_TRUE(activation.Enter());
}

TEST(RangePool, HeldOpenItWaitsForWorkFromElsewhere) {
  std::vector<int> woken;
  RangePool pool({}, [&](int lane) { woken.push_back(lane); }, /*held=*/true);
  WorkRange range;
  EXPECT_EQ(pool.Take(0, &range), RangePool::Answer::kParked);
  EXPECT_TRUE(pool.Starves());
  EXPECT_TRUE(pool.Idle());
  pool.Offer(RangeOf(4));
  EXPECT_FALSE(pool.Idle());
  EXPECT_EQ(woken, std::vector<int>{0});
  ASSERT_EQ(pool.Take(0, &range), RangePool::Answer::kRange);
  pool.Finish(range);
  EXPECT_EQ(pool.Take(0, &range), RangePool::Answer::kParked);
  pool.Release();
  EXPECT_EQ(woken, (std::vector<int>{0, 0}));
  EXPECT_EQ(pool.Take(0, &range), RangePool::Answer::kClosed);
}

TEST(RangePool, CannotBeHeldWhenAllIsDone) {
  RangePool pool({RangeOf(1)}, [](int) {});
  WorkRange range;
  ASSERT_EQ(pool.Take(0, &range), RangePool::Answer::kRange);
  EXPECT_TRUE(pool.Hold());
  pool.Finish(range);
  EXPECT_EQ(pool.Take(0, &range), RangePool::Answer::kParked);
  pool.Release();
  EXPECT_FALSE(pool.Hold());
}

TEST(RangePool, LanesCutTheirsWhenOthersWantWorkAndTheQueueHasNone) {
  RangePool pool({RangeOf(1), RangeOf(2, /*huge=*/true)}, [](int) {});
  WorkRange range;
  ASSERT_EQ(pool.Take(0, &range), RangePool::Answer::kRange);
  pool.WantForOthers(1);
  EXPECT_FALSE(pool.hungry());  // what is queued comes first
  const auto not_huge = [](const WorkRange& work) { return !work.huge; };
  WorkRange given;
  EXPECT_FALSE(pool.TakeForOthers(not_huge, &given));
  WorkRange huge;
  ASSERT_EQ(pool.Take(1, &huge), RangePool::Answer::kRange);
  EXPECT_TRUE(pool.hungry());
  pool.Offer(RangeOf(3));
  ASSERT_TRUE(pool.TakeForOthers(not_huge, &given));
  EXPECT_FALSE(pool.hungry());  // one was wanted
}

}  // namespace
}  // namespace lite2pg
