// An SQLite file as a side of a comparison: every reader of one snapshot is a worker.
#ifndef LITE2PG_ENGINE_VERIFY_SQLITE_SIDE_H_
#define LITE2PG_ENGINE_VERIFY_SQLITE_SIDE_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/plan.h"
#include "engine/plan/written_forms.h"
#include "engine/sqlite/row_source.h"
#include "engine/sqlite/snapshot.h"
#include "engine/verify/compared_side.h"
#include "engine/verify/source_rows.h"

namespace lite2pg {

// A table to read. Pointers outlive the side.
struct SqliteSideTable {
  const TableReading* reading = nullptr;
  // Empty: rows are compared as SQLite has them.
  std::span<const ColumnCodec> codecs;
  std::span<const std::string> fills;   // see SourceRowMaker
  bool large = false;                   // worth cutting into pieces
  // Where given: how their values are written is learned while they are read.
  std::span<const ColumnPlan> learned;
};

// Gives the values, in the order of the reading, of rows that were set aside.
using SetAsideRows = std::function<absl::Status(
    size_t table, const std::function<absl::Status(std::span<const SourceValue>)>& on_row)>;

class SqliteSide final : public ComparedSide {
 public:
  // `snapshot` outlives the side. `set_aside` may be null.
  SqliteSide(SourceSnapshot& snapshot, int workers, std::vector<SqliteSideTable> tables,
             SetAsideRows set_aside);

  int workers() const override { return workers_; }
  absl::StatusOr<size_t> Parts(size_t table) override;
  absl::Status Scan(int worker, size_t table, size_t part, const RowCallback& on_row) override;
  // By the rowid, these three.
  absl::Status ScanKeys(int worker, size_t table, std::span<const int64_t> keys,
                        const RowCallback& on_row) override;
  absl::Status ScanInterval(int worker, size_t table, const KeyInterval& interval,
                            const RowCallback& on_row) override;
  absl::StatusOr<std::optional<int64_t>> MiddleKey(size_t table,
                                                   const KeyInterval& interval) override;
  absl::StatusOr<uint64_t> Count(int worker, size_t table) override;
  absl::Status ScanSetAside(size_t table, const RowCallback& on_row) override;
  void Interrupt() override;

  // Per column of a table with `learned` columns, of which every part was scanned at least once.
  // Called while no scan is running.
  std::vector<ColumnForms> Forms(size_t table) const;

 private:
  // What was learned in each part of a table; empty where it was not read yet.
  using PartForms = std::vector<std::vector<ColumnForms>>;

  // `forms`: where to put what is learned; may be null.
  absl::Status ScanRange(int worker, size_t table, const KeyRange& range,
                         const RowCallback& on_row, std::vector<ColumnForms>* forms);
  absl::Status Cut(const TableReading& reading, const KeyRange& range, int pieces,
                   std::vector<KeyRange>* out);

  SourceSnapshot& snapshot_;
  int workers_;
  std::vector<SqliteSideTable> tables_;
  std::vector<std::vector<KeyRange>> ranges_;
  std::vector<PartForms> forms_;
  SetAsideRows set_aside_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_SQLITE_SIDE_H_
