// One connection to a source database, opened so that a hostile file can do no harm.
#ifndef LITE2PG_ENGINE_SQLITE_CONNECTION_H_
#define LITE2PG_ENGINE_SQLITE_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/source_value.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lite2pg {

// A prepared statement. Move-only; belongs to its connection and thread; finalized on destruction.
// Views that it returns live until the next Step(), Reset() or destruction.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit operator bool() const { return stmt_ != nullptr; }

  // Binds parameter `index` (1-based); bytes are copied.
  void Bind(int index, const SourceValue& value);
  // True: a row is there. False: done. Errors carry SQLite's code and words.
  absl::StatusOr<bool> Step();
  void Reset();

  int column_count() const;
  std::string column_name(int index) const;
  // The value as stored. Text is SQLite's UTF-8 conversion; use ReadValue of row_reader.cc's rules
  // for UTF-16 databases (see RowSource).
  SourceValue Value(int index) const;
  int64_t Int(int index) const;
  std::string Text(int index) const;
  bool IsNull(int index) const;

  sqlite3_stmt* raw() const { return stmt_.get(); }

 private:
  friend class SqliteConnection;
  struct Finalize {
    void operator()(sqlite3_stmt* stmt) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> stmt_;
};

struct SqliteOpenOptions {
  int busy_timeout_ms = 10'000;
  int cache_kib = 2'048;
};

// Move-only; one thread at a time. Opened read-only with the recipe of docs/reliability.md
// (defensive, no trusted schema, no double-quoted strings, no mmap, query_only, ...). The file's
// bytes, its -wal and its mtime are never changed.
class SqliteConnection {
 public:
  // `source` is a path or a file: URI. Errors: kSourceMissing, kSourceNotSqlite, kSourceEncrypted,
  // kSourceHotJournal, kSourceBusy, kSourceCorrupt.
  static absl::StatusOr<SqliteConnection> Open(const std::string& source,
                                               const SqliteOpenOptions& options);

  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);
  absl::Status Execute(absl::string_view sql);
  // First column of the first row; an error when there is none.
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);
  absl::StatusOr<std::string> QueryText(absl::string_view sql);

  // Makes a running Step() of this connection return an error; any thread.
  void Interrupt();
  // Gives back memory that SQLite keeps after large values.
  void ReleaseMemory();
  // Bytes of the database file through SQLite's own file handle (never opened a second time,
  // which would drop SQLite's locks). Errors when the range is not there.
  absl::StatusOr<std::string> ReadFileBytes(int64_t offset, int bytes);

  const std::string& path() const { return path_; }
  bool utf16() const { return utf16_; }
  sqlite3* raw() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
  bool utf16_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_CONNECTION_H_
