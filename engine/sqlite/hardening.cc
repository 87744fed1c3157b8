#include "engine/sqlite/hardening.h"

#include <sqlite3.h>

#include <mutex>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "engine/base/status_macros.h"
#include "engine/sqlite/error.h"

namespace lite2pg {
namespace {

struct Setting {
  int option;
  int value;
};

// DQS_DDL stays on: schemas written for older SQLite have double-quoted strings in defaults and
// checks, and without it their tables could not be loaded. Views are off because nothing evaluates
// them: their text is all that we read.
constexpr Setting kSettings[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
};

// With mmap a file that is cut while we read ends the process with SIGBUS; cell_size_check finds
// corrupt pages before they are used.
constexpr const char* kPragmas[] = {
    "PRAGMA mmap_size=0", "PRAGMA cell_size_check=ON", "PRAGMA query_only=ON",
    "PRAGMA temp_store=MEMORY"};

// PRAGMAs that only tell something when they have no argument.
constexpr const char* kAskingPragmas[] = {
    "application_id", "auto_vacuum",  "collation_list", "compile_options", "data_version",
    "encoding",       "freelist_count", "journal_mode", "module_list",     "page_count",
    "page_size",      "schema_version", "user_version"};
// PRAGMAs that only tell something whatever their argument.
constexpr const char* kReadingPragmas[] = {
    "foreign_key_check", "foreign_key_list", "index_list", "index_xinfo",
    "integrity_check",   "quick_check",      "table_list", "table_xinfo"};

template <size_t kCount>
bool Contains(const char* const (&names)[kCount], const char* name) {
  for (const char* candidate : names) {
    if (sqlite3_stricmp(candidate, name) == 0) return true;
  }
  return false;
}

bool IsReadingPragma(const char* name, const char* argument) {
  return Contains(kReadingPragmas, name) || (argument == nullptr && Contains(kAskingPragmas, name));
}

// Functions that reach outside of the database. Those of the shell are not in the library.
constexpr const char* kForbiddenFunctions[] = {"load_extension", "fts3_tokenizer"};

// An R*Tree prepares its statements for writing when it is opened, whatever is asked of it. None of
// them runs: triggers are off, and besides all of the above is in their way.
bool IsTreeStorage(const char* table) {
  const absl::string_view name(table == nullptr ? "" : table);
  for (const absl::string_view suffix : {"_node", "_rowid", "_parent"}) {
    if (absl::EndsWithIgnoreCase(name, suffix)) return true;
  }
  return false;
}

int Authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
      return SQLITE_OK;
    case SQLITE_UPDATE:
      // sqlite3_declare_vtab asks for this to declare a virtual table, PRAGMA functions included,
      // without doing it. Doing it is impossible: read-only file, query_only, DEFENSIVE.
      return sqlite3_stricmp(first, "sqlite_master") == 0 || IsTreeStorage(first) ? SQLITE_OK
                                                                                  : SQLITE_DENY;
    case SQLITE_INSERT:
    case SQLITE_DELETE:
      return IsTreeStorage(first) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return Contains(kForbiddenFunctions, second) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return IsReadingPragma(first, second) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace

void ConfigureSqliteOnce() {
  static std::once_flag once;
  std::call_once(once, [] { (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

absl::Status Harden(sqlite3* db) {
  for (const Setting& setting : kSettings) {
    int now = -1;
    const int rc = sqlite3_db_config(db, setting.option, setting.value, &now);
    if (rc != SQLITE_OK) return SqliteError(db, rc, "set up a connection");
    if (now != setting.value) return SqliteError(db, SQLITE_MISUSE, "set up a connection");
  }
  for (const char* pragma : kPragmas) {
    const int rc = sqlite3_exec(db, pragma, nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return SqliteError(db, rc, pragma);
  }
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
  return InstallAuthorizer(db);
}

absl::Status InstallAuthorizer(sqlite3* db) {
  const int rc = sqlite3_set_authorizer(db, Authorize, nullptr);
  if (rc != SQLITE_OK) return SqliteError(db, rc, "set up a connection");
  return absl::OkStatus();
}

}  // namespace lite2pg
