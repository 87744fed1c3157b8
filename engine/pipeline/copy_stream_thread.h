// A thread that owns one connection and sends batches to it: the only place where the data stage
// waits for the server.
#ifndef LITE2PG_ENGINE_PIPELINE_COPY_STREAM_THREAD_H_
#define LITE2PG_ENGINE_PIPELINE_COPY_STREAM_THREAD_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "coercion/field_buffer.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/ledger.h"

namespace lite2pg {

// What one lane hands to its stream. Rows of one chunk come in order, in as many batches as they
// need; the first opens the COPY, the last closes it and brings the chunk's record.
struct Batch {
  FieldBuffer rows;
  const TablePlan* table = nullptr;
  bool begins_copy = false;
  bool ends_copy = false;
  bool commits = false;  // the transaction of all chunks since the last commit
  ChunkRecord record;    // with ends_copy
  size_t table_index = 0;
  int lane = 0;
  int64_t sequence = 0;             // of the lane's batches; graph nodes may overtake one another
  std::vector<ClassCounts> counts;  // with ends_copy: storage classes per column of the chunk
};

// What the stream tells when a transaction is through: the chunks are in the target.
struct CommittedChunk {
  size_t table_index = 0;
  int lane = 0;
  ChunkRecord record;
  std::vector<ClassCounts> counts;
};

class CopyStreamThread {
 public:
  struct Callbacks {
    // On the stream's thread, once per batch pushed, after it was sent or dropped.
    std::function<void(std::shared_ptr<Batch>)> batch_done;
    std::function<void(const CommittedChunk&)> committed;
    std::function<void(const absl::Status&)> failed;
    // Asked before every COMMIT: is the source still what was read?
    std::function<absl::Status()> check_source;
  };

  // `ledger` outlives the thread.
  CopyStreamThread(PgConnection connection, const Ledger& ledger, Callbacks callbacks);
  // Waits for the thread. An open transaction is rolled back, never committed.
  ~CopyStreamThread();

  // Batches may come out of order; they are sent in the order of their sequence, from 0.
  void Push(std::shared_ptr<Batch> batch);
  // From now on batches are dropped and an open COPY is aborted; any thread.
  void Stop();

 private:
  void Run();
  absl::Status Process(Batch& batch);
  absl::Status EndCopy(Batch& batch);

  PgConnection connection_;
  const Ledger& ledger_;
  const Callbacks callbacks_;
  std::unique_ptr<CopyIn> copy_;
  std::vector<CommittedChunk> pending_;  // of the open transaction

  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<int64_t, std::shared_ptr<Batch>> queue_;
  int64_t next_sequence_ = 0;
  bool closing_ = false;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_COPY_STREAM_THREAD_H_
