#include "engine/plan/partition_record.h"

#include <algorithm>
#include <bit>

#include "absl/strings/escaping.h"

namespace lite2pg {
namespace {

// A partition's digest takes 24 bytes, a row's entry in the second scan more than a hundred: with
// few rows per partition one changed row makes little work, and is hardly taken for its neighbours.
// The most that there are stay in a core's cache.
constexpr uint64_t kRowsPerPartition = 16;
constexpr size_t kPartitionsMin = 16;

// The number of partitions (2), and for each that is not empty its index (2), rows (8) and sum
// (16).
constexpr size_t kHeadBytes = 2;
constexpr size_t kEntryBytes = 26;

void PutBig(uint64_t value, int bytes, std::string* out) {
  for (int i = bytes - 1; i >= 0; --i) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetBig(absl::string_view from, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(from[at + i]);
  return value;
}

}  // namespace

size_t PartitionCount(uint64_t rows) {
  const uint64_t wanted = std::min<uint64_t>(rows / kRowsPerPartition + 1, kPartitionsMax);
  return std::max<size_t>(std::bit_ceil(wanted), kPartitionsMin);
}

Digest SumOf(const std::vector<Digest>& digests) {
  Digest sum;
  for (const Digest& digest : digests) sum.Add(digest);
  return sum;
}

std::string EncodePartitions(const std::vector<Digest>& digests) {
  if (digests.empty()) return "";
  std::string bytes;
  PutBig(digests.size(), kHeadBytes, &bytes);
  for (size_t i = 0; i < digests.size(); ++i) {
    if (digests[i] == Digest()) continue;
    PutBig(i, 2, &bytes);
    PutBig(digests[i].rows, 8, &bytes);
    PutBig(digests[i].high, 8, &bytes);
    PutBig(digests[i].low, 8, &bytes);
  }
  return absl::Base64Escape(bytes);
}

bool DecodePartitions(absl::string_view text, std::vector<Digest>* digests) {
  digests->clear();
  if (text.empty()) return true;
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) || bytes.size() < kHeadBytes ||
      (bytes.size() - kHeadBytes) % kEntryBytes != 0) {
    return false;
  }
  const uint64_t count = GetBig(bytes, 0, kHeadBytes);
  if (count == 0 || count > kPartitionsMax || !std::has_single_bit(count)) return false;
  digests->resize(count);
  for (size_t at = kHeadBytes; at < bytes.size(); at += kEntryBytes) {
    const uint64_t index = GetBig(bytes, at, 2);
    if (index >= count) return false;
    Digest& digest = (*digests)[index];
    digest.rows = GetBig(bytes, at + 2, 8);
    digest.high = GetBig(bytes, at + 10, 8);
    digest.low = GetBig(bytes, at + 18, 8);
  }
  return true;
}

}  // namespace lite2pg
