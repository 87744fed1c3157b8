// The data stage of one run, worked on by several processes: who takes part, and the key ranges
// that one has given away for another to take. PostgreSQL is the only thing that they have in
// common; docs/ledger.md draws the tables, docs/distributed.md tells the whole of it.
//
// What is loaded is never decided here: only a chunk in the ledger says so. A range that is lost on
// its way, with a connection or with a process, is found again as a part of a table that no chunk
// has. So every call may fail at any time, and be repeated, without a row being lost or doubled.
#ifndef LITE2PG_ENGINE_POSTGRES_SHARES_H_
#define LITE2PG_ENGINE_POSTGRES_SHARES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/rejects.h"

namespace lite2pg {

// A process that takes part. 0 is the one that leads the run.
struct Member {
  int64_t member = 0;
  std::string state;    // waiting, active, refused, left, dead
  std::string content;  // of its source: what it must have in common with the leader's
  std::string host;     // for messages
  bool hungry = false;  // it has readers without work
  bool gone = false;    // its sessions have ended, or it has not been seen for long
};

struct Share {
  std::string table;      // source name
  std::string key_range;  // as in ChunkRecord
  uint64_t weight_bytes = 0;
};

// What a member that is not the leader sees of the run.
struct RunView {
  bool same_epoch = false;  // nobody has taken the run over since
  bool loading = false;     // it is in its data stage
  std::string state;        // of this member
  int open_shares = 0;
  int hungry_members = 0;   // others, the leader included
};

// How many shares there are of a run.
struct ShareCounts {
  int open = 0;
  int taken = 0;                // by active members other than the leader
  uint64_t rows_of_others = 0;  // in chunks of members
};

// All calls are about one run in one epoch and go through the connection given.
class RunShares {
 public:
  explicit RunShares(const Ledger& ledger) : ledger_(ledger) {}

  // Makes this process a member, which waits until the leader has looked at `content`; its number.
  static absl::StatusOr<int64_t> Register(PgConnection& connection, const LedgerLocation& location,
                                          const std::string& run_id, int64_t epoch,
                                          const std::string& content, const std::string& host);

  // Gives one range away.
  absl::Status Give(PgConnection& connection, const Share& share) const;
  // The heaviest open one, now taken by this member; nullopt when there is none.
  absl::StatusOr<std::optional<Share>> Take(PgConnection& connection) const;
  // All that this member took is committed.
  absl::Status MarkDone(PgConnection& connection) const;
  // Notes that this member is there, and looks at the run.
  absl::StatusOr<RunView> Report(PgConnection& connection, bool hungry) const;
  // This member takes nothing any more; what it had and has not loaded is for others.
  absl::Status Leave(PgConnection& connection) const;

  // For the leader.
  absl::StatusOr<std::vector<Member>> ReadMembers(PgConnection& connection) const;
  absl::Status SetState(PgConnection& connection, int64_t member, absl::string_view state) const;
  absl::Status SetHungry(PgConnection& connection, bool hungry) const;
  // Ends what is left of a member and makes sure that nothing of it can commit any more.
  absl::Status Fence(PgConnection& connection, int64_t member) const;
  absl::StatusOr<ShareCounts> Count(PgConnection& connection) const;
  // Chunks of members, with their counts; and how many rows of which table they set aside.
  absl::StatusOr<std::vector<ChunkRecord>> ReadChunksOfOthers(PgConnection& connection) const;
  absl::StatusOr<std::vector<RejectCount>> CountRejectsOfOthers(PgConnection& connection) const;
  // Before a round begins: what is left of the last one is worked out anew.
  absl::Status Clear(PgConnection& connection) const;

 private:
  std::string Table(absl::string_view name) const { return ledger_.location().Table(name); }
  std::vector<PgParam> WithRun(std::vector<PgParam> more) const;

  const Ledger& ledger_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_SHARES_H_
