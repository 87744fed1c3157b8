// One lane's reading: takes ranges from the pool, reads them, and cuts them for hungry lanes.
#ifndef LITE2PG_ENGINE_PIPELINE_RANGE_CURSOR_H_
#define LITE2PG_ENGINE_PIPELINE_RANGE_CURSOR_H_

#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/pipeline/range_pool.h"
#include "engine/sqlite/row_source.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// One thread at a time; `snapshot`, `pool` and `readings` outlive it.
class RangeCursor {
 public:
  // `lane` is the number of its reader, too.
  RangeCursor(SourceSnapshot& snapshot, RangePool& pool,
              const std::vector<const TableReading*>& readings, int lane);

  // Work for this lane; on kRange the cursor stands before its first row.
  absl::StatusOr<RangePool::Answer> Take();
  bool has_range() const { return has_range_; }
  const WorkRange& work() const { return work_; }
  const TableReading& reading() const { return *readings_[static_cast<size_t>(work_.table)]; }

  // As RowSource::Next; empty at the end of the range.
  absl::StatusOr<std::span<const SourceValue>> Next() { return source_->Next(); }
  const RowSource& source() const { return *source_; }

  // Between two batches: `bytes` were read since the last call. Gives half of what remains away
  // when another lane is waiting. REQUIRES: Next() returned a row since Take().
  absl::Status Yield(uint64_t bytes);
  // The range was read to its end.
  void Finish();
  // For a lane that shall stop: gives back what it has not read. REQUIRES: CanGiveBack(), and as
  // for Yield().
  void GiveBack();
  bool CanGiveBack() const { return !work_.huge && reading().key_kind != KeyKind::kNone; }
  bool IsBeyondLimit() const { return pool_.IsBeyondLimit(lane_); }

 private:
  SqliteConnection& connection_;
  RangePool& pool_;
  const std::vector<const TableReading*>& readings_;
  const int lane_;
  std::unique_ptr<RowSource> source_;
  WorkRange work_;
  uint64_t bytes_read_ = 0;
  bool has_range_ = false;
};

// Lets at most one task of a lane run at a time: whoever Enter()s when nobody is inside shall run
// the lane; others leave a note that it must run once more.
class Activation {
 public:
  // True: the caller must schedule the lane.
  bool Enter() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (running_) {
      again_ = true;
      return false;
    }
    running_ = true;
    return true;
  }
  // The task has ended; true: schedule it again. `more`: it has more to do by itself.
  bool Leave(bool more) {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_ = more || again_;
    again_ = false;
    return running_;
  }
  // Nobody is inside, and what those who were did is seen by the caller.
  bool Idle() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !running_;
  }

 private:
  std::mutex mutex_;
  bool running_ = false;
  bool again_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_RANGE_CURSOR_H_
