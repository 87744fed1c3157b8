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
static_assert(kFillBytesMax < kKeepBytesMax);

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
      cursor_(snapshot, pool, readings, index) {}

void CopyLane::Wake() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

void CopyLane::WaitForWork() {
  std::unique_lock<std::mutex> lock(mutex_);
  wake_.wait(lock, [this] { return woken_; });
  woken_ = false;
}

void CopyLane::ClearBatch() {
  if (batch_.rows.capacity() > kKeepBytesMax) {
    batch_.rows.Release();
  } else {
    batch_.rows.Clear();
  }
  batch_.rejects.clear();
  batch_.begins_copy = batch_.ends_copy = batch_.commits = false;
  batch_.table = nullptr;
  batch_.rows_read = 0;
}

absl::StatusOr<CopyLane::Filled> CopyLane::Fill() {
  ClearBatch();
  if (!cursor_.has_range()) {
    ASSIGN_OR_RETURN(const RangePool::Answer answer, BeginRange());
    if (answer != RangePool::Answer::kRange) {
      // A parked lane leaves no transaction open.
      batch_.commits = transaction_chunks_ > 0;
      transaction_bytes_ = 0;
      transaction_chunks_ = 0;
      return answer == RangePool::Answer::kParked ? Filled::kParked : Filled::kClosed;
    }
  }
  RETURN_IF_ERROR(FillRows());
  return Filled::kBatch;
}

absl::StatusOr<RangePool::Answer> CopyLane::BeginRange() {
  ASSIGN_OR_RETURN(const RangePool::Answer answer, cursor_.Take());
  if (answer != RangePool::Answer::kRange) return answer;
  const TablePlan& table = plan_.tables[static_cast<size_t>(cursor_.work().table)];
  encoder_ = std::make_unique<RowEncoder>(table.codecs, table.format);
  chunk_ = ChunkPosition{cursor_.work().range.after};
  return answer;
}

absl::Status CopyLane::FillRows() {
  batch_.table_index = static_cast<size_t>(cursor_.work().table);
  batch_.table = &plan_.tables[batch_.table_index];
  batch_.begins_copy = !chunk_open_;
  if (!chunk_open_) {
    chunk_open_ = true;
    chunk_bytes_ = 0;
    chunk_rejects_ = 0;
    chunk_reject_bytes_ = 0;
    encoder_->Reset();
  }
  FieldBuffer& rows = batch_.rows;
  bool range_done = false;
  while (rows.size() < options_.batch_bytes && chunk_reject_bytes_ < kChunkRejectBytesMax) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, cursor_.Next());
    if (row.empty()) {
      range_done = true;
      break;
    }
    ++chunk_.rows;
    ++batch_.rows_read;
    const RowOutcome outcome = encoder_->Encode(row, &rows);
    if (outcome.outcome != Outcome::kOk) [[unlikely]] {
      RETURN_IF_ERROR(BadValue(outcome, row));
    }
  }
  chunk_bytes_ += rows.size();
  batch_.commits = std::exchange(give_up_, false);
  if (range_done) {
    EndChunk(true);
    cursor_.Finish();
    return absl::OkStatus();
  }
  if (cursor_.IsBeyondLimit() && cursor_.CanGiveBack()) {
    EndChunk(false);
    cursor_.GiveBack();
    return absl::OkStatus();
  }
  if (batch_.commits || ChunkIsFull()) EndChunk(false);
  // REQUIRES of Yield: a chunk that is not full took at least one row.
  return cursor_.Yield(rows.size());
}

bool CopyLane::ChunkIsFull() const {
  return chunk_bytes_ >= options_.chunk_bytes_max || chunk_.rows >= options_.chunk_rows_max ||
         chunk_reject_bytes_ >= kChunkRejectBytesMax;
}

void CopyLane::EndChunk(bool range_done) {
  KeyRange range{chunk_.after, cursor_.work().range.up_to};
  const bool keyed = cursor_.reading().key_kind != KeyKind::kNone;
  if (!range_done && keyed) range.up_to = cursor_.source().CurrentKey();
  batch_.ends_copy = true;
  Chunk& chunk = batch_.chunk;
  chunk.table_index = batch_.table_index;
  chunk.table = batch_.table;
  chunk.lane = index_;
  chunk.position = chunk_;
  chunk.rejected = chunk_rejects_;
  chunk.reader = cursor_.source().used();
  chunk.record.table = batch_.table->source->name;
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
    batch_.commits = true;
  }
  if (batch_.commits) {
    transaction_bytes_ = 0;
    transaction_chunks_ = 0;
  }
}

// OK when the row is set aside.
absl::Status CopyLane::BadValue(const RowOutcome& outcome,
                                std::span<const SourceValue> row) {
  const std::string row_key = cursor_.source().DescribeRow();
  if (!batch_.table->columns[static_cast<size_t>(outcome.column)].rejects_bad) {
    return BadValueError(*batch_.table, outcome, row, row_key);
  }
  ++chunk_rejects_;
  chunk_reject_bytes_ += 256;
  for (const SourceValue& value : row) chunk_reject_bytes_ += 32 + value.size_bytes;
  batch_.rejects.push_back(BadValueReject(*batch_.table, outcome, row, row_key));
  return absl::OkStatus();
}

absl::StatusOr<LoadedChunk> CopyLane::Reload(PgConnection& connection, const Ledger& ledger,
                                             const Chunk& chunk, bool check_deferred,
                                             uint64_t open_rejects) {
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
