// What an interrupted run has loaded already, checked against the source before it is trusted.
#ifndef LITE2PG_ENGINE_PIPELINE_RESUMED_DATA_H_
#define LITE2PG_ENGINE_PIPELINE_RESUMED_DATA_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/pipeline/range_pool.h"
#include "engine/plan/plan.h"
#include "engine/postgres/ledger.h"
#include "engine/postgres/rejects.h"
#include "engine/report/event.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

struct ResumedData {
  std::vector<LoadedTable> loaded;  // one per table of the plan: what is in the target and proved
  std::vector<WorkRange> ranges;    // what is left to load
  // Tables whose rows must be taken away first, and with them their chunks: they are loaded from
  // empty. `ranges` has them as a whole.
  std::vector<bool> from_empty;
  int64_t next_chunk = 1;
};

struct ResumeInputs {
  std::vector<ChunkRecord> chunks;    // all of the run
  std::vector<RejectRecord> rejects;  // all of the run
  std::vector<bool> from_empty;       // tables that are to be loaded from empty in any case
  int streams = 2;                    // readers of the snapshot that may be used, from the first
};

// Reads the key range of every chunk again and compares its digest with the ledger's: equal means
// that the rows which the target has are those of this source. A difference is kSourceChanged with
// exit code 11. Tables without a usable key are read as a whole: they are complete, or go to
// `from_empty`. Progress counts the rows as done.
absl::StatusOr<ResumedData> CheckLoadedData(const Plan& plan, SourceSnapshot& snapshot,
                                            const ResumeInputs& inputs, EventSink& events,
                                            const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_RESUMED_DATA_H_
