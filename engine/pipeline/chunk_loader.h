// Loads a chunk again after its transaction failed: reads its rows anew, and finds those that the
// server refuses by halving.
#ifndef LITE2PG_ENGINE_PIPELINE_CHUNK_LOADER_H_
#define LITE2PG_ENGINE_PIPELINE_CHUNK_LOADER_H_

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/row_encoder.h"
#include "engine/pipeline/reject_budget.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/rejects.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// Where the rows of a chunk are in the source. The snapshot does not change and neither does the
// order of reading, so a place to begin and a number of rows name the same rows every time.
struct ChunkPosition {
  std::optional<SourceKey> after;  // the first row's key is greater; absent: from the start
  uint64_t skip_rows = 0;          // KeyKind::kNone: rows of the scan before the first one
  uint64_t rows = 0;               // of the source, whatever became of them
};

// What a chunk came to.
struct LoadedChunk {
  Digest digest;  // of the rows that were accepted
  uint64_t bytes = 0;
  std::vector<ColumnCounts> counts;
  uint64_t rejected = 0;
};

// A row of `table` as it is set aside; `column` is an index into table.columns or -1.
RejectRecord MakeReject(const TablePlan& table, std::span<const SourceValue> row,
                        const std::string& row_key, int column);

// The error that names a value which its column cannot hold, with exit code 14; and the words for
// it that a rejected row gets.
absl::Status BadValueError(const TablePlan& table, const RowOutcome& outcome,
                           std::span<const SourceValue> row, const std::string& row_key);
RejectRecord BadValueReject(const TablePlan& table, const RowOutcome& outcome,
                            std::span<const SourceValue> row, const std::string& row_key);

// One chunk, one thread. Everything given outlives it.
//
// Memory: a batch of rows, and rejects up to a few MiB before they are sent. COPY attempts: for k
// refused rows of n about 2 k log2(n); each refused attempt narrows the search to the rows that had
// been sent when the server spoke.
class ChunkLoader {
 public:
  struct Options {
    bool reject_refused = false;   // set refused rows aside instead of failing with the first
    bool check_deferred = false;   // constraints that wait for COMMIT are checked in each part
    // The chunk is all of the table, whose rows may refer to each other: which row a foreign key
    // refuses cannot be found in a part of it.
    bool whole_table = false;
    int64_t chunk = 0;             // whose rejects these are
    std::function<void(uint64_t rows, uint64_t bytes)> on_sent;  // may be null
    const std::atomic<bool>* stop = nullptr;
  };

  ChunkLoader(PgConnection& connection, const Ledger& ledger, const RejectBudget& budget,
              const TablePlan& table, size_t table_index, RowSource& source,
              const Options& options);

  // Loads into the open transaction, rejects included; nothing is committed. After an error the
  // transaction must be rolled back. `open_rejects`: of this table in the transaction already.
  // Errors besides the connection's: kBadValue (14) and kTargetConstraint (8) with table, row key,
  // column and value when the policy is to stop; kTooManyRejects (14).
  absl::StatusOr<LoadedChunk> Load(const ChunkPosition& position, uint64_t open_rejects);

 private:
  // One COPY of a part of the chunk.
  struct Attempt {
    absl::Status refusal;     // OK: its rows are in the target
    ChunkPosition end;        // after the last row that was sent
    uint64_t rows = 0;        // sent, or passed over because they are rejected
    LoadedChunk loaded;
    std::vector<RejectRecord> rejects;
  };

  absl::Status LoadPart(ChunkPosition part);
  absl::Status LoadRefused(const ChunkPosition& part);
  absl::Status LoadOne(const ChunkPosition& part);
  absl::StatusOr<bool> Try(const ChunkPosition& part, Attempt* attempt);
  absl::Status Send(const ChunkPosition& part, Attempt* attempt);
  absl::Status ReadRows(const ChunkPosition& part, class CopyIn* copy, Attempt* attempt);
  absl::Status OpenAt(const ChunkPosition& part);
  absl::StatusOr<ChunkPosition> Advance(const ChunkPosition& part, uint64_t rows);
  void NoteEnd(const ChunkPosition& part, uint64_t rows, ChunkPosition* end) const;
  absl::Status Accept(Attempt& attempt);
  absl::Status Refuse(const ChunkPosition& part, const absl::Status& refusal);
  absl::StatusOr<std::vector<int>> BlamedColumns(const ErrorInfo& info,
                                                 std::span<const SourceValue> row);
  absl::Status AddReject(RejectRecord reject);
  absl::Status FlushRejects();
  absl::Status CheckStop() const;

  PgConnection& connection_;
  const Ledger& ledger_;
  const RejectBudget& budget_;
  const TablePlan& table_;
  const size_t table_index_;
  RowSource& source_;
  const Options options_;
  FieldBuffer buffer_;
  LoadedChunk result_;
  uint64_t open_rejects_ = 0;
  std::vector<RejectRecord> rejects_;  // not sent yet
  size_t reject_bytes_ = 0;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_CHUNK_LOADER_H_
