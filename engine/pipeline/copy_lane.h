// One lane of the data stage: a reader of the snapshot, the encoder of the table it is in, and a
// stream to the server.
#ifndef LITE2PG_ENGINE_PIPELINE_COPY_LANE_H_
#define LITE2PG_ENGINE_PIPELINE_COPY_LANE_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/base/limits.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/pipeline/chunk_stream.h"
#include "engine/pipeline/range_cursor.h"

namespace lite2pg {

// What is encoded before it is sent: small enough that it is still in the processor's second-level
// cache together with the pages that it came from, and that the bytes in the socket's buffer keep
// the server busy meanwhile.
inline constexpr size_t kFillBytesMax = size_t{128} << 10;

// Belongs to one thread, which alternates between Fill() and the stream's Take(): what was encoded
// is sent while it is in the processor's cache. Wake() is for all threads.
class CopyLane {
 public:
  struct Options {
    size_t chunk_bytes_max = kChunkBytesMax;
    uint64_t chunk_rows_max = kChunkRowsMax;
    size_t batch_bytes = kFillBytesMax;
    uint64_t transaction_bytes = 0;  // of small tables that share one, at least
    bool reject_refused = false;  // see ChunkLoader::Options
  };

  // Everything given outlives it.
  CopyLane(int index, const Plan& plan, SourceSnapshot& snapshot, RangePool& pool,
           const std::vector<const TableReading*>& readings, std::atomic<int64_t>& next_chunk,
           const RejectBudget& budget, const Options& options);

  enum class Filled : uint8_t { kBatch, kParked, kClosed };
  // Reads on, into batch(). Otherwise there is nothing to send: the lane is parked until Wake(), or
  // all is done.
  absl::StatusOr<Filled> Fill();
  // What Fill() has made, for the stream.
  Batch& batch() { return batch_; }
  const Batch& batch() const { return batch_; }
  int index() const { return index_; }

  // Loads a chunk again, with the lane's reader.
  absl::StatusOr<LoadedChunk> Reload(PgConnection& connection, const Ledger& ledger,
                                     const Chunk& chunk, bool check_deferred,
                                     uint64_t open_rejects);
  // The transaction under way is lost: its chunk is ended at the next batch.
  void GiveUp() { give_up_ = true; }

  void Wake();
  // Until Wake() was called since the last wait.
  void WaitForWork();

  std::unique_ptr<ChunkStream> stream;

 private:
  absl::StatusOr<RangePool::Answer> BeginRange();
  void ClearBatch();
  absl::Status FillRows();
  absl::Status BadValue(const RowOutcome& outcome, std::span<const SourceValue> row);
  void EndChunk(bool range_done);
  bool ChunkIsFull() const;

  const int index_;
  const Plan& plan_;
  std::atomic<int64_t>& next_chunk_;
  const RejectBudget& budget_;
  const Options options_;
  SqliteConnection& reader_;
  RangeCursor cursor_;
  std::unique_ptr<RowEncoder> encoder_;   // of the current range's table
  Batch batch_;
  ChunkPosition chunk_;                   // the open chunk, or where the next one begins
  uint64_t chunk_bytes_ = 0;              // of the open chunk
  uint64_t chunk_rejects_ = 0;
  size_t chunk_reject_bytes_ = 0;
  bool chunk_open_ = false;
  bool give_up_ = false;
  uint64_t transaction_bytes_ = 0;  // of all chunks not yet told to commit
  int transaction_chunks_ = 0;

  std::mutex mutex_;  // of the two below
  std::condition_variable wake_;
  bool woken_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_COPY_LANE_H_
