// SQL that the user wrote, run as it is.
#ifndef LITE2PG_ENGINE_POSTGRES_SCRIPT_H_
#define LITE2PG_ENGINE_POSTGRES_SCRIPT_H_

#include <string>

#include "absl/status/status.h"
#include "engine/postgres/connection.h"

namespace lite2pg {

// Reads `path` and sends it whole by the simple protocol: its statements are one transaction
// unless it says otherwise; psql's backslash commands are not understood. Never used for text that
// comes from a source database. `what` names the option in errors.
absl::Status RunScriptFile(PgConnection& connection, const std::string& path,
                           absl::string_view what);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_POSTGRES_SCRIPT_H_
