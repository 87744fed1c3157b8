// SQLite's result codes as errors of the contract. The only place that looks at them.
#ifndef LITE2PG_ENGINE_SQLITE_ERROR_H_
#define LITE2PG_ENGINE_SQLITE_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

struct sqlite3;

namespace lite2pg {

// The error for `result_code`, which `db` returned last; SQLite's own words go into `server` and
// the extended code into `sqlite_code`. `doing` says what was tried: "open", "read a row".
// `db` may be null (sqlite3_open_v2 out of memory). The words may quote names from the file and are
// untrusted. REQUIRES: result_code is not SQLITE_OK, SQLITE_ROW or SQLITE_DONE.
absl::Status SqliteError(sqlite3* db, int result_code, absl::string_view doing);

// SQLite's extended result code in `status`; 0 when SQLite had no part in it.
int SqliteCodeOf(const absl::Status& status);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_ERROR_H_
