// Merging: rows that were loaded beside a table of the application go into it, all tables in one
// transaction, which is verified before it ends. Until then nobody sees anything, and a failure
// leaves nothing behind.
#ifndef LITE2PG_ENGINE_COMMAND_EXISTING_MERGE_H_
#define LITE2PG_ENGINE_COMMAND_EXISTING_MERGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coercion/digest.h"
#include "engine/command/late_rejects.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// What became of one table of the plan.
struct MergedTable {
  uint64_t rows_preexisting = 0, rows_copied = 0, rows_skipped = 0, rows_target = 0;
  bool compared = false;
  Digest source, target;        // of the rows that this run accounts for
  Digest before;                // kAdd: of the rows that were there
  std::vector<DifferenceReport> differences;   // skip-equal: rows that were refused
};

// The tables beside the application's, without keys or constraints. REQUIRES: the staging schema.
absl::Status CreateMergeTables(PgConnection& connection, const Plan& plan);
std::string CreateMergeTableSql(const TablePlan& table);

// Puts rows into the application's tables, in plan.existing.merge_order. REQUIRES: a transaction
// is open, in which foreign keys that stand in the way are dropped already. `merged` has one
// element per table of the plan. Errors: 8 for rows that the policy or the server refuses; with
// the policy to reject, those that the server refuses go to `late` instead.
absl::Status MergeRows(PgConnection& connection, const Plan& plan, ExistingRows policy,
                       LateRejects* late, std::vector<MergedTable>* merged);

// Reads both sides within the same transaction and fills the digests; the caller compares.
absl::Status DigestMerged(PgConnection& connection, const Plan& plan, ExistingRows policy,
                          std::vector<MergedTable>* merged);

// The digest of a query whose columns are those of `table`, in its order.
absl::StatusOr<Digest> DigestQuery(PgConnection& connection, const std::string& query,
                                   const TablePlan& table);

// --fill: sets values where they are NULL, in the table that was loaded. `digest` is what was
// sent: it must be what is there (unless `prove` is false), and becomes what is there afterwards.
// Returns the number of rows that got a value.
absl::StatusOr<uint64_t> FillValues(PgConnection& connection, const TablePlan& table, bool prove,
                                    Digest* digest);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_EXISTING_MERGE_H_
