#include "engine/plan/partition_record.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

namespace lite2pg {
namespace {

std::vector<Digest> Digests(size_t count) {
  std::vector<Digest> digests(count);
  for (size_t i = 0; i < count; i += 3) digests[i].AddRow(std::string(i + 1, 'x'));
  digests[count - 1].rows = UINT64_MAX;
  digests[count - 1].high = UINT64_MAX;
  return digests;
}

TEST(PartitionRecord, ComesBackAsItWasWritten) {
  for (const size_t count : {size_t{1}, size_t{16}, kPartitionsMax}) {
    std::vector<Digest> read;
    ASSERT_TRUE(DecodePartitions(EncodePartitions(Digests(count)), &read));
    EXPECT_EQ(read, Digests(count));
  }
  std::vector<Digest> read = Digests(16);
  ASSERT_TRUE(DecodePartitions(EncodePartitions({}), &read));
  EXPECT_TRUE(read.empty());
}

TEST(PartitionRecord, RefusesWhatItHasNotWritten) {
  std::vector<Digest> read;
  const std::string good = EncodePartitions(Digests(16));
  EXPECT_FALSE(DecodePartitions("not base64!", &read));
  EXPECT_FALSE(DecodePartitions("AA==", &read));
  EXPECT_FALSE(DecodePartitions("AAA=", &read));    // no partition at all
  EXPECT_FALSE(DecodePartitions("AAM=", &read));    // not a power of two
  EXPECT_FALSE(DecodePartitions("IAA=", &read));    // too many
  EXPECT_FALSE(DecodePartitions(good.substr(0, good.size() - 8), &read));
}

TEST(PartitionRecord, HasFewRowsInAPartUntilThereAreManyParts) {
  EXPECT_EQ(PartitionCount(0), 16u);
  EXPECT_EQ(PartitionCount(UINT64_MAX), kPartitionsMax);
  for (uint64_t rows = 1; rows < 100'000; rows = rows * 3 + 1) {
    EXPECT_TRUE(std::has_single_bit(PartitionCount(rows)));
    if (PartitionCount(rows) < kPartitionsMax) {
      EXPECT_LE(rows / PartitionCount(rows), 16u);
    }
  }
}

}  // namespace
}  // namespace lite2pg
