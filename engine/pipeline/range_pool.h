// Hands ranges of tables to lanes and cuts what remains when a lane runs out of work.
#ifndef LITE2PG_ENGINE_PIPELINE_RANGE_POOL_H_
#define LITE2PG_ENGINE_PIPELINE_RANGE_POOL_H_

#include <atomic>
#include <climits>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "engine/sqlite/row_source.h"

namespace lite2pg {

// A part of a table still to be read by one lane.
struct WorkRange {
  int table = -1;  // the caller's index
  KeyRange range;
  uint64_t weight_bytes = 0;  // a guess of what it holds; only decides who is cut
  bool huge = false;          // rows so large that only one lane at a time may hold one
  bool splittable = true;
};

// A lane is one reader with whatever it feeds. Lanes call Take() for work, look at hungry() between
// batches and Offer() a part of theirs when somebody waits, and Finish() a range they have read to
// its end. A lane that got nothing is parked: `wake` is called for it, outside the pool's lock,
// when work has turned up or none will come any more; then it calls Take() again.
//
// No lane ever blocks in here. All methods: any thread.
class RangePool {
 public:
  // `ranges` are handed out in the order given, to all lanes until LimitLanes() says otherwise.
  // `held`: as after Hold().
  RangePool(std::vector<WorkRange> ranges, std::function<void(int lane)> wake, bool held = false);

  enum class Answer : uint8_t { kRange, kParked, kClosed };
  Answer Take(int lane, WorkRange* range);

  // Somebody is parked, or others want work, and there is nothing queued.
  bool hungry() const;
  void Offer(WorkRange range);
  // Gives back a range for somebody to read again, for instance after a lost connection.
  void Return(WorkRange range) { Offer(std::move(range)); }
  void Finish(const WorkRange& range);
  // Everybody gets kClosed from now on.
  void Close();

  // Only lanes below `lanes` (at least 1) get work from now on; others that ask are parked until
  // the limit is raised, and do not count as hungry. One that holds a range may keep it, or see by
  // IsBeyondLimit() that it should give back what it has not read.
  void LimitLanes(int lanes);
  bool IsBeyondLimit(int lane) const { return lane >= lanes_max_.load(); }

  // Work may come from, and go to, other processes.
  //
  // From now on lanes without work wait for some from elsewhere, until Release(). False when all is
  // done already.
  bool Hold();
  void Release();
  // That many ranges are wanted elsewhere.
  void WantForOthers(int ranges);
  // A queued range that `may_go` accepts, which is not of this pool any more; false: none.
  bool TakeForOthers(const std::function<bool(const WorkRange&)>& may_go, WorkRange* range);
  // Nothing is queued or being read.
  bool Idle() const;
  // A lane is parked for want of work.
  bool Starves() const;
  bool closed() const;

 private:
  // Lanes to wake, taken from parked_. REQUIRES: mutex_ is held.
  std::vector<int> TakeParked(size_t count);
  // Those that wait for a higher limit, too: there will be no more work.
  std::vector<int> TakeAll();
  void Wake(const std::vector<int>& lanes);
  bool DoneLocked() const { return closed_ || (queue_.empty() && active_ == 0 && !held_); }

  const std::function<void(int)> wake_;
  mutable std::mutex mutex_;
  std::deque<WorkRange> queue_;
  std::vector<int> parked_;
  std::vector<int> benched_;  // parked because they are beyond the limit
  std::atomic<int> lanes_max_{INT_MAX};
  int active_ = 0;
  int wanted_by_others_ = 0;
  bool huge_active_ = false;
  bool held_ = false;
  bool closed_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_RANGE_POOL_H_
