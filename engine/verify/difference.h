// Finding what differs between two sides, from tables down to rows and columns, in bounded memory.
//
// Rows are put into partitions by a hash of their key (without a key: of the whole row), so that
// the sides may have any order. One scan of each side gives a digest per partition, and of those
// that differ a second one tells the rows (differing_rows.h). Tables that are equal are read once.
#ifndef LITE2PG_ENGINE_VERIFY_DIFFERENCE_H_
#define LITE2PG_ENGINE_VERIFY_DIFFERENCE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coercion/digest.h"
#include "engine/base/cancel.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/verify/compared_side.h"
#include "engine/verify/row_hash.h"

namespace lite2pg {

enum class DifferenceKind : uint8_t {
  kChanged,   // both sides have the key, with other values
  kMissing,   // A has the row (or one more of it), B has not
  kExtra,     // B has a key, or a row, that A does not have
  kDoubled,   // B has a key or row that A has, once more often
};
inline constexpr absl::string_view kDifferenceKindNames[] = {"changed", "missing", "extra",
                                                             "doubled"};

struct CompareOptions {
  size_t memory_bytes = size_t{64} << 20;  // for hashes of rows that may differ
  uint64_t shown_rows_max = 100;           // per table: described in TableDifferences::shown
  double sample_percent = 100;             // of the keys, by their hash: the same ones every time
  // Saves one scan of the tables that differ, and costs a little for the others.
  bool differences_expected = false;
  // Gets the digests of a table's partitions, of both sides, before any of its rows is told to
  // differ. From several threads, of different tables at a time. May be null.
  std::function<void(size_t table, const std::vector<Digest>& a, const std::vector<Digest>& b)>
      on_partitions;
};

struct TableDifferences {
  Digest a, b;                             // of all rows looked at, those set aside included
  uint64_t changed = 0, missing = 0, extra = 0, doubled = 0;  // rows, exact
  Digest set_aside;                        // of rows of A that B lacks because they were set aside
  bool differs() const { return changed + missing + extra + doubled > 0; }
  // Of some of the rows, sorted by key. Values are escaped and shortened.
  std::vector<DifferenceReport> shown;
};

// Gets every row that differs: those of A that are missing or changed, those of B that are changed,
// extra or doubled. One call at a time, from several threads. The row lives during the call. A
// changed row comes once from each side, in no order.
using DifferenceCallback = std::function<absl::Status(size_t table, DifferenceKind kind,
                                                      bool from_a, const ComparedRow& row)>;

// Compares all tables; one result per table. `on_row` may be null. Errors are those of the sides,
// of `on_row`, and of cancellation.
absl::StatusOr<std::vector<TableDifferences>> FindDifferences(
    const std::vector<ComparedTable>& tables, ComparedSide& a, ComparedSide& b,
    const CompareOptions& options, const DifferenceCallback& on_row, EventSink& events,
    CancelToken& cancel);

// Row counts alone: fills only a.rows and b.rows.
absl::StatusOr<std::vector<TableDifferences>> CountRows(const std::vector<ComparedTable>& tables,
                                                        ComparedSide& a, ComparedSide& b,
                                                        EventSink& events, CancelToken& cancel);

// One side alone: the digests of every table's partitions (ComparedTable::partitions; one of all
// its rows where that is 0), told in the tables' order. In `on_table` the side still shows the
// state that they are of.
using PartDigestsCallback =
    std::function<absl::Status(size_t table, const std::vector<Digest>& digests)>;
absl::Status DigestInParts(const std::vector<ComparedTable>& tables, ComparedSide& side,
                           const PartDigestsCallback& on_table, EventSink& events,
                           CancelToken& cancel);

// The rows of the wanted partitions of one table, `index` of its side; one thread.
using PartRowCallback =
    std::function<absl::Status(size_t partition, const RowHash& hash, const ComparedRow& row)>;
absl::Status ScanParts(const ComparedTable& table, size_t index, ComparedSide& side,
                       const std::vector<bool>& wanted, const PartRowCallback& on_row);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_DIFFERENCE_H_
