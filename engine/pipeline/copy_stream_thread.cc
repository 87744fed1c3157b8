#include "engine/pipeline/copy_stream_thread.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"

namespace lite2pg {

CopyStreamThread::CopyStreamThread(PgConnection connection, const Ledger& ledger,
                                   Callbacks callbacks)
    : connection_(std::move(connection)),
      ledger_(ledger),
      callbacks_(std::move(callbacks)),
      thread_([this] { Run(); }) {}

CopyStreamThread::~CopyStreamThread() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void CopyStreamThread::Push(std::shared_ptr<Batch> batch) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const int64_t sequence = batch->sequence;
    queue_.emplace(sequence, std::move(batch));
  }
  wake_.notify_one();
}

void CopyStreamThread::Stop() {
  stopped_.store(true);
  connection_.Cancel();
}

void CopyStreamThread::Run() {
  while (true) {
    std::shared_ptr<Batch> batch;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      const auto next_is_here = [this] {
        return !queue_.empty() && queue_.begin()->first == next_sequence_;
      };
      wake_.wait(lock, [&] { return closing_ || next_is_here(); });
      if (!next_is_here()) break;
      batch = std::move(queue_.begin()->second);
      queue_.erase(queue_.begin());
      ++next_sequence_;
    }
    if (!stopped_.load()) {
      absl::Status status;
      try {
        status = Process(*batch);
      } catch (const std::exception& e) {
        status = MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                           absl::StrCat("unexpected exception while sending: ", e.what()));
      }
      if (!status.ok()) {
        stopped_.store(true);
        copy_.reset();
        connection_.Rollback();
        ErrorInfo where;
        if (batch->table != nullptr) where.table = batch->table->source->name;
        callbacks_.failed(WithContext(status, where));
      }
    }
    callbacks_.batch_done(std::move(batch));
  }
  copy_.reset();
  connection_.Rollback();
}

absl::Status CopyStreamThread::Process(Batch& batch) {
  if (batch.begins_copy) {
    if (pending_.empty()) RETURN_IF_ERROR(ledger_.BeginChunk(connection_));
    copy_ = std::make_unique<CopyIn>(connection_);
    RETURN_IF_ERROR(copy_->Begin(batch.table->LoadTarget(), batch.table->TargetColumns()));
  }
  if (!batch.rows.empty()) RETURN_IF_ERROR(copy_->Write(batch.rows.view()));
  if (batch.ends_copy) RETURN_IF_ERROR(EndCopy(batch));
  if (!batch.commits || pending_.empty()) return absl::OkStatus();

  RETURN_IF_ERROR(callbacks_.check_source());
  std::vector<ChunkRecord> records;
  records.reserve(pending_.size());
  for (const CommittedChunk& chunk : pending_) records.push_back(chunk.record);
  RETURN_IF_ERROR(ledger_.CommitChunks(connection_, records));
  for (const CommittedChunk& chunk : pending_) callbacks_.committed(chunk);
  pending_.clear();
  return absl::OkStatus();
}

absl::Status CopyStreamThread::EndCopy(Batch& batch) {
  ASSIGN_OR_RETURN(const uint64_t counted, copy_->Finish());
  copy_.reset();
  // A stream that was cut at a row's border is accepted by the server; only the count tells.
  if (counted != batch.record.rows) {
    return MakeError(ErrorCode::kCountDiffers, ExitCode::kTargetRefuses,
                     absl::StrCat("the server counted ", counted, " rows of ", batch.record.rows,
                                  " that were sent; nothing of them was committed"),
                     "look for a trigger or rule on the table that drops rows");
  }
  pending_.push_back({batch.table_index, batch.lane, batch.record, std::move(batch.counts)});
  return absl::OkStatus();
}

}  // namespace lite2pg
