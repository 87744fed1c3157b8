// What a row is known by while two sides are compared: a hash of its key and one of the whole.
#ifndef LITE2PG_ENGINE_VERIFY_ROW_HASH_H_
#define LITE2PG_ENGINE_VERIFY_ROW_HASH_H_

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coercion/digest.h"
#include "engine/verify/compared_side.h"

namespace lite2pg {

// XXH3-128, as the digests use it.
struct Hash128 {
  uint64_t high = 0, low = 0;

  static Hash128 Of(absl::string_view bytes) {
    Digest digest;
    digest.AddRow(bytes);
    return {digest.high, digest.low};
  }
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Hash128& hash) {
    return H::combine(std::move(h), hash.high, hash.low);
  }
};

struct RowHash {
  Hash128 key, row;   // equal for tables without a key
  friend auto operator<=>(const RowHash&, const RowHash&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const RowHash& hash) {
    return H::combine(std::move(h), hash.key, hash.row);
  }
};

// What Digest::AddRow would have added for the row.
inline Digest DigestOf(const RowHash& hash) {
  Digest digest;
  digest.rows = 1;
  digest.high = hash.row.high;
  digest.low = hash.row.low;
  return digest;
}

// In which of `partitions` the row is. REQUIRES: a power of two.
inline size_t PartitionOf(const RowHash& hash, size_t partitions) {
  return hash.key.high & (partitions - 1);
}

// Hashes rows of one table. One thread.
class RowHasher {
 public:
  // `key` outlives it; empty: only the whole row identifies.
  explicit RowHasher(const std::vector<size_t>& key) : columns_(key) {}
  explicit RowHasher(const ComparedTable& table) : columns_(table.key) {}

  RowHash Hash(absl::string_view fields) {
    RowHash hash;
    hash.row = Hash128::Of(fields);
    hash.key = hash.row;
    if (columns_.empty()) return hash;
    ends_.assign(1, 0);
    absl::string_view rest = fields, field;
    while (NextField(&rest, &field)) ends_.push_back(ends_.back() + field.size());
    key_.clear();
    for (const size_t column : columns_) {
      if (column + 1 >= ends_.size()) continue;
      key_.append(fields.data() + ends_[column], ends_[column + 1] - ends_[column]);
    }
    hash.key = Hash128::Of(key_);
    return hash;
  }

 private:
  const std::vector<size_t>& columns_;
  std::vector<size_t> ends_;
  std::string key_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_ROW_HASH_H_
