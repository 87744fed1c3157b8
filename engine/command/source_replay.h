// Reading a table's source once more, row by row, as the target should hold it.
#ifndef LITE2PG_ENGINE_COMMAND_SOURCE_REPLAY_H_
#define LITE2PG_ENGINE_COMMAND_SOURCE_REPLAY_H_

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/rejects.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

struct ReplayedRow {
  std::string row_key;
  std::vector<OwnedCell> cells;  // the source's values
  std::string tuple;             // a COPY tuple in the form of the table's codecs; values that only
                                 // the server reads are as its output function prints them
};

struct ReplayCallbacks {
  // Rows that the target should hold, in the source's order.
  std::function<absl::Status(const ReplayedRow& row)> on_row;
  // The server's input function refused the value of a column; may be null. on_row is not called.
  std::function<absl::Status(const ReplayedRow& row, size_t column, const absl::Status& refusal)>
      on_refused;
};

// Calls back for every row of the source that encodes, and is not among `without` (of this table);
// each of those takes one row away, by its key and all its values. `server` is asked about columns
// whose values only it reads; it may be null when there are none. One thread.
absl::Status ReplayRows(SqliteConnection& reader, PgConnection* server, const TablePlan& table,
                        const std::vector<RejectRecord>& without,
                        const ReplayCallbacks& callbacks, const CancelToken& cancel);

// Plan: asks the server about every value of the columns that only it reads. Those that it refuses
// become a finding per column, as for other types.
absl::Status CheckServerText(SqliteConnection& reader, PgConnection& server,
                             const LoadPolicy& policy, const CancelToken& cancel, Plan* plan);

// After the data stage: the digest of such tables becomes that of the values as the server's own
// functions print them, from the source and without looking at the tables. What was sent until
// then stands in the ledger. Does nothing for a plan without such tables.
absl::Status DigestServerText(SqliteConnection& reader, PgConnection& server,
                              const Ledger& ledger, const Plan& plan, const CancelToken& cancel,
                              std::vector<LoadedTable>* loaded);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SOURCE_REPLAY_H_
