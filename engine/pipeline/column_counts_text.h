// The counts of a chunk's columns as a text in the ledger, by which the process that leads a run
// knows of rows that others have read.
#ifndef LITE2PG_ENGINE_PIPELINE_COLUMN_COUNTS_TEXT_H_
#define LITE2PG_ENGINE_PIPELINE_COLUMN_COUNTS_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coercion/row_encoder.h"

namespace lite2pg {

// Columns with ';' between them: their storage classes, then the uses of their rules, with ','.
std::string EncodeCounts(const std::vector<ColumnCounts>& counts);
// False for anything else than what EncodeCounts makes of `counts->size()` columns.
bool DecodeCounts(absl::string_view text, std::vector<ColumnCounts>* counts);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PIPELINE_COLUMN_COUNTS_TEXT_H_
