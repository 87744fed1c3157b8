// One lane of the data stage: a reader of the snapshot, the encoder of the table it is in, and the
// batches that its stream has given back.
#ifndef LITE2PG_ENGINE_PIPELINE_COPY_LANE_H_
#define LITE2PG_ENGINE_PIPELINE_COPY_LANE_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/base/limits.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/pipeline/copy_stream_thread.h"
#include "engine/pipeline/range_cursor.h"

namespace lite2pg {

// Fill() is run by one task at a time (see Activation); Recycle() may be called meanwhile by the
// stream's thread.
class CopyLane {
 public:
  struct Options {
    size_t chunk_bytes_max = kChunkBytesMax;
    uint64_t chunk_rows_max = kChunkRowsMax;
    size_t batch_bytes = kBatchBytes;
    uint64_t transaction_bytes = 0;  // of small tables that share one, at least
    bool reject_refused = false;  // see ChunkLoader::Options
  };

  // Everything given outlives it.
  CopyLane(int index, const Plan& plan, SourceSnapshot& snapshot, RangePool& pool,
           const std::vector<const TableReading*>& readings, std::atomic<int64_t>& next_chunk,
           const RejectBudget& budget, const Options& options);

  // The next batch for the stream; nullptr when there is none to be had now: all batches are under
  // way, or the lane is parked or done. *more: Fill() can go on at once.
  absl::StatusOr<std::shared_ptr<Batch>> Fill(bool* more);
  // The stream is through with a batch. True: the lane has enough of them to be worth waking.
  bool Recycle(std::shared_ptr<Batch> batch);

  // For the stream's thread: loads a chunk again, with the lane's reader; while that lasts, Fill()
  // has no batch to give.
  absl::StatusOr<LoadedChunk> Reload(PgConnection& connection, const Ledger& ledger,
                                     const Chunk& chunk, bool check_deferred,
                                     uint64_t open_rejects);
  // The transaction under way is lost: its chunk is ended at the next batch. Any thread.
  void GiveUp() { give_up_.store(true); }

  Activation activation;
  std::unique_ptr<CopyStreamThread> stream;

 private:
  absl::StatusOr<bool> BeginRange();
  std::shared_ptr<Batch> TakeBatch(bool all_needed);
  absl::StatusOr<std::shared_ptr<Batch>> FillRows(std::shared_ptr<Batch> batch);
  absl::Status BadValue(const RowOutcome& outcome, std::span<const SourceValue> row,
                        Batch* batch);
  void EndChunk(Batch& batch, bool range_done);
  bool ChunkIsFull() const;
  std::shared_ptr<Batch> CommitRest();

  const int index_;
  const Plan& plan_;
  std::atomic<int64_t>& next_chunk_;
  const RejectBudget& budget_;
  const Options options_;
  SqliteConnection& reader_;
  std::mutex reader_mutex_;  // who reads: Fill() or Reload()
  RangeCursor cursor_;
  std::unique_ptr<RowEncoder> encoder_;   // of the current range's table
  ChunkPosition chunk_;                   // the open chunk, or where the next one begins
  uint64_t chunk_bytes_ = 0;              // of the open chunk
  uint64_t chunk_rejects_ = 0;
  size_t chunk_reject_bytes_ = 0;
  bool chunk_open_ = false;
  std::atomic<bool> give_up_{false};
  uint64_t transaction_bytes_ = 0;  // of all chunks not yet told to commit
  int transaction_chunks_ = 0;
  int64_t next_sequence_ = 0;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Batch>> free_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_COPY_LANE_H_
