// SQL that takes a finished run back, or empties what it copied: made from the ledger and from what
// the target holds now, and only where it removes exactly what the run brought.
#ifndef LITE2PG_ENGINE_COMMAND_UNDO_H_
#define LITE2PG_ENGINE_COMMAND_UNDO_H_

#include "absl/status/status.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/report.h"

namespace lite2pg {

enum class UndoKind : uint8_t {
  kDrop,   // what the run created goes, and its rows in the application's tables
  kEmpty,  // only rows go: tables, keys and views stay
};

// Fills report->undo_sql with one transaction; children come before what they refer to. Where it
// cannot be told which rows are the run's, a finding says why, and there is no statement for that
// table. Changes nothing. REQUIRES: the run is done.
absl::Status FillUndo(PgConnection& connection, const LedgerLocation& location,
                      const RunRecord& run, UndoKind kind, Report* report);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_UNDO_H_
