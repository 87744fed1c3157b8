// A table's digest in parts: rows are put into partitions by a hash of their key, and each has a
// digest of its own. Kept with a run, they tell later which part of a table was changed.
#ifndef LITE2PG_ENGINE_PLAN_PARTITION_RECORD_H_
#define LITE2PG_ENGINE_PLAN_PARTITION_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coercion/digest.h"

namespace lite2pg {

struct PartitionRecord {
  std::vector<std::string> key;   // columns of the target that are hashed; empty: the whole row
  std::vector<Digest> digests;    // a power of two; empty: nothing is known
};

// Into how many partitions a table of so many rows falls: a power of two.
size_t PartitionCount(uint64_t rows);
inline constexpr size_t kPartitionsMax = 4096;

Digest SumOf(const std::vector<Digest>& digests);

// The digests as ASCII text without those of empty partitions, about 35 characters for each other.
std::string EncodePartitions(const std::vector<Digest>& digests);
// Inverse. False unless `text` is what EncodePartitions writes.
bool DecodePartitions(absl::string_view text, std::vector<Digest>* digests);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_PARTITION_RECORD_H_
