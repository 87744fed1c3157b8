// Down from the partitions of a table that differ to their rows.
//
// One scan of each side makes a sketch of the rows that only one side has (difference_sketch.h),
// and a second one fetches these, or, where keys find them and they are few, a look at each. More
// rows than fit into a sketch are taken in intervals of their keys, so that these scans read every
// row once all the same; where keys find no rows, in ranges of the keys' hashes, each with scans of
// the whole table. What a sketch cannot tell (that one row stands there several times too often, or
// was set aside) is found with an entry for every row of the partitions, as many at a time as the
// memory allows.
#ifndef LITE2PG_ENGINE_VERIFY_DIFFERING_ROWS_H_
#define LITE2PG_ENGINE_VERIFY_DIFFERING_ROWS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "coercion/digest.h"
#include "engine/verify/difference.h"
#include "engine/verify/difference_sketch.h"
#include "engine/verify/hashed_sides.h"
#include "engine/verify/row_entries.h"
#include "engine/verify/shown_rows.h"

namespace lite2pg {

// A partition whose digests differ.
struct Suspect {
  size_t partition = 0;
  uint64_t rows = 0;     // of both sides
  Digest difference;     // of A, less those set aside, less B
};

// How many rows without a partner fit into `memory_bytes`, their sketch included; at least some.
// `all`: every one is wanted, not a few of them.
size_t DifferencesThatFit(size_t memory_bytes, bool all);

// Of one table, once. One thread; it starts others.
class DifferingRows {
 public:
  // `partitions`: a power of two. `on_row` may be null. All references outlive it.
  DifferingRows(HashedSides& sides, size_t table, size_t partitions, std::vector<Suspect> suspects,
                bool any_set_aside, size_t memory_bytes, const DifferenceCallback& on_row);

  // Counts the rows that differ into `found`, tells `on_row` of all, and adds to `shown` those that
  // `wanted` still has room for. `differences`: about how many rows one side has alone. `sketch`:
  // one of the whole table, if there is one.
  absl::Status Find(uint64_t differences, std::unique_ptr<DifferenceSketch> sketch,
                    WantedRows* wanted, ShownRows* shown, TableDifferences* found);

 private:
  // What some scans read, and of that look at: partitions, and a range of the keys' hashes.
  struct Round {
    std::vector<KeyInterval> intervals;      // to be read; empty: the whole table
    uint64_t read = 0;                       // rows in these on both sides, about
    std::vector<bool> partitions;
    uint64_t first = 0, last = UINT64_MAX;   // of RowHash::key.high, both included
    uint64_t rows = 0;                       // of both sides that are looked at, about
    uint64_t differences = 0;                // of those, rows that the other side has not, about
  };

  // Keys of rows that are wanted, sorted.
  struct Keys {
    std::vector<int64_t> of_a, of_b;

    std::vector<ScanPiece> Pieces(size_t table) const;
    std::span<const int64_t> Of(const ScanPiece& piece) const;
  };

  bool InRound(const Round& round, const RowHash& hash) const;
  // By the hashes of the keys.
  std::vector<Round> Cut(const Round& round, uint64_t parts) const;
  // By the keys; empty where these cannot be cut.
  absl::StatusOr<std::vector<Round>> CutByKeys(const Round& round, uint64_t parts);
  absl::StatusOr<std::vector<ScanPiece>> Pieces(const Round& round);
  template <typename OnRow>
  absl::Status Scan(const Round& round, int worker, const ScanPiece& piece, const OnRow& on_row);

  absl::Status BySketches(const Round& round);
  absl::Status BySketch(const Round& round);
  absl::Status FillSketch(const Round& round, DifferenceSketch* sketch);
  absl::Status Told(const Round& round, std::vector<SketchedRow> rows);
  absl::Status AddPartners(const Round& round, RowEntries* entries);

  std::vector<Round> EntryRounds(const Round& round) const;
  absl::Status ByEntries(const std::vector<Round>& rounds);
  absl::Status CollectEntries(const Round& round, RowEntries* entries);

  void Judge(const std::vector<RowEntry>& entries, PartnerlessRows* rows);
  // Tells of `rows`, reading all of the round, or rows of some keys.
  absl::Status Fetch(const Round& round, PartnerlessRows* rows);
  absl::Status FetchKeys(const Round& round, const Keys& keys, PartnerlessRows* rows);
  absl::Status Deliver(bool of_a, const RowHash& hash, const ComparedRow& row,
                       PartnerlessRows* rows);
  absl::Status CheckTold() const;

  HashedSides& sides_;
  const size_t table_;
  const size_t partitions_;
  const std::vector<Suspect> suspects_;
  uint64_t suspect_rows_ = 0;  // of all suspects
  const bool any_set_aside_;
  const size_t sketch_max_;
  const size_t entries_max_;
  const DifferenceCallback& on_row_;
  WantedRows* wanted_ = nullptr;
  ShownRows* shown_ = nullptr;
  TableDifferences* found_ = nullptr;
  std::vector<Digest> told_;   // per partition: of what was judged, A less B
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_DIFFERING_ROWS_H_
