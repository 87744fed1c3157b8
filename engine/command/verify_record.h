// One side against what was recorded of it: a target against its last runs, an archive against its
// manifest, or any against a certificate. The record has digests, of tables and of their parts: a
// difference is narrowed to the rows that are in its part now, and to one row where no other is.
#ifndef LITE2PG_ENGINE_COMMAND_VERIFY_RECORD_H_
#define LITE2PG_ENGINE_COMMAND_VERIFY_RECORD_H_

#include <vector>

#include "absl/status/status.h"
#include "engine/command/verify_input.h"

namespace lite2pg {

// What the record says of a table that can be compared.
struct ExpectedTable {
  Digest digest;                 // with the number of rows
  uint64_t rows_rejected = 0;    // by the run; they are not in the target
  std::vector<Digest> parts;     // of `digest`, by ComparedTable::key; empty: nothing is known
};

// Opens the side request.a. Tables of the record that cannot be compared become findings, those
// that are not there become differences. Errors: exit code 11 when nothing is recorded, 13 for a
// certificate that was changed.
absl::Status OpenRecord(const VerifyRequest& request, EventSink& events, CancelToken& cancel,
                        VerifyInput* input, std::vector<ExpectedTable>* expected, Report* report);

// An archive against its manifest: every file, byte by byte and row by row, or with --verify counts
// the files' sizes. Anything that is not as it was written is an error with exit code 13; the
// tables in `report` are those that the manifest names.
absl::Status CheckArchive(const VerifyRequest& request, EventSink& events,
                          const CancelToken& cancel, VerifyInput* input, Report* report);

// Fills `row` from what was read of table `index` of the side: the digests of as many parts as are
// expected, or one of all. A certificate or a record stands where a source would. Where they
// differ, reads the parts that do once more, and names up to `rows_max` rows that are in them.
absl::Status JudgeAgainstRecord(const ExpectedTable& expected, const std::vector<Digest>& parts,
                                const ComparedTable& table, size_t index, ComparedSide& side,
                                uint64_t rows_max, TableReport* row);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_VERIFY_RECORD_H_
