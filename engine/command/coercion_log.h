// --coercion-log FILE: every value that is another in the target than in the source.
#ifndef LITE2PG_ENGINE_COMMAND_COERCION_LOG_H_
#define LITE2PG_ENGINE_COMMAND_COERCION_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/sqlite/connection.h"

namespace lite2pg {

// Writes one line of JSON per cell that the report counts under `coercions`, whole or not at all,
// readable by its owner alone: table, row_key, column, to (type), rule (if one of the user's
// changed it), before (class and value), after (the target's text, or null). A pass of its own over
// the source, so that the copy knows nothing of it: rows that are set aside are not in it, and
// each other row once, whatever was tried again.
absl::Status WriteCoercionLog(SqliteConnection& reader, PgConnection& server, const Ledger& ledger,
                              const Plan& plan, const CancelToken& cancel,
                              const std::string& path);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_COERCION_LOG_H_
