#include "engine/sqlite/error.h"

#include <sqlite3.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

struct Meaning {
  int sqlite_code;     // extended, or primary for all of its kind
  ErrorCode code;
  ExitCode exit_code;
  absl::string_view what;
  absl::string_view hint;
};

constexpr absl::string_view kWalHint =
    "a database in WAL mode needs its -shm file beside it; --private-copy reads a copy elsewhere, "
    "made of the file and its -wal file";

// Extended codes come before the primary code that they belong to: the first match counts.
// https://www.sqlite.org/rescode.html
constexpr Meaning kMeanings[] = {
    {SQLITE_BUSY_RECOVERY, ErrorCode::kSourceBusy, ExitCode::kSourceBusy,
     "another process is recovering the source's WAL", "try again when it is done"},
    {SQLITE_BUSY, ErrorCode::kSourceBusy, ExitCode::kSourceBusy,
     "the source is locked by another process",
     "try again when its writer is done, or stop the application that holds it"},
    {SQLITE_LOCKED, ErrorCode::kSourceBusy, ExitCode::kSourceBusy,
     "the source is locked within this process", ""},
    {SQLITE_PROTOCOL, ErrorCode::kSourceBusy, ExitCode::kSourceBusy,
     "the locks of the source's WAL could not be obtained", "try again"},
    {SQLITE_READONLY_ROLLBACK, ErrorCode::kSourceHotJournal, ExitCode::kSource,
     "the source has a hot journal: its last writer did not finish, and finishing for it would "
     "change the file",
     "open it once with the application that owns it, or copy it together with its -journal file "
     "and open the copy with sqlite3"},
    {SQLITE_READONLY_RECOVERY, ErrorCode::kSourceHotJournal, ExitCode::kSource,
     "the source's WAL needs a recovery that would change its -shm file", kWalHint},
    {SQLITE_READONLY, ErrorCode::kSourceUnreadable, ExitCode::kSource,
     "the source cannot be read without write access beside it", kWalHint},
    {SQLITE_NOTADB, ErrorCode::kSourceNotSqlite, ExitCode::kSource,
     "the source is not an SQLite database", ""},
    {SQLITE_CORRUPT, ErrorCode::kSourceCorrupt, ExitCode::kSource, "the source is corrupt",
     "restore it from a backup; or save what can be read of a copy, sqlite3 copy.db .recover | "
     "sqlite3 saved.db, and copy that"},
    {SQLITE_IOERR_NOMEM, ErrorCode::kSourceLimit, ExitCode::kOutOfResource, "out of memory", ""},
    {SQLITE_IOERR_SHORT_READ, ErrorCode::kSourceTruncated, ExitCode::kSource,
     "the source is shorter than it says", ""},
    {SQLITE_IOERR, ErrorCode::kSourceUnreadable, ExitCode::kSource,
     "the operating system could not read the source", ""},
    {SQLITE_CANTOPEN, ErrorCode::kSourceUnreadable, ExitCode::kSource,
     "the source cannot be opened", ""},
    {SQLITE_PERM, ErrorCode::kSourceUnreadable, ExitCode::kSource,
     "the source may not be read", ""},
    {SQLITE_NOMEM, ErrorCode::kSourceLimit, ExitCode::kOutOfResource, "out of memory", ""},
    {SQLITE_FULL, ErrorCode::kSourceLimit, ExitCode::kOutOfResource, "out of space", ""},
    {SQLITE_TOOBIG, ErrorCode::kSourceLimit, ExitCode::kOutOfResource,
     "a value or row of the source is longer than this run may hold in memory",
     "--memory of twice its length and 64 MiB more, at most 2GiB (SQLite reads no values beyond "
     "1,000,000,000 bytes); or exclude its table"},
    {SQLITE_INTERRUPT, ErrorCode::kInterrupted, ExitCode::kInterrupted,
     "reading the source was interrupted", ""},
    {SQLITE_SCHEMA, ErrorCode::kSourceChanged, ExitCode::kSource,
     "the source's schema changed while it was read", ""},
    {SQLITE_AUTH, ErrorCode::kUsage, ExitCode::kUsage,
     "only reading is allowed on the source", ""},
    {SQLITE_ERROR, ErrorCode::kSourceTableUnreadable, ExitCode::kSource,
     "SQLite refused a statement", ""},
};

constexpr Meaning kUnknown = {0, ErrorCode::kSourceUnreadable, ExitCode::kSource,
                              "SQLite failed to read the source", ""};

const Meaning& MeaningOf(int result_code) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.sqlite_code == result_code) return meaning;
  }
  for (const Meaning& meaning : kMeanings) {
    if (meaning.sqlite_code == (result_code & 0xFF)) return meaning;
  }
  return kUnknown;
}

}  // namespace

absl::Status SqliteError(sqlite3* db, int result_code, absl::string_view doing) {
  const Meaning& meaning = MeaningOf(result_code);
  ErrorInfo info;
  info.code = meaning.code;
  info.exit_code = meaning.exit_code;
  info.what = absl::StrCat(meaning.what, ": could not ", doing);
  info.hint = std::string(meaning.hint);
  info.sqlite_code = result_code;
  // sqlite3_errmsg speaks of the connection's last call; it fits only if that is the one that
  // failed.
  const bool own_words = db != nullptr && sqlite3_extended_errcode(db) == result_code;
  const char* const words = own_words ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
  info.server = absl::StrCat("SQLite ", result_code, ": ",
                             EscapeForMessage(words == nullptr ? "" : words, 200));
  return MakeError(info);
}

int SqliteCodeOf(const absl::Status& status) {
  return status.ok() ? 0 : InfoOf(status).sqlite_code;
}

}  // namespace lite2pg
