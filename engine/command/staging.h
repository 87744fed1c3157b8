// Where tables that a run creates are until they are published, how they get to their place, and
// how they are taken away again.
//
// Usually that is a schema of their own. A role that may not create schemas stages in the target
// schema itself, under names with the run's prefix, and publishes by renaming.
#ifndef LITE2PG_ENGINE_COMMAND_STAGING_H_
#define LITE2PG_ENGINE_COMMAND_STAGING_H_

#include <string>

#include "absl/status/status.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/report.h"

namespace lite2pg {

// Creates the staging schema (where there is one) and the bare tables, in transactions of at most
// kDdlPerTransactionMax statements.
absl::Status CreateStaged(PgConnection& connection, const Plan& plan);

// Moves everything to its place. Run it inside a transaction: it is what makes a run visible all
// at once. `report` tells which views were made.
absl::Status PublishStaged(PgConnection& connection, const Plan& plan, const Report& report);

// The stage of a run, in the ledger, whose tables are verified and on their way: some may be in
// their place already. It can only be gone on with.
inline constexpr absl::string_view kStagePublishing = "publishing";

// --publish batched: the same in transactions of at most kDdlPerTransactionMax moves, for more
// tables than the server has locks for. What is in the staging schema is what is left to do, so
// that it can be stopped and called again. Drops the schema at the end. REQUIRES: no transaction.
absl::Status PublishInBatches(PgConnection& connection, const std::string& staging_schema,
                              const std::string& target_schema);

// Removes whatever a run has staged and not published. `staging_schema` is "" for a run that staged
// under a prefix. Safe to repeat.
absl::Status DropStaged(PgConnection& connection, const std::string& run_id,
                        const std::string& target_schema, const std::string& staging_schema);

// After publish: the report names objects where they are now, not where they were staged.
void NamePublished(const Plan& plan, Report* report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_STAGING_H_
