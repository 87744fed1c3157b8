#include "engine/pipeline/copy_lane.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

// Small tables share a transaction up to these.
constexpr uint64_t kSharedTransactionBytes = uint64_t{8} << 20;
constexpr int kSharedTransactionChunks = 200;

// A batch that one large row has blown up gives its memory back.
constexpr size_t kKeepBytesMax = 4 * kBatchBytes;

}  // namespace

CopyLane::CopyLane(int index, const Plan& plan, SqliteConnection& reader, RangePool& pool,
                   const std::vector<const TableReading*>& readings,
                   std::atomic<int64_t>& next_chunk, size_t chunk_bytes_max)
    : index_(index),
      plan_(plan),
      next_chunk_(next_chunk),
      chunk_bytes_max_(chunk_bytes_max),
      cursor_(reader, pool, readings, index) {
  for (int i = 0; i < kBatchesPerStream; ++i) free_.push_back(std::make_shared<Batch>());
}

void CopyLane::Recycle(std::shared_ptr<Batch> batch) {
  if (batch->rows.capacity() > kKeepBytesMax) {
    batch->rows.Release();
  } else {
    batch->rows.Clear();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(batch));
}

// With `all_needed`, only when no other batch of this lane is under way: huge rows go one by one.
std::shared_ptr<Batch> CopyLane::TakeBatch(bool all_needed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_.empty() || (all_needed && free_.size() < kBatchesPerStream)) return nullptr;
  std::shared_ptr<Batch> batch = std::move(free_.back());
  free_.pop_back();
  batch->begins_copy = batch->ends_copy = batch->commits = false;
  batch->table = nullptr;
  batch->lane = index_;
  return batch;
}

absl::StatusOr<std::shared_ptr<Batch>> CopyLane::Fill(bool* more) {
  *more = false;
  std::shared_ptr<Batch> batch = TakeBatch(cursor_.has_range() && cursor_.work().huge);
  if (batch == nullptr) return batch;
  if (!cursor_.has_range()) {
    ASSIGN_OR_RETURN(const bool begun, BeginRange());
    if (!begun) {
      Recycle(std::move(batch));
      return CommitRest();
    }
  }
  *more = true;
  return FillRows(std::move(batch));
}

absl::StatusOr<bool> CopyLane::BeginRange() {
  ASSIGN_OR_RETURN(const RangePool::Answer answer, cursor_.Take());
  if (answer != RangePool::Answer::kRange) return false;
  const TablePlan& table = plan_.tables[static_cast<size_t>(cursor_.work().table)];
  encoder_ = std::make_unique<RowEncoder>(table.codecs);
  chunk_after_ = cursor_.work().range.after;
  return true;
}

// A parked lane leaves no transaction open.
std::shared_ptr<Batch> CopyLane::CommitRest() {
  if (transaction_chunks_ == 0) return nullptr;
  std::shared_ptr<Batch> batch = TakeBatch(false);
  if (batch == nullptr) return batch;  // REQUIRES of Fill: it had just one
  batch->commits = true;
  batch->sequence = next_sequence_++;
  transaction_bytes_ = 0;
  transaction_chunks_ = 0;
  return batch;
}

absl::StatusOr<std::shared_ptr<Batch>> CopyLane::FillRows(std::shared_ptr<Batch> batch) {
  batch->table_index = static_cast<size_t>(cursor_.work().table);
  batch->table = &plan_.tables[batch->table_index];
  batch->begins_copy = !chunk_open_;
  batch->sequence = next_sequence_++;
  if (!chunk_open_) {
    chunk_open_ = true;
    chunk_bytes_ = 0;
    encoder_->Reset();
  }
  FieldBuffer& rows = batch->rows;
  bool range_done = false;
  while (rows.size() < kBatchBytes) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, cursor_.Next());
    if (row.empty()) {
      range_done = true;
      break;
    }
    const RowOutcome outcome = encoder_->Encode(row, &rows);
    if (outcome.outcome != Outcome::kOk) [[unlikely]]
      return BadValue(outcome, row);
  }
  chunk_bytes_ += rows.size();
  if (range_done) {
    EndChunk(*batch);
    cursor_.Finish();
    return batch;
  }
  if (chunk_bytes_ >= chunk_bytes_max_ || encoder_->digest().rows >= kChunkRowsMax) {
    EndChunk(*batch);
    if (cursor_.reading().key_kind != KeyKind::kNone) chunk_after_ = cursor_.source().CurrentKey();
  }
  RETURN_IF_ERROR(cursor_.Yield(rows.size()));
  return batch;
}

void CopyLane::EndChunk(Batch& batch) {
  KeyRange range = cursor_.work().range;
  range.after = chunk_after_;
  batch.ends_copy = true;
  batch.record.table = batch.table->source->name;
  batch.record.chunk = next_chunk_.fetch_add(1);
  batch.record.key_range = DescribeRange(cursor_.reading(), range);
  batch.record.rows = encoder_->digest().rows;
  batch.record.bytes = chunk_bytes_;
  batch.record.digest = encoder_->digest();
  batch.counts.assign(encoder_->counts().begin(), encoder_->counts().end());
  chunk_open_ = false;
  transaction_bytes_ += chunk_bytes_;
  ++transaction_chunks_;
  if (transaction_bytes_ >= kSharedTransactionBytes ||
      transaction_chunks_ >= kSharedTransactionChunks) {
    batch.commits = true;
    transaction_bytes_ = 0;
    transaction_chunks_ = 0;
  }
}

absl::Status CopyLane::BadValue(const RowOutcome& outcome, std::span<const SourceValue> row) const {
  const TablePlan& table = plan_.tables[static_cast<size_t>(cursor_.work().table)];
  const auto column_index = static_cast<size_t>(outcome.column);
  const ColumnPlan& column = table.columns[column_index];
  ErrorInfo info;
  info.code = ErrorCode::kBadValue;
  info.exit_code = ExitCode::kBadValue;
  info.what = absl::StrCat("the value is ", OutcomePhrase(outcome.outcome), " (column type ",
                           column.type.sql_name, ")");
  info.table = table.source->name;
  info.row_key = cursor_.source().DescribeRow();
  info.column = column.source_name;
  info.value = DescribeTypedValue(row[column_index]);
  info.hint =
      "mend the value in the source, give the column another type, or use "
      "--on-bad-value reject";
  return MakeError(info);
}

}  // namespace lite2pg
