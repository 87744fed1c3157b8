#include "engine/pipeline/stream_controller.h"

#include <algorithm>

namespace lite2pg {
namespace {

// Intervals to let a change take effect, to measure it, and to leave everything as it is. Measuring
// spans a few transactions' ends, whose waits for the disk would otherwise decide.
constexpr int kSettleIntervals = 1;
constexpr int kMeasureIntervals = 3;
constexpr int kRestIntervals = 40;
// One stream more must carry this much more, or it is noise; one less may carry this much less than
// the best that was seen.
constexpr double kMoreHelps = 1.06;
constexpr double kLessIsAsGood = 0.98;

}  // namespace

StreamController::StreamController(int start, int max)
    : max_(std::max(1, max)),
      streams_(std::clamp(start, 1, max_)),
      kept_(streams_),
      left_(kSettleIntervals) {}

int StreamController::Observe(uint64_t bytes) {
  if (phase_ == Phase::kMeasure) sum_ += static_cast<double>(bytes);
  if (--left_ > 0) return streams_;
  switch (phase_) {
    case Phase::kSettle:
      phase_ = Phase::kMeasure;
      left_ = kMeasureIntervals;
      sum_ = 0;
      break;
    case Phase::kMeasure:
      Judge(sum_ / kMeasureIntervals);
      break;
    case Phase::kRest:
      kept_rate_ = best_rate_ = 0;
      tried_more_ = more_helped_ = false;
      Try(streams_);
      break;
  }
  return streams_;
}

void StreamController::LimitTo(int max) {
  max_ = std::max(1, max);
  if (streams_ <= max_ && kept_ <= max_) return;
  kept_ = std::min(kept_, max_);
  Rest(kept_);
}

void StreamController::Judge(double rate) {
  if (streams_ > kept_) {
    if (rate >= kept_rate_ * kMoreHelps) {
      more_helped_ = true;
      kept_ = streams_;
      kept_rate_ = rate;
    }
  } else if (streams_ < kept_) {
    if (rate < best_rate_ * kLessIsAsGood) return Rest(kept_);
    kept_ = streams_;
    kept_rate_ = rate;
  } else {
    kept_rate_ = rate;
  }
  best_rate_ = std::max(best_rate_, kept_rate_);
  const bool at_kept = streams_ == kept_;
  if (at_kept && kept_ < max_ && (!tried_more_ || more_helped_)) {
    tried_more_ = true;
    return Try(kept_ + 1);
  }
  // What was worth adding is not taken away again.
  if (kept_ > 1 && !more_helped_) return Try(kept_ - 1);
  Rest(kept_);
}

void StreamController::Try(int streams) {
  streams_ = streams;
  phase_ = Phase::kSettle;
  left_ = kSettleIntervals;
}

void StreamController::Rest(int streams) {
  streams_ = streams;
  phase_ = Phase::kRest;
  left_ = kRestIntervals;
}

}  // namespace lite2pg
