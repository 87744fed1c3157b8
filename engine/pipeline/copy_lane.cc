#include "engine/pipeline/copy_lane.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/chunk_range.h"

namespace lite2pg {
namespace {

// Small tables share a transaction up to this.
constexpr int kSharedTransactionChunks = 200;

// A batch that one large row has blown up gives its memory back.
constexpr size_t kKeepBytesMax = 4 * kBatchBytes;

// A worker that runs out of work spins for a while before it sleeps, and on a machine shared with
// the server that takes time from it. So a lane whose stream is the slower side is woken for two
// batches at a time; the third is under way meanwhile.
constexpr size_t kWakeBatchesMin = 2;
static_assert(kWakeBatchesMin < kBatchesPerStream);

// A stream keeps the rejects of a chunk until its COPY is over.
constexpr size_t kChunkRejectBytesMax = size_t{4} << 20;

}  // namespace

CopyLane::CopyLane(int index, const Plan& plan, SourceSnapshot& snapshot, RangePool& pool,
                   const std::vector<const TableReading*>& readings,
                   std::atomic<int64_t>& next_chunk, const RejectBudget& budget,
                   const Options& options)
    : index_(index),
      plan_(plan),
      next_chunk_(next_chunk),
      budget_(budget),
      options_(options),
      reader_(snapshot.reader(index)),
      cursor_(snapshot, pool, readings, index) {
  for (int i = 0; i < kBatchesPerStream; ++i) free_.push_back(std::make_shared<Batch>());
}

bool CopyLane::Recycle(std::shared_ptr<Batch> batch) {
  if (batch->rows.capacity() > kKeepBytesMax) {
    batch->rows.Release();
  } else {
    batch->rows.Clear();
  }
  batch->rejects.clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(batch));
  return free_.size() >= kWakeBatchesMin;
}

// With `all_needed`, only when no other batch of this lane is under way: huge rows go one by one.
std::shared_ptr<Batch> CopyLane::TakeBatch(bool all_needed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (free_.empty() || (all_needed && free_.size() < kBatchesPerStream)) return nullptr;
  std::shared_ptr<Batch> batch = std::move(free_.back());
  free_.pop_back();
  batch->begins_copy = batch->ends_copy = batch->commits = false;
  batch->table = nullptr;
  batch->rows_read = 0;
  batch->lane = index_;
  return batch;
}

absl::StatusOr<std::shared_ptr<Batch>> CopyLane::Fill(bool* more) {
  *more = false;
  // A worker never waits: Reload() ends before the stream gives its batch back, which wakes us.
  const std::unique_lock<std::mutex> reading(reader_mutex_, std::try_to_lock);
  if (!reading.owns_lock()) return std::shared_ptr<Batch>();
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
  encoder_ = std::make_unique<RowEncoder>(table.codecs, table.format);
  chunk_ = ChunkPosition{cursor_.work().range.after};
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
    chunk_rejects_ = 0;
    chunk_reject_bytes_ = 0;
    encoder_->Reset();
  }
  FieldBuffer& rows = batch->rows;
  bool range_done = false;
  while (rows.size() < options_.batch_bytes && chunk_reject_bytes_ < kChunkRejectBytesMax) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, cursor_.Next());
    if (row.empty()) {
      range_done = true;
      break;
    }
    ++chunk_.rows;
    ++batch->rows_read;
    const RowOutcome outcome = encoder_->Encode(row, &rows);
    if (outcome.outcome != Outcome::kOk) [[unlikely]] {
      RETURN_IF_ERROR(BadValue(outcome, row, batch.get()));
    }
  }
  chunk_bytes_ += rows.size();
  batch->commits = give_up_.exchange(false);
  if (range_done) {
    EndChunk(*batch, true);
    cursor_.Finish();
    return batch;
  }
  if (cursor_.IsBeyondLimit() && cursor_.CanGiveBack()) {
    EndChunk(*batch, false);
    cursor_.GiveBack();
    return batch;
  }
  if (batch->commits || ChunkIsFull()) EndChunk(*batch, false);
  // REQUIRES of Yield: a chunk that is not full took at least one row.
  RETURN_IF_ERROR(cursor_.Yield(rows.size()));
  return batch;
}

bool CopyLane::ChunkIsFull() const {
  return chunk_bytes_ >= options_.chunk_bytes_max || chunk_.rows >= options_.chunk_rows_max ||
         chunk_reject_bytes_ >= kChunkRejectBytesMax;
}

void CopyLane::EndChunk(Batch& batch, bool range_done) {
  KeyRange range{chunk_.after, cursor_.work().range.up_to};
  const bool keyed = cursor_.reading().key_kind != KeyKind::kNone;
  if (!range_done && keyed) range.up_to = cursor_.source().CurrentKey();
  batch.ends_copy = true;
  Chunk& chunk = batch.chunk;
  chunk.table_index = batch.table_index;
  chunk.table = batch.table;
  chunk.lane = index_;
  chunk.position = chunk_;
  chunk.rejected = chunk_rejects_;
  chunk.reader = cursor_.source().used();
  chunk.record.table = batch.table->source->name;
  chunk.record.chunk = next_chunk_.fetch_add(1);
  chunk.record.key_range = EncodeKeyRange(cursor_.reading(), range);
  chunk.record.rows = encoder_->digest().rows;
  chunk.record.bytes = chunk_bytes_;
  chunk.record.digest = encoder_->digest();
  chunk.counts.assign(encoder_->counts().begin(), encoder_->counts().end());
  chunk_open_ = false;
  // Where the next one begins, if this range has more.
  if (keyed) chunk_.after = range.up_to;
  chunk_.skip_rows += chunk_.rows;
  chunk_.rows = 0;
  transaction_bytes_ += chunk_bytes_;
  ++transaction_chunks_;
  if (transaction_bytes_ >= options_.transaction_bytes ||
      transaction_chunks_ >= kSharedTransactionChunks) {
    batch.commits = true;
  }
  if (batch.commits) {
    transaction_bytes_ = 0;
    transaction_chunks_ = 0;
  }
}

// OK when the row is set aside.
absl::Status CopyLane::BadValue(const RowOutcome& outcome, std::span<const SourceValue> row,
                                Batch* batch) {
  const std::string row_key = cursor_.source().DescribeRow();
  if (!batch->table->columns[static_cast<size_t>(outcome.column)].rejects_bad) {
    return BadValueError(*batch->table, outcome, row, row_key);
  }
  ++chunk_rejects_;
  chunk_reject_bytes_ += 256;
  for (const SourceValue& value : row) chunk_reject_bytes_ += 32 + value.size_bytes;
  batch->rejects.push_back(BadValueReject(*batch->table, outcome, row, row_key));
  return absl::OkStatus();
}

absl::StatusOr<LoadedChunk> CopyLane::Reload(PgConnection& connection, const Ledger& ledger,
                                             const Chunk& chunk, bool check_deferred,
                                             uint64_t open_rejects) {
  const std::lock_guard<std::mutex> reading(reader_mutex_);
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(reader_);
  ChunkLoader::Options options;
  options.reject_refused = options_.reject_refused;
  options.check_deferred = check_deferred;
  options.chunk = chunk.record.chunk;
  options.stop = stream->stopped();
  return ChunkLoader(connection, ledger, budget_, *chunk.table, chunk.table_index, *source, options)
      .Load(chunk.position, open_rejects);
}

}  // namespace lite2pg
