#include "engine/report/timeline.h"

#include <thread>

#include "gmock/gmock.h"

namespace lite2pg {
namespace {

using std::chrono::milliseconds;
using Clock = Timeline::Clock;

class TimelineTest : public ::testing::Test {
 protected:
  Clock::time_point At(int ms) const { return began_ + milliseconds(ms); }

  const Clock::time_point began_{};
  Timeline timeline_{began_};
};

TEST_F(TimelineTest, KeepsStagesAndWhatWorkersWereAt) {
  timeline_.BeginStage(Stage::kData, At(0));
  timeline_.Begin(0, "orders", "", 100, At(100));
  timeline_.Add(0, 60, 600, At(500));
  timeline_.Begin(1, "users", "", 10, At(200));
  timeline_.Add(1, 10, 100, At(400));
  timeline_.End(1, At(450));
  timeline_.Begin(0, "users", "", 10, At(900));
  timeline_.EndStage(Stage::kData, At(1000));
  const TimelineReport report = timeline_.Read(At(2000));
  ASSERT_EQ(report.stages.size(), 1u);
  EXPECT_DOUBLE_EQ(report.stages[0].end, 1.0);
  ASSERT_EQ(report.spans.size(), 3u);
  EXPECT_EQ(report.spans[0].table, "orders");
  EXPECT_DOUBLE_EQ(report.spans[0].begin, 0.1);
  EXPECT_DOUBLE_EQ(report.spans[0].end, 0.9);
  EXPECT_EQ(report.spans[0].rows, 60u);
  EXPECT_EQ(report.spans[1].table, "users");
  EXPECT_EQ(report.spans[1].worker, 0);
  EXPECT_DOUBLE_EQ(report.spans[2].end, 0.45);
  ASSERT_EQ(report.shares.size(), 2u);
  EXPECT_EQ(report.shares[0].table, "orders");
  EXPECT_NEAR(report.shares[1].total(), 0.35, 1e-9);
}

TEST_F(TimelineTest, SumsATableOverItsWorkersForTheDisplay) {
  timeline_.BeginStage(Stage::kData, At(0));
  for (const int worker : {0, 1}) {
    timeline_.Begin(worker, "orders", "", 100, At(0));
    timeline_.Add(worker, 20, 200, At(100));
  }
  const std::vector<Activity> active = timeline_.Active(At(300));
  ASSERT_EQ(active.size(), 2u);
  EXPECT_EQ(active[1].worker, 1);
  EXPECT_EQ(active[1].rows, 20u);
  EXPECT_EQ(active[1].table_rows, 40u);
  EXPECT_EQ(active[1].table_rows_total, 100u);
  EXPECT_DOUBLE_EQ(active[1].seconds, 0.3);
}

// A stream that waits for its next batch has not left its table.
TEST_F(TimelineTest, JoinsWhatGoesOnAfterAMoment) {
  timeline_.BeginStage(Stage::kData, At(0));
  timeline_.Begin(0, "t", "", 0, At(0));
  timeline_.End(0, At(10));
  EXPECT_EQ(timeline_.Active(At(20)).size(), 1u);
  timeline_.BeginIfIdle(0, "t", "", 0, At(30));
  timeline_.End(0, At(100));
  EXPECT_EQ(timeline_.Read(At(100)).spans.size(), 1u);
  EXPECT_TRUE(timeline_.Active(At(5000)).empty());
}

TEST_F(TimelineTest, ForgetsWorkersWithTheirStage) {
  timeline_.BeginStage(Stage::kData, At(0));
  timeline_.Begin(3, "t", "", 0, At(0));
  timeline_.BeginStage(Stage::kVerify, At(100));
  EXPECT_TRUE(timeline_.Active(At(100)).empty());
  EXPECT_EQ(timeline_.Read(At(100)).spans[0].stage, Stage::kData);
}

TEST_F(TimelineTest, StaysSmallAndLosesNothing) {
  timeline_.BeginStage(Stage::kData, At(0));
  constexpr int kTables = 30'000;
  for (int i = 0; i < kTables; ++i) {
    const int worker = i % 3;
    timeline_.Begin(worker, "t" + std::to_string(i), "", 1, At(10 * i));
    timeline_.Add(worker, 7, 70, At(10 * i + 5));
    timeline_.End(worker, At(10 * i + 9));
  }
  timeline_.EndStage(Stage::kData, At(10 * kTables));
  const TimelineReport report = timeline_.Read(At(10 * kTables));
  EXPECT_LE(report.spans.size(), 1000u);
  EXPECT_LE(report.rates.size(), 240u);
  EXPECT_LE(report.shares.size(), 200u);
  uint64_t parts = 0, span_rows = 0, rate_rows = 0;
  for (const auto& span : report.spans) parts += span.parts, span_rows += span.rows;
  for (const auto& rate : report.rates) rate_rows += rate.rows;
  EXPECT_EQ(parts, static_cast<uint64_t>(kTables));
  EXPECT_EQ(span_rows, 7u * kTables);
  EXPECT_EQ(rate_rows, 7u * kTables);
  // In its lane, no span runs into the next.
  for (size_t i = 1; i < report.spans.size(); ++i) {
    if (report.spans[i].worker != report.spans[i - 1].worker) continue;
    EXPECT_LE(report.spans[i - 1].end, report.spans[i].begin + 1e-9);
  }
}

TEST_F(TimelineTest, HoldsManyThreads) {
  timeline_.BeginStage(Stage::kData);
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 4; ++worker) {
    threads.emplace_back([this, worker] {
      for (int i = 0; i < 500; ++i) {
        timeline_.Begin(worker, i % 2 == 0 ? "a" : "b", "", 1000);
        timeline_.Add(worker, 1, 1);
        (void)timeline_.Active();
        if (i % 7 == 0) timeline_.End(worker);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  timeline_.EndStage(Stage::kData);
  uint64_t rows = 0;
  for (const auto& rate : timeline_.Read().rates) rows += rate.rows;
  EXPECT_EQ(rows, 2000u);
}

}  // namespace
}  // namespace lite2pg
