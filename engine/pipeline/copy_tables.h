// The data stage: ranges -> read, coerce, encode, hash -> binary COPY streams -> ledger.
#ifndef LITE2PG_ENGINE_PIPELINE_COPY_TABLES_H_
#define LITE2PG_ENGINE_PIPELINE_COPY_TABLES_H_

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/plan/options.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// What the data stage knows of a table afterwards; everything in it is committed.
struct LoadedTable {
  Digest digest;  // of what was read from the source and accepted
  uint64_t rows_rejected = 0;
  uint64_t bytes = 0;
  double seconds = 0;               // from its first batch to its last commit
  std::set<int> streams;            // lanes that carried rows
  std::vector<ColumnCounts> counts;  // per column
  std::optional<ReaderUse> reader;  // the library as soon as one range needed it
};

struct ResumedData;
struct SharedWork;

struct CopyOptions {
  PgConnectOptions connect;
  int streams = 2;         // to begin with: 1..kStreamsMax
  int streams_max = 0;     // not 0: their number follows what they carry, between 1 and this; never
                           // more than snapshot.size()
  size_t chunk_bytes = 0;  // 0: kChunkBytesMax
  LoadPolicy policy;       // what becomes of refused rows, and how many there may be
  const ResumedData* resumed = nullptr;  // what is there already; the rest is loaded
  // Not null: with other processes (range_exchange.h). Results are of what this one has loaded.
  SharedWork* shared = nullptr;
  // Told on the calling thread, while others are still loaded, of each table (its place in the
  // plan) that this process finds complete; an error ends the run. Tables that others have loaded a
  // part of are not told of.
  std::function<absl::Status(size_t)> table_loaded;
};

// Copies every table of `plan`, or what is left of it. One result per table, with what was there.
// On an error nothing that is not in the ledger is in the target; what is in the ledger stays (its
// owner decides what becomes of it).
// Lost connections are made anew, and what was under way on them is loaded again exactly once.
absl::StatusOr<std::vector<LoadedTable>> CopyTables(const Plan& plan, SourceSnapshot& snapshot,
                                                    const Ledger& ledger,
                                                    const CopyOptions& options, EventSink& events,
                                                    CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_COPY_TABLES_H_
