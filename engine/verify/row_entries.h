// How often each row of a few partitions stands on either side, and what follows from it.
#ifndef LITE2PG_ENGINE_VERIFY_ROW_ENTRIES_H_
#define LITE2PG_ENGINE_VERIFY_ROW_ENTRIES_H_

#include <cstdint>
#include <mutex>
#include <vector>

#include "engine/base/hash_tables.h"
#include "engine/verify/difference.h"
#include "engine/verify/row_hash.h"

namespace lite2pg {

struct RowEntry {
  RowHash hash;
  uint64_t a = 0, b = 0, set_aside = 0;   // how often

  friend bool operator<(const RowEntry& x, const RowEntry& y) { return x.hash < y.hash; }
};

// Entries from many threads. Equal ones become one whenever more than `entries_max` have come
// together, so that a row that stands there a million times takes no more room than another.
class RowEntries {
 public:
  RowEntries(size_t expected, size_t entries_max);
  // Empties `entries`. Any thread.
  void Add(std::vector<RowEntry>* entries);
  // Sorted, equal ones merged; until the next Add().
  const std::vector<RowEntry>& Finish();

 private:
  void Merge();

  std::mutex mutex_;
  std::vector<RowEntry> entries_;
  size_t entries_max_;
  size_t merge_at_;
};

// A row without a partner: as how much of what it is still to be met on its side.
struct Partnerless {
  bool from_a = true;
  uint64_t changed = 0;                           // as one side of a changed row
  uint64_t others = 0;                            // as `kind`
  uint64_t to_show = 0;                           // how many of them are to be described
  DifferenceKind kind = DifferenceKind::kMissing;
};
using PartnerlessRows = HashMap<RowHash, Partnerless>;
// Of one of them: the table's node has its hash and the next one's address too, and there is what
// the allocator and two tables of addresses take.
inline constexpr size_t kPartnerlessBytes = sizeof(PartnerlessRows::value_type) + 40;

// Which rows without a partner are wanted.
struct WantedRows {
  bool all = false;           // every one, or only those to be described
  uint64_t to_show_left = 0;  // how many may still be described; counted down
};

// Counts what differs among `entries` (sorted) into `found`, and puts the rows wanted into `rows`.
void JudgeEntries(const std::vector<RowEntry>& entries, WantedRows* wanted,
                  TableDifferences* found, PartnerlessRows* rows);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_ROW_ENTRIES_H_
