// One connection that takes a lane's batches: opens and closes COPYs, commits chunks with their
// ledger rows, and does again what was lost. The only place where the data stage waits for the
// server.
#ifndef LITE2PG_ENGINE_PIPELINE_CHUNK_STREAM_H_
#define LITE2PG_ENGINE_PIPELINE_CHUNK_STREAM_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/field_buffer.h"
#include "engine/pipeline/chunk_loader.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {

// One chunk: where its rows are in the source, and what became of them.
struct Chunk {
  size_t table_index = 0;
  const TablePlan* table = nullptr;
  int lane = 0;
  ChunkPosition position;
  ChunkRecord record;               // of the rows that were accepted
  std::vector<ColumnCounts> counts;  // of these, per column
  uint64_t rejected = 0;
  ReaderUse reader;                 // who read it
};

// What one lane hands to its stream. Rows of one chunk come in order, in as many batches as they
// need; the first opens the COPY, the last closes it and brings the chunk's record.
struct Batch {
  FieldBuffer rows;
  std::vector<RejectRecord> rejects;
  uint64_t rows_read = 0;  // those in `rows` and those set aside
  const TablePlan* table = nullptr;
  bool begins_copy = false;
  bool ends_copy = false;
  bool commits = false;  // the transaction of all chunks since the last commit
  Chunk chunk;           // with ends_copy
  size_t table_index = 0;
};

// When the server refuses rows, the connection is lost, or another session is in the way, the open
// transaction is given up: what comes of it from the lane is dropped, and at its end all its chunks
// are loaded again from the source (`reload`), in one transaction and on a new connection if need
// be. A COMMIT whose answer was lost is settled with the ledger first, so that every chunk is
// loaded exactly once.
//
// Used by the thread of its lane, but for Stop().
class ChunkStream {
 public:
  // Called from within Take().
  struct Callbacks {
    std::function<void(const Chunk&)> committed;
    // Asked before every COMMIT: is the source still what was read?
    std::function<absl::Status()> check_source;
    std::function<absl::StatusOr<PgConnection>()> connect;
    // Loads `chunk` into the open transaction of the connection; see ChunkLoader.
    std::function<absl::StatusOr<LoadedChunk>(PgConnection&, const Chunk& chunk,
                                              bool check_deferred, uint64_t open_rejects)>
        reload;
    // The transaction under way is lost: let the lane end it soon.
    std::function<void()> give_up;
    // OK while `open` rejects of a table, not committed yet, are not too many.
    std::function<absl::Status(size_t table, uint64_t open, const RejectRecord* last)>
        check_rejects;
    // Something was lost and is tried again; a sentence.
    std::function<void(const std::string&)> retrying;
  };

  // `ledger` outlives the stream.
  ChunkStream(PgConnection connection, const Ledger& ledger, Callbacks callbacks);
  // An open transaction is rolled back, never committed.
  ~ChunkStream();

  // Sends a batch, and waits for the server as long as that takes. After an error the transaction
  // is rolled back, and nothing more is taken.
  absl::Status Take(Batch& batch);
  // Aborts an open COPY, and makes Take() fail from now on; any thread.
  void Stop();
  const std::atomic<bool>* stopped() const { return &stopped_; }

 private:
  absl::Status Process(Batch& batch);
  absl::Status Send(Batch& batch, bool* chunk_is_open);
  absl::Status EndCopy(Batch& batch);
  absl::Status CommitOpen();

  bool CanRedo(const absl::Status& status) const;
  void GiveUp(const absl::Status& status);
  absl::Status Redo();
  absl::Status TryRedo();
  absl::Status Reconnect();
  absl::Status Settle(int lost_pid);
  bool Sleep(int milliseconds);

  PgConnection connection_;
  const Ledger& ledger_;
  const Callbacks callbacks_;
  int backend_pid_;  // libpq forgets it when the connection is lost
  std::unique_ptr<CopyIn> copy_;
  std::vector<Chunk> open_;             // loaded by the open transaction
  std::vector<RejectRecord> rejects_;   // of the chunk under way

  absl::Status broken_;        // not OK: why the transaction under way was given up
  std::vector<Chunk> redo_;    // chunks of it, to be loaded again
  bool check_deferred_ = false;
  bool sends_text_ = false;    // the last COPY that began is in text form
  int losses_ = 0;             // since the last COMMIT

  std::mutex connection_mutex_;  // while connection_ is replaced or cancelled from outside
  std::mutex mutex_;             // with wake_: who sleeps between attempts learns of Stop()
  std::condition_variable wake_;
  std::atomic<bool> stopped_{false};
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_CHUNK_STREAM_H_
