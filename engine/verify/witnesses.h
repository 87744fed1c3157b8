// Rows that SQLite's library reads once more at the end, and that the target must turn out to have.
//
// Digests prove that the target holds what was read. That it was read rightly is proved here: by
// the page reader no byte of this is read, so that a mistake of its own cannot vouch for itself.
#ifndef LITE2PG_ENGINE_VERIFY_WITNESSES_H_
#define LITE2PG_ENGINE_VERIFY_WITNESSES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/digest.h"
#include "engine/base/cancel.h"
#include "engine/plan/plan.h"
#include "engine/postgres/rejects.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// Rows of one table, as the target should return them. Filled and sealed by one thread, then read
// by any.
class ExpectedRows {
 public:
  void Add(const Digest& row) { rows_.push_back(row); }
  void Seal();

  // Rows that are equal to each other have one place.
  size_t places() const { return rows_.size(); }
  // The place of a row, or -1 if it is not expected.
  int Find(const Digest& row) const {
    const uint64_t bit = row.low & (64 * filter_.size() - 1);
    if (filter_.empty() || (filter_[bit / 64] >> (bit % 64) & 1) == 0) return -1;
    return FindExactly(row);
  }
  uint64_t count(size_t place) const { return rows_[place].rows; }

 private:
  int FindExactly(const Digest& row) const;

  std::vector<Digest> rows_;      // sorted; `rows` of each is how many are equal to it
  std::vector<uint64_t> filter_;  // one bit in 32 is set at most; a power of two
};

// Values of one column, by storage class: what the server is asked about; and of each table's.
using ColumnSamples = std::array<std::vector<OwnedValue>, kStorageClassCount>;
using TableSamples = std::vector<ColumnSamples>;

class Witnesses {
 public:
  // Of every table: the rows that told the scan something new, and rows from all parts of it; of
  // small tables every row. `library` is used until the call returns.
  static absl::StatusOr<Witnesses> Read(const Plan& plan, SqliteConnection& library,
                                        const CancelToken& cancel);

  const ExpectedRows& expected(size_t table) const { return tables_[table].expected; }
  const std::vector<TableSamples>& samples() const { return samples_; }

  // What a part of the target's table had of the expected rows, by place. One thread at a time.
  void Met(size_t table, std::span<const uint64_t> counts);

  // Calls `on_reject` for every row of a source table that was set aside.
  using ReadRejectsOf =
      std::function<absl::Status(const std::string& table,
                                 const std::function<absl::Status(const RejectRecord&)>&)>;
  // kCrossCheck with exit code 4 for the first row that was not met, unless it was set aside.
  absl::Status Check(const Plan& plan, SqliteConnection& library, const ReadRejectsOf& rejects,
                     const CancelToken& cancel) const;

 private:
  struct Table {
    ExpectedRows expected;
    std::vector<uint64_t> met;  // by place
  };

  static absl::Status NameMissing(const TablePlan& plan, const Table& table, size_t rows_max,
                                  SqliteConnection& library, const ReadRejectsOf& rejects,
                                  const CancelToken& cancel);

  size_t rows_max_ = 0;  // of a table
  std::vector<Table> tables_;
  std::vector<TableSamples> samples_;  // likewise one for each table
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_VERIFY_WITNESSES_H_
