// The data stage of a run that other processes may join, as the process that leads it sees it.
#ifndef LITE2PG_ENGINE_COMMAND_SHARED_DATA_H_
#define LITE2PG_ENGINE_COMMAND_SHARED_DATA_H_

#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/pipeline/range_exchange.h"
#include "engine/plan/plan.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// As CopyTables, with whoever joins. Results are of all of them. What a process had taken and not
// loaded when it went is worked out from the ledger and loaded in another round; one round is the
// rule.
absl::StatusOr<std::vector<LoadedTable>> LoadTogether(const Plan& plan, SourceSnapshot& snapshot,
                                                      const Ledger& ledger,
                                                      const CopyOptions& options, SharedWork* work,
                                                      EventSink& events, CancelToken& cancel);

// What the report says of them.
Finding JoinedFinding(const SharedWork& work);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SHARED_DATA_H_
