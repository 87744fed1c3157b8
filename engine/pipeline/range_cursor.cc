#include "engine/pipeline/range_cursor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/status_macros.h"

namespace lite2pg {
namespace {

// Less than this is not worth another statement and another COPY.
constexpr uint64_t kSplitBytesMin = uint64_t{2} << 20;

}  // namespace

RangeCursor::RangeCursor(SourceSnapshot& snapshot, RangePool& pool,
                         const std::vector<const TableReading*>& readings, int lane)
    : connection_(snapshot.reader(lane)),
      pool_(pool),
      readings_(readings),
      lane_(lane),
      source_(snapshot.NewRowSource(lane)) {}

absl::StatusOr<RangePool::Answer> RangeCursor::Take() {
  const RangePool::Answer answer = pool_.Take(lane_, &work_);
  if (answer != RangePool::Answer::kRange) return answer;
  has_range_ = true;
  bytes_read_ = 0;
  RETURN_IF_ERROR(source_->Open(reading(), work_.range));
  return answer;
}

absl::Status RangeCursor::Yield(uint64_t bytes) {
  bytes_read_ += bytes;
  if (!work_.splittable || work_.huge || reading().key_kind == KeyKind::kNone || !pool_.hungry()) {
    return absl::OkStatus();
  }
  // The weight was a guess: a range that has outgrown it is taken to be half read.
  const uint64_t remaining =
      work_.weight_bytes > bytes_read_ ? work_.weight_bytes - bytes_read_ : bytes_read_;
  if (remaining < kSplitBytesMin) return absl::OkStatus();

  KeyRange mine{source_->CurrentKey(), work_.range.up_to};
  absl::StatusOr<std::optional<SourceKey>> middle = source_->FindMiddle(reading(), mine);
  RETURN_IF_ERROR(middle.status());
  if (!middle->has_value()) {
    work_.splittable = false;
    return absl::OkStatus();
  }
  WorkRange theirs = work_;
  theirs.range = KeyRange{**middle, work_.range.up_to};
  theirs.weight_bytes = remaining / 2;
  mine.up_to = **middle;
  work_.range = mine;
  work_.weight_bytes = remaining / 2;
  bytes_read_ = 0;
  RETURN_IF_ERROR(source_->Open(reading(), work_.range));
  pool_.Offer(std::move(theirs));
  return absl::OkStatus();
}

void RangeCursor::GiveBack() {
  WorkRange rest = work_;
  rest.range = KeyRange{source_->CurrentKey(), work_.range.up_to};
  rest.weight_bytes = work_.weight_bytes > bytes_read_ ? work_.weight_bytes - bytes_read_ : 0;
  // Offered first, or the pool could think that all is done.
  pool_.Offer(std::move(rest));
  Finish();
}

void RangeCursor::Finish() {
  source_->Close();
  if (work_.huge) connection_.ReleaseMemory();
  has_range_ = false;
  pool_.Finish(work_);
}

}  // namespace lite2pg
