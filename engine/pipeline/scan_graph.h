// The parallel scan: every value of every table read once, over all readers of the snapshot.
#ifndef LITE2PG_ENGINE_PIPELINE_SCAN_GRAPH_H_
#define LITE2PG_ENGINE_PIPELINE_SCAN_GRAPH_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/plan/table_scan.h"
#include "engine/report/event.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

struct ScanTask {
  TableReading reading;
  std::vector<CandidateList> candidates;  // per column of the reading
  uint64_t weight_bytes = 0;
};

struct ScannedTable {
  TableScan scan;
  absl::Status status;  // why this table could not be read; the others are not stopped by it
};

// One result per task. A table that SQLite cannot read is reported in its own status when the
// cause is the schema (unknown module, collation); damage and locks stop the scan.
absl::StatusOr<std::vector<ScannedTable>> ScanTables(const std::vector<ScanTask>& tasks,
                                                     SourceSnapshot& snapshot, EventSink& events,
                                                     const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_SCAN_GRAPH_H_
