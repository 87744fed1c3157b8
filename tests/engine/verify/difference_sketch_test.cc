#include "engine/verify/difference_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace lite2pg {
namespace {

SketchedRow Row(uint64_t key, uint64_t version, bool of_a) {
  const std::string key_bytes = std::to_string(key);
  return {{Hash128::Of(key_bytes), Hash128::Of(key_bytes + "," + std::to_string(version))},
          static_cast<int64_t>(key) - 500, of_a};
}

// What one side has alone, by its hash, with its sign.
std::map<RowHash, std::pair<int64_t, bool>> Told(DifferenceSketch* sketch) {
  std::vector<SketchedRow> rows;
  EXPECT_TRUE(sketch->Decode(&rows));
  std::map<RowHash, std::pair<int64_t, bool>> told;
  for (const SketchedRow& row : rows) told[row.hash] = {row.key, row.of_a};
  EXPECT_EQ(told.size(), rows.size());
  return told;
}

TEST(DifferenceSketch, TellsWhatOneSideHasAlone) {
  std::mt19937_64 random(1);
  for (const size_t differences : {0, 1, 2, 10, 100, 1000, 10'000}) {
    SCOPED_TRACE(differences);
    std::vector<SketchedRow> rows;
    std::map<RowHash, std::pair<int64_t, bool>> expected;
    for (size_t i = 0; i < 20'000; ++i) {
      // What both have, added and subtracted at different times.
      rows.push_back(Row(i, 0, true));
      rows.push_back(Row(i, 0, false));
    }
    for (size_t i = 0; i < differences; ++i) {
      const SketchedRow row = Row(random() % 1000, i + 1, random() % 2 == 0);
      rows.push_back(row);
      expected[row.hash] = {row.key, row.of_a};
    }
    std::shuffle(rows.begin(), rows.end(), random);
    DifferenceSketch sketch(differences + differences / 4 + 10);
    for (size_t i = 0; i < rows.size();) {
      std::vector<SketchedRow> batch;
      for (size_t left = random() % 5000 + 1; left > 0 && i < rows.size(); --left) {
        batch.push_back(rows[i++]);
      }
      sketch.Add(&batch);
      EXPECT_TRUE(batch.empty());
    }
    EXPECT_FALSE(sketch.IsFull());
    EXPECT_EQ(Told(&sketch), expected);
  }
}

TEST(DifferenceSketch, SaysWhenThereAreTooMany) {
  for (const size_t times : {2, 3, 5, 20, 100}) {
    SCOPED_TRACE(times);
    DifferenceSketch sketch(1000);
    std::vector<SketchedRow> rows;
    for (size_t i = 0; i < 1000 * times; ++i) rows.push_back(Row(i, 1, i % 3 == 0));
    sketch.Add(&rows);
    EXPECT_TRUE(sketch.IsFull());
    EXPECT_FALSE(sketch.Decode(&rows));
  }
}

TEST(DifferenceSketch, DoesNotTakeTwoOfARowForOne) {
  for (const bool of_a : {true, false}) {
    DifferenceSketch sketch(100);
    std::vector<SketchedRow> rows = {Row(1, 1, of_a), Row(1, 1, of_a), Row(2, 1, !of_a)};
    sketch.Add(&rows);
    EXPECT_FALSE(sketch.IsFull());
    EXPECT_FALSE(sketch.Decode(&rows));
  }
}

// A changed bit of what is told would be another row.
TEST(DifferenceSketch, EqualHashesWithOtherKeysDiffer) {
  DifferenceSketch sketch(100);
  SketchedRow a = Row(1, 1, true), b = Row(1, 1, false);
  b.key = 7;
  std::vector<SketchedRow> rows = {a, b};
  sketch.Add(&rows);
  EXPECT_FALSE(sketch.Decode(&rows)) << "what is left is no row of either side";
}

TEST(DifferenceEstimate, IsAboutRightWhateverTheNumber) {
  for (const size_t differences : {0, 1, 10, 100, 1000, 10'000, 200'000}) {
    SCOPED_TRACE(differences);
    DifferenceEstimate a, b;
    for (size_t i = 0; i < 10'000; ++i) {
      a.Add(Row(i, 0, true).hash, true);
      b.Add(Row(i, 0, false).hash, false);
    }
    for (size_t i = 0; i < differences; ++i) {
      (i % 3 == 0 ? a : b).Add(Row(i, 1, true).hash, i % 2 == 0);
    }
    a.Add(b);
    const auto estimate = static_cast<double>(a.Differences());
    const auto actual = static_cast<double>(differences);
    EXPECT_GE(estimate, 0.8 * actual - 1);
    EXPECT_LE(estimate, 1.25 * actual + 1);
  }
}

}  // namespace
}  // namespace lite2pg
