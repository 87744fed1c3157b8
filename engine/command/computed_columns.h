// Columns of the application's tables that the target computes (GENERATED ALWAYS AS ... STORED) and
// of which the source holds values too: nothing can be loaded into them, so they are compared.
#ifndef LITE2PG_ENGINE_COMMAND_COMPUTED_COLUMNS_H_
#define LITE2PG_ENGINE_COMMAND_COMPUTED_COLUMNS_H_

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/command/request.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

struct ComputedInputs {
  const Plan& plan;
  const CommonOptions& options;     // with patterns of names resolved
  ExistingRows existing_rows;
  SourceSnapshot& snapshot;
  int readers;                      // the first ones of the snapshot that are free
  PgConnection& coordinator;        // in whose open transaction rows may be
  PgConnectOptions connect;         // for all others
  EventSink& events;
  CancelToken& cancel;
};

// Reads key and computed columns of both sides, of the tables that have such columns. Where the
// target computes another value than the source has, that is a finding, with the number of rows and
// the first of them; so is what cannot be compared. Errors: a side that cannot be read. The first
// of report->tables are those of the plan.
absl::Status CompareComputed(const ComputedInputs& inputs, Report* report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_COMPUTED_COLUMNS_H_
