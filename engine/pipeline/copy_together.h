// The data stage of a run that is one transaction: for a role that may create nothing, not even the
// ledger that committing in parts needs.
#ifndef LITE2PG_ENGINE_PIPELINE_COPY_TOGETHER_H_
#define LITE2PG_ENGINE_PIPELINE_COPY_TOGETHER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// Copies plan.existing.load_order, one COPY per table, into the open transaction of `connection`.
// One result per table of the plan. After an error the transaction must be rolled back; a row that
// the server refuses is named. Nothing is set aside, so that `ledger` need not exist.
absl::StatusOr<std::vector<LoadedTable>> CopyTogether(const Plan& plan, SourceSnapshot& snapshot,
                                                      const Ledger& ledger,
                                                      const LoadPolicy& policy,
                                                      PgConnection& connection, EventSink& events,
                                                      CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_COPY_TOGETHER_H_
