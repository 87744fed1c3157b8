// The settings that make a connection safe for files of unknown origin.
#ifndef LITE2PG_ENGINE_SQLITE_HARDENING_H_
#define LITE2PG_ENGINE_SQLITE_HARDENING_H_

#include "absl/status/status.h"

struct sqlite3;

namespace lite2pg {

// Settings of the whole library, which must be made before its first use: no memory statistics,
// since their mutex would be taken for every allocation of every reader. Harmless when too late.
void ConfigureSqliteOnce();

// Applies the recipe of https://www.sqlite.org/security.html to a connection that has not read
// anything yet, and ends with an authorizer under which only SELECT, functions, transactions and a
// list of reading PRAGMAs pass. Does not touch the file.
absl::Status Harden(sqlite3* db);

// Puts Harden's authorizer back after it had to be lifted for a setting of our own.
absl::Status InstallAuthorizer(sqlite3* db);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_HARDENING_H_
