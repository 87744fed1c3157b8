// Rows that turn out to be bad only when they are in tables of our own on the target: rows whose
// foreign key points nowhere, and rows that the application's table refuses when it gets them.
#ifndef LITE2PG_ENGINE_COMMAND_LATE_REJECTS_H_
#define LITE2PG_ENGINE_COMMAND_LATE_REJECTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/pipeline/reject_budget.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/rejects.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// Collects such rows in the form in which the target holds them, and finds the source's row for
// each by reading the table once more: rows that encode to the same bytes are interchangeable, so
// each collected row gets one source row of its own. One thread. Everything given outlives it.
class LateRejects {
 public:
  LateRejects(const Plan& plan, const LoadPolicy& policy, SourceSnapshot& snapshot,
              std::vector<LoadedTable>* loaded)
      : plan_(plan), policy_(policy), snapshot_(snapshot), loaded_(*loaded) {}

  struct Why {
    std::string code, sqlstate, column, reason;  // as in RejectRecord
  };

  // `tuple`: a COPY tuple of the table's loaded columns, in their order. `counted`: the row was
  // deleted in a transaction of its own, so that what is read back later lacks it. kTooManyRejects
  // with exit code 14 when there are more than allowed.
  absl::Status Add(size_t table, absl::string_view tuple, Why why, bool counted);
  bool empty() const { return pending_.empty(); }

  // Records all that was added since the last call in the open transaction of `connection`, and
  // corrects `loaded`.
  absl::Status Record(PgConnection& connection, const Ledger& ledger);

  // For the policy to stop: `error` with the row key and values of the source row that is like
  // `tuple`.
  absl::Status Locate(PgConnection& connection, size_t table, absl::string_view tuple,
                      ErrorInfo error);

  // What was added, so that a transaction that is rolled back in part can be followed.
  struct Added {
    size_t table = 0;
    std::string tuple;
  };
  const std::vector<Added>& added() const { return added_; }
  struct State;
  State Save() const;
  void Restore(const State& state);

  bool rejects_refused() const { return policy_.on_bad_value == OnBadValue::kReject; }

 private:
  using RowHash = std::pair<uint64_t, uint64_t>;
  struct Pending {
    std::vector<RowHash> fields;  // of every column, in canonical form
    Digest digest;                // of the row
    Why why;
    bool counted = false;
  };
  // By a hash of the columns that --fill leaves alone.
  using PendingRows = std::multimap<RowHash, Pending>;
  using OnFound = std::function<absl::Status(std::span<const SourceValue> row,
                                             const std::string& row_key, const Pending& pending)>;

  absl::StatusOr<Pending> Describe(size_t table, absl::string_view tuple) const;
  RowHash KeyOf(size_t table, const std::vector<RowHash>& fields) const;
  absl::Status FindRows(PgConnection& connection, size_t table, PendingRows* wanted,
                        const std::vector<std::string>& taken_keys, const OnFound& on_found);
  absl::Status FindRowsOnce(PgConnection& connection, size_t table, bool exact,
                            const std::set<std::string>& taken, PendingRows* wanted,
                            const OnFound& on_found);
  // Puts what the server makes of the columns that only it reads into `fields` of a source row.
  // False: it refuses one of them.
  absl::StatusOr<bool> ReadServerText(PgConnection& connection, size_t table,
                                      absl::string_view tuple, std::vector<RowHash>* fields) const;

  const Plan& plan_;
  const LoadPolicy& policy_;
  SourceSnapshot& snapshot_;
  std::vector<LoadedTable>& loaded_;
  std::map<size_t, PendingRows> pending_;  // by table
  std::vector<Added> added_;
};

struct LateRejects::State {
  std::map<size_t, PendingRows> pending;
  size_t added = 0;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_LATE_REJECTS_H_
