// Which part of the source a chunk of the ledger is: exact, and readable by programs. What is left
// of a table is computed from it.
#ifndef LITE2PG_ENGINE_PIPELINE_CHUNK_RANGE_H_
#define LITE2PG_ENGINE_PIPELINE_CHUNK_RANGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/row_source.h"

namespace lite2pg {

// JSON (docs/ledger.md, "Resuming"): the ends of the range as typed values, and a text for people.
std::string EncodeKeyRange(const TableReading& reading, const KeyRange& range);
// The inverse; kUnfinishedRun with exit code 11 for anything else than what EncodeKeyRange makes.
absl::StatusOr<KeyRange> DecodeKeyRange(absl::string_view json);

// What of the table is in none of `done`, in the order of its key. Ranges that overlap, which no
// run makes, are an error with exit code 11. REQUIRES: the reading has a key.
absl::StatusOr<std::vector<KeyRange>> RemainingRanges(SqliteConnection& connection,
                                                      const TableReading& reading,
                                                      std::vector<KeyRange> done);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_CHUNK_RANGE_H_
