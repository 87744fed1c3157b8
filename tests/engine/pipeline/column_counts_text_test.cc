#include "engine/pipeline/column_counts_text.h"

#include <gtest/gtest.h>

namespace lite2pg {
namespace {

TEST(ColumnCountsText, ComesBackAsItWas) {
  std::vector<ColumnCounts> counts(3);
  counts[0].classes[1] = 18446744073709551615u;
  counts[2].rules[kRuleUseCount - 1] = 7;
  std::vector<ColumnCounts> read(3);
  ASSERT_TRUE(DecodeCounts(EncodeCounts(counts), &read));
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(read[i].classes, counts[i].classes);
    EXPECT_EQ(read[i].rules, counts[i].rules);
  }
}

TEST(ColumnCountsText, IsRefusedWhenItIsOfAnotherTableOrNone) {
  const std::string text = EncodeCounts(std::vector<ColumnCounts>(2));
  std::vector<ColumnCounts> three(3), two(2);
  EXPECT_FALSE(DecodeCounts(text, &three));
  EXPECT_FALSE(DecodeCounts("", &two));
  EXPECT_FALSE(DecodeCounts(text + "x", &two));
  EXPECT_FALSE(DecodeCounts(text + ",1", &two));
}

}  // namespace
}  // namespace lite2pg
