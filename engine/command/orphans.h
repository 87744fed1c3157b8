// --orphans: rows whose foreign key points nowhere.
#ifndef LITE2PG_ENGINE_COMMAND_ORPHANS_H_
#define LITE2PG_ENGINE_COMMAND_ORPHANS_H_

#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/command/late_rejects.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/report.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// Plan, for `stop` and `reject`, and for `not-valid` when `deep`: asks SQLite itself (PRAGMA
// foreign_key_check) about every table that is created; rows become findings with examples, which
// block for `stop`. SQLite's idea of equal is not PostgreSQL's for every type and collation, so the
// last word is spoken after the load.
absl::Status FindOrphansInSource(SqliteConnection& reader, const Plan& plan, Orphans policy,
                                 bool deep, std::vector<Finding>* findings);

// After the data stage: takes rows that refer to rows set aside out of the tables that were loaded,
// with `reject` also those whose key points nowhere, and rows that point to these, until none is
// left; all in one transaction of `connection`, with their records. By PostgreSQL's own comparison.
absl::Status RejectOrphans(PgConnection& connection, const Plan& plan, const Ledger& ledger,
                           Orphans policy, LateRejects* late, std::vector<Finding>* findings,
                           const CancelToken& cancel);

// After post-data, for `stop`: exit code 8 when a foreign key of a created table could only be made
// NOT VALID.
absl::Status OrphansStatus(const Plan& plan, const Report& report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_ORPHANS_H_
