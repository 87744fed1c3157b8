#include "engine/pipeline/range_pool.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace lite2pg {

RangePool::RangePool(std::vector<WorkRange> ranges, std::function<void(int lane)> wake, bool held)
    : wake_(std::move(wake)),
      queue_(std::make_move_iterator(ranges.begin()), std::make_move_iterator(ranges.end())),
      held_(held) {}

RangePool::Answer RangePool::Take(int lane, WorkRange* range) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (DoneLocked()) return Answer::kClosed;
  if (IsBeyondLimit(lane)) {
    benched_.push_back(lane);
    return Answer::kParked;
  }
  const auto ready = std::find_if(queue_.begin(), queue_.end(),
                                  [this](const WorkRange& r) { return !r.huge || !huge_active_; });
  if (ready == queue_.end()) {
    parked_.push_back(lane);
    return Answer::kParked;
  }
  *range = std::move(*ready);
  queue_.erase(ready);
  ++active_;
  if (range->huge) huge_active_ = true;
  return Answer::kRange;
}

bool RangePool::hungry() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return (!parked_.empty() || wanted_by_others_ > 0) && queue_.empty() && !closed_;
}

void RangePool::Offer(WorkRange range) {
  std::vector<int> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(range));
    wake = TakeParked(1);
  }
  Wake(wake);
}

void RangePool::Finish(const WorkRange& range) {
  std::vector<int> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --active_;
    if (range.huge) huge_active_ = false;
    // A queued huge range may be taken now; and when nothing is left, all shall learn of it.
    if (DoneLocked()) {
      wake = TakeAll();
    } else if (range.huge && !queue_.empty()) {
      wake = TakeParked(1);
    }
  }
  Wake(wake);
}

void RangePool::Close() {
  std::vector<int> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    wake = TakeAll();
  }
  Wake(wake);
}

void RangePool::LimitLanes(int lanes) {
  std::vector<int> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    lanes_max_.store(std::max(1, lanes));
    const auto beyond = [this](int lane) { return IsBeyondLimit(lane); };
    // Whoever waits beyond the new limit must not be the one that is woken for work.
    const auto first = std::partition(parked_.begin(), parked_.end(), std::not_fn(beyond));
    std::vector<int> benched(first, parked_.end());
    parked_.erase(first, parked_.end());
    for (const int lane : benched_) (beyond(lane) ? benched : wake).push_back(lane);
    benched_ = std::move(benched);
  }
  Wake(wake);
}

bool RangePool::Hold() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (DoneLocked()) return false;
  held_ = true;
  return true;
}

void RangePool::Release() {
  std::vector<int> wake;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    held_ = false;
    wanted_by_others_ = 0;
    if (DoneLocked()) wake = TakeAll();
  }
  Wake(wake);
}

void RangePool::WantForOthers(int ranges) {
  const std::lock_guard<std::mutex> lock(mutex_);
  wanted_by_others_ = ranges;
}

bool RangePool::TakeForOthers(const std::function<bool(const WorkRange&)>& may_go,
                              WorkRange* range) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return false;
  const auto found = std::find_if(queue_.begin(), queue_.end(), may_go);
  if (found == queue_.end()) return false;
  *range = std::move(*found);
  queue_.erase(found);
  if (wanted_by_others_ > 0) --wanted_by_others_;
  return true;
}

bool RangePool::Idle() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.empty() && active_ == 0;
}

bool RangePool::Starves() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !parked_.empty() && queue_.empty() && !closed_;
}

bool RangePool::closed() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return closed_;
}

std::vector<int> RangePool::TakeParked(size_t count) {
  std::vector<int> lanes;
  while (lanes.size() < count && !parked_.empty()) {
    lanes.push_back(parked_.back());
    parked_.pop_back();
  }
  return lanes;
}

std::vector<int> RangePool::TakeAll() {
  std::vector<int> lanes = TakeParked(parked_.size());
  lanes.insert(lanes.end(), benched_.begin(), benched_.end());
  benched_.clear();
  return lanes;
}

void RangePool::Wake(const std::vector<int>& lanes) {
  for (const int lane : lanes) wake_(lane);
}

}  // namespace lite2pg
