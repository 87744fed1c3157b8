#include "engine/pipeline/chunk_stream.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/exception_status.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/pipeline/column_counts_text.h"
#include "engine/postgres/row_refusal.h"

namespace lite2pg {
namespace {

using Clock = std::chrono::steady_clock;

// Connections lost, or conflicts with other sessions, without a COMMIT in between.
constexpr int kLossesMax = 5;
// How long a server that restarts is waited for, and the pauses between attempts to connect.
constexpr auto kReconnectWithin = std::chrono::seconds(60);
constexpr int kPauseMinMs = 50;
constexpr int kPauseMaxMs = 2'000;

// The server is not there, or not yet: worth another attempt. A refused login is not.
bool MayComeBack(const ErrorInfo& info) {
  return info.code == ErrorCode::kTargetUnreachable ||
         info.code == ErrorCode::kTargetConnectionLost || info.sqlstate == "53300";
}

// One batch as a fault of memory behind the encoder would leave it: tests prove that it is noticed.
absl::string_view SpoiltForTests(absl::string_view rows, std::string* spoilt) {
  static const uint64_t spoilt_batch = LimitForTests("spoilt_batch", 0);
  static std::atomic<uint64_t> batches{0};
  if (spoilt_batch == 0 || batches.fetch_add(1) + 1 != spoilt_batch) return rows;
  *spoilt = ToStd(rows);
  char& byte = (*spoilt)[LimitForTests("spoilt_byte", 1) % rows.size()];
  byte = static_cast<char>(byte ^ (1 << (LimitForTests("spoilt_bit", 8) % 8)));
  return *spoilt;
}

}  // namespace

ChunkStream::ChunkStream(PgConnection connection, const Ledger& ledger, Callbacks callbacks)
    : connection_(std::move(connection)),
      ledger_(ledger),
      callbacks_(std::move(callbacks)),
      backend_pid_(connection_.backend_pid()) {}

ChunkStream::~ChunkStream() {
  copy_.reset();
  connection_.Rollback();
}

absl::Status ChunkStream::Take(Batch& batch) {
  if (stopped_.load()) {
    return MakeError(ErrorCode::kInterrupted, ExitCode::kInterrupted, "the run is being stopped");
  }
  absl::Status status;
  try {
    status = Process(batch);
  } catch (const std::exception&) {
    status = StatusOfException("sending");
  }
  if (status.ok()) return status;
  stopped_.store(true);
  copy_.reset();
  connection_.Rollback();
  ErrorInfo where;
  if (batch.table != nullptr) where.table = batch.table->source->name;
  return WithContext(status, where);
}

void ChunkStream::Stop() {
  {
    // Under the lock, or Sleep() could miss it between its look and its wait.
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_.store(true);
  }
  wake_.notify_all();
  const std::lock_guard<std::mutex> lock(connection_mutex_);
  connection_.Cancel();
}

// ---- The usual way: batches as they come -------------------------------------------------------

absl::Status ChunkStream::Process(Batch& batch) {
  // Set when the last chunk of this batch is not among open_.
  bool chunk_is_open = batch.ends_copy;
  if (broken_.ok()) {
    const absl::Status status = Send(batch, &chunk_is_open);
    if (status.ok()) return status;
    if (!CanRedo(status)) return status;
    GiveUp(status);
  }
  if (chunk_is_open) redo_.push_back(std::move(batch.chunk));
  if (!batch.commits) return absl::OkStatus();
  // One large row would otherwise be held twice while it is read again.
  batch.rows.Release();
  return Redo();
}

absl::Status ChunkStream::Send(Batch& batch, bool* chunk_is_open) {
  if (batch.begins_copy) {
    if (open_.empty()) {
      LITE2PG_FAILPOINT("data.begin.before");
      RETURN_IF_ERROR(ledger_.BeginChunk(connection_));
      LITE2PG_FAILPOINT("data.begin.done");
    }
    LITE2PG_FAILPOINT("data.copy.before");
    copy_ = std::make_unique<CopyIn>(connection_);
    sends_text_ = batch.table->is_text_copy();
    RETURN_IF_ERROR(copy_->Begin(batch.table->LoadTarget(), batch.table->TargetColumns(),
                                 !sends_text_));
    LITE2PG_FAILPOINT("data.copy.begun");
  }
  for (RejectRecord& reject : batch.rejects) rejects_.push_back(std::move(reject));
  if (!batch.rows.empty()) {
    LITE2PG_FAILPOINT("data.flush.before");
    std::string spoilt;
    RETURN_IF_ERROR(copy_->Write(SpoiltForTests(batch.rows.view(), &spoilt)));
    LITE2PG_FAILPOINT("data.flush.done");
  }
  if (batch.ends_copy) {
    RETURN_IF_ERROR(EndCopy(batch));
    *chunk_is_open = false;
  }
  if (!batch.commits || open_.empty()) return absl::OkStatus();
  return CommitOpen();
}

absl::Status ChunkStream::EndCopy(Batch& batch) {
  LITE2PG_FAILPOINT("data.copy_done.before");
  ASSIGN_OR_RETURN(const uint64_t counted, copy_->Finish());
  copy_.reset();
  LITE2PG_FAILPOINT("data.copy_done.done");
  // A stream that was cut at a row's border is accepted by the server; only the count tells.
  if (counted != batch.chunk.record.rows) {
    return MakeError(ErrorCode::kCountDiffers, ExitCode::kTargetRefuses,
                     absl::StrCat("the server counted ", counted, " rows of ",
                                  batch.chunk.record.rows,
                                  " that were sent; nothing of them was committed"),
                     "look for a trigger or rule on the table that drops rows");
  }
  if (!rejects_.empty()) {
    uint64_t of_table = rejects_.size();
    for (const Chunk& chunk : open_) {
      if (chunk.table_index == batch.table_index) of_table += chunk.rejected;
    }
    RETURN_IF_ERROR(callbacks_.check_rejects(batch.table_index, of_table, &rejects_.back()));
    for (RejectRecord& reject : rejects_) reject.chunk = batch.chunk.record.chunk;
    LITE2PG_FAILPOINT("data.rejects.before");
    RETURN_IF_ERROR(InsertRejects(connection_, ledger_, rejects_));
    LITE2PG_FAILPOINT("data.rejects.done");
    rejects_.clear();
  }
  open_.push_back(batch.chunk);
  return absl::OkStatus();
}

absl::Status ChunkStream::CommitOpen() {
  RETURN_IF_ERROR(callbacks_.check_source());
  std::vector<ChunkRecord> records;
  records.reserve(open_.size());
  for (const Chunk& chunk : open_) {
    records.push_back(chunk.record);
    if (ledger_.member() > 0) records.back().counts = EncodeCounts(chunk.counts);
  }
  LITE2PG_FAILPOINT("data.commit.before");
  RETURN_IF_ERROR(ledger_.CommitChunks(connection_, records));
  LITE2PG_FAILPOINT("data.commit.reply_lost");
  for (const Chunk& chunk : open_) callbacks_.committed(chunk);
  LITE2PG_FAILPOINT("data.committed");
  open_.clear();
  losses_ = 0;
  return absl::OkStatus();
}

// ---- When something went wrong: once more ------------------------------------------------------

bool ChunkStream::CanRedo(const absl::Status& status) const {
  if (stopped_.load()) return false;
  const ErrorInfo info = InfoOf(status);
  if (info.code == ErrorCode::kTargetOutOfResource) return false;
  // What we refused ourselves, or have traced to its row, stays refused.
  if (info.code == ErrorCode::kBadValue || info.code == ErrorCode::kTooManyRejects ||
      !info.row_key.empty()) {
    return false;
  }
  return info.code == ErrorCode::kCommitInDoubt || info.code == ErrorCode::kTargetConnectionLost ||
         !connection_.alive() || IsConflict(info) || IsRowRefusal(info, sends_text_);
}

void ChunkStream::GiveUp(const absl::Status& status) {
  broken_ = status;
  copy_.reset();
  rejects_.clear();
  const ErrorInfo info = InfoOf(status);
  // In doubt, open_ may be in the target; Settle() decides.
  if (info.code != ErrorCode::kCommitInDoubt) {
    connection_.Rollback();
    redo_ = std::move(open_);
    open_.clear();
  }
  callbacks_.give_up();
}

absl::Status ChunkStream::Redo() {
  while (true) {
    const ErrorInfo info = InfoOf(broken_);
    const bool lost = info.code == ErrorCode::kCommitInDoubt || !connection_.alive() ||
                      info.code == ErrorCode::kTargetConnectionLost;
    if (lost || IsConflict(info)) {
      if (++losses_ > kLossesMax) return broken_;
      callbacks_.retrying(absl::StrCat(info.what, "; trying again (", losses_, " of ", kLossesMax,
                                       ")"));
    } else {
      callbacks_.retrying(absl::StrCat("the server refused rows (",
                                       EscapeForMessage(info.server, 160), "); finding them"));
    }
    absl::Status status = lost ? Reconnect() : absl::OkStatus();
    if (status.ok()) status = TryRedo();
    if (status.ok()) {
      broken_ = absl::OkStatus();
      redo_.clear();
      check_deferred_ = false;
      return status;
    }
    if (!CanRedo(status)) return status;
    // What a redo cannot isolate, it could not in another round; but a constraint that spoke up
    // only at COMMIT is found when it is checked earlier.
    if (IsRowRefusal(InfoOf(status), sends_text_) && connection_.alive()) {
      if (check_deferred_) return status;
      check_deferred_ = true;
    }
    broken_ = status;
    if (InfoOf(status).code != ErrorCode::kCommitInDoubt) {
      connection_.Rollback();
      open_.clear();
    }
    if (IsConflict(InfoOf(status)) && !Sleep(kPauseMinMs * losses_)) return status;
  }
}

// One transaction for all chunks of the one that failed. In doubt, open_ holds what was sent.
absl::Status ChunkStream::TryRedo() {
  if (redo_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(ledger_.BeginChunk(connection_));
  for (const Chunk& chunk : redo_) {
    uint64_t rejected = 0;
    for (const Chunk& other : open_) {
      if (other.table_index == chunk.table_index) rejected += other.rejected;
    }
    absl::StatusOr<LoadedChunk> loaded =
        callbacks_.reload(connection_, chunk, check_deferred_, rejected);
    if (!loaded.ok()) {
      ErrorInfo where;
      where.table = chunk.table->source->name;
      return WithContext(loaded.status(), where);
    }
    Chunk done = chunk;
    done.record.rows = loaded->digest.rows;
    done.record.bytes = loaded->bytes;
    done.record.digest = loaded->digest;
    done.counts = std::move(loaded->counts);
    done.rejected = loaded->rejected;
    open_.push_back(std::move(done));
  }
  return CommitOpen();
}

absl::Status ChunkStream::Reconnect() {
  const int lost_pid = backend_pid_;
  const Clock::time_point deadline = Clock::now() + kReconnectWithin;
  int pause_ms = kPauseMinMs << std::min(losses_ - 1, 4);
  while (true) {
    if (!Sleep(pause_ms)) return broken_;
    absl::StatusOr<PgConnection> connection = callbacks_.connect();
    absl::Status status = connection.status();
    if (connection.ok()) {
      {
        const std::lock_guard<std::mutex> lock(connection_mutex_);
        connection_ = *std::move(connection);
      }
      backend_pid_ = connection_.backend_pid();
      status = Settle(lost_pid);
      if (status.ok()) return status;
      if (connection_.alive()) return status;
    }
    if (!MayComeBack(InfoOf(status))) return status;
    if (Clock::now() >= deadline) return broken_;
    pause_ms = std::min(pause_ms * 2, kPauseMaxMs);
  }
}

// Ends what is left of the lost session, so that nothing of it can happen any more; and when its
// last word was COMMIT, asks the ledger what became of it.
absl::Status ChunkStream::Settle(int lost_pid) {
  const bool in_doubt = InfoOf(broken_).code == ErrorCode::kCommitInDoubt;
  const std::vector<Chunk>& asked = in_doubt ? open_ : redo_;
  if (asked.empty()) return absl::OkStatus();
  // All chunks of a transaction are there or none is.
  ASSIGN_OR_RETURN(const bool committed,
                   ledger_.SettleChunk(connection_, lost_pid, asked[0].record.table,
                                       asked[0].record.chunk));
  if (!in_doubt) return absl::OkStatus();
  if (committed) {
    for (const Chunk& chunk : open_) callbacks_.committed(chunk);
    redo_.clear();
  } else if (redo_.empty()) {
    redo_ = open_;
  }
  open_.clear();
  return absl::OkStatus();
}

// False when the run is being stopped.
bool ChunkStream::Sleep(int milliseconds) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                         [this] { return stopped_.load(); });
}

}  // namespace lite2pg
