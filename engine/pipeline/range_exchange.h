// Hands ranges of a run's data stage to other processes and takes theirs, by way of the ledger.
#ifndef LITE2PG_ENGINE_PIPELINE_RANGE_EXCHANGE_H_
#define LITE2PG_ENGINE_PIPELINE_RANGE_EXCHANGE_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/pipeline/range_pool.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/shares.h"

namespace lite2pg {

// What the data stage is told of other processes; outlives it.
struct SharedWork {
  // Of the source as a whole, to be compared with the other's; asked at most once, and on a thread
  // of its own. For the leader.
  std::function<absl::StatusOr<std::string>()> content;
  // Whether the process that leads the run is still there. For the others; asked now and then.
  std::function<absl::StatusOr<bool>(PgConnection&)> leader_is_there;

  bool had_members = false;  // result: others took part
  std::set<std::string> hosts;  // theirs, for the report
};

// Whether other processes may load parts of this table: not what only one process can account for.
bool IsShareable(const TablePlan& table);

// A thread that looks at the ledger a few times a second while there is somebody to share with, and
// seldom before. It holds the pool open as long as others have ranges of this round.
//
// The leader gives ranges to members who have none, fences off members that are gone, and takes
// back what nobody has taken. Members do the same among themselves, except for the fencing.
class RangeExchange {
 public:
  struct Callbacks {
    std::function<absl::StatusOr<PgConnection>()> connect;
    std::function<bool()> all_committed;  // every chunk that was made
    std::function<void(const absl::Status&)> failed;
    std::function<void(const std::string&)> note;  // for the user, a sentence
    std::function<void(uint64_t rows)> loaded_by_others;  // since the last call
  };

  // Everything given outlives it. A member's pool (ledger.member() > 0) is held from the start.
  RangeExchange(const Plan& plan, RangePool& pool, const Ledger& ledger, SharedWork& work,
                Callbacks callbacks);
  ~RangeExchange();

  // Ends the thread soon, whatever it waits for; any thread.
  void Stop();

 private:
  void Run();
  bool Wait(int milliseconds);
  absl::Status Tick();
  absl::Status LeaderTick();
  absl::Status MemberTick();
  absl::Status AdmitAndFence(const std::vector<Member>& members);
  absl::StatusOr<bool> SameContent(const Member& member);
  absl::Status GiveTo(int wanted);
  absl::StatusOr<bool> TakeBack();
  absl::Status CheckLeader();
  void ReleaseAll();

  const Plan& plan_;
  RangePool& pool_;
  const Ledger& ledger_;
  SharedWork& work_;
  const Callbacks callbacks_;
  const RunShares shares_;
  std::optional<PgConnection> connection_;
  std::optional<std::string> content_;
  bool holding_ = false;      // the pool
  bool reported_hungry_ = false;
  bool finished_ = false;     // nothing more will come
  int leader_gone_ms_ = 0;    // for how long
  uint64_t rows_of_others_ = 0;

  std::mutex connection_mutex_;  // while connection_ is replaced or cancelled from outside
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_RANGE_EXCHANGE_H_
