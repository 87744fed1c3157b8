// --deep: keys that are different values in the source and one in the target.
#ifndef LITE2PG_ENGINE_COMMAND_DUPLICATE_KEYS_H_
#define LITE2PG_ENGINE_COMMAND_DUPLICATE_KEYS_H_

#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/plan/plan.h"
#include "engine/report/report.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// Encodes the columns of every key and unique index as the copy will, and looks for rows that agree
// in what PostgreSQL compares: 1 and '1' become one text, two spellings one UUID, two offsets one
// instant. Each becomes a finding with the rows. Reads every such table once more, and again where
// something was found; memory is bounded by kKeysAtOnce, larger tables are read in several
// passes. Keys with NULL are never equal. One thread; `reader` is used by nobody else meanwhile.
absl::Status FindDuplicateKeys(SqliteConnection& reader, const Plan& plan,
                               std::vector<Finding>* findings, const CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_DUPLICATE_KEYS_H_
