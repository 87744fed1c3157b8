// The data stage of an export: ranges -> read, coerce, encode, hash -> files.
#ifndef LITE2PG_ENGINE_PIPELINE_EXPORT_RUN_H_
#define LITE2PG_ENGINE_PIPELINE_EXPORT_RUN_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/archive/directory.h"
#include "engine/archive/journal.h"
#include "engine/archive/manifest.h"
#include "engine/base/cancel.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/plan/plan.h"
#include "engine/report/event.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

struct ExportRunOptions {
  int streams = 2;         // 1..kStreamsMax, not more than snapshot.size()
  size_t chunk_bytes = 0;  // 0: kChunkBytesMax
  bool compress = false;   // data files
};

struct ExportedTable {
  LoadedTable loaded;                // of the whole table, earlier runs' chunks included
  std::vector<ArchiveChunk> chunks;  // in the order of keys where there is one
};

// Writes every row of `plan` that `done` does not have yet into files of `directory` and notes each
// in `journal`. Tables are numbered as in the plan. A table that is not read by its rowid is either
// complete in `done` or must not be in it. On an error files that were finished stay.
absl::StatusOr<std::vector<ExportedTable>> ExportTables(
    const Plan& plan, SourceSnapshot& snapshot,
    const std::shared_ptr<const ArchiveDirectory>& directory, ExportJournal& journal,
    const ExportJournal::Entries& done, const ExportRunOptions& options, EventSink& events,
    CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_EXPORT_RUN_H_
