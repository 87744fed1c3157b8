// One connection to a source database, opened so that a hostile file can do no harm.
#ifndef LITE2PG_ENGINE_SQLITE_CONNECTION_H_
#define LITE2PG_ENGINE_SQLITE_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coercion/source_value.h"
#include "engine/sqlite/reader_choice.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lite2pg {

struct SqliteConnectionState;

// A prepared statement. Move-only; belongs to its connection and thread; finalized on destruction.
// Views that it returns live until the next Step(), Reset() or destruction.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit operator bool() const { return stmt_ != nullptr; }

  // Binds parameter `index` (1-based); bytes are copied. In a UTF-16 database text is bound as
  // UTF-16, so that what RowSource read finds its row again, lone surrogates included. A value
  // that could not be bound (out of memory) makes Step() fail; see bind_status().
  void Bind(int index, const SourceValue& value);
  // True: a row is there. False: done. Errors carry SQLite's code and words.
  absl::StatusOr<bool> Step();
  // Whether all values were bound; for who steps raw() past Step().
  absl::Status bind_status() const;
  void Reset();

  int column_count() const;
  std::string column_name(int index) const;
  // The value as stored. Text is SQLite's UTF-8 conversion, which replaces what is malformed in a
  // UTF-16 database; where that matters, read through RowSource or ValueReader.
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
  SqliteConnectionState* state_ = nullptr;
  int bind_error_ = 0;  // the first failed Bind's code; 0: none
  bool utf16_ = false;
};

struct SqliteOpenOptions {
  int busy_timeout_ms = 10'000;
  int cache_kib = 2'048;
  // For loading the schema and other work that is not a scan. A sound schema of ten thousand
  // tables takes a tenth of a second; a hostile one can be made to take for ever.
  int schema_timeout_ms = 20'000;
  ReaderChoice reader = ReaderChoice::kAuto;  // of a snapshot's row sources
  // Of one value or record: longer ones are kSourceLimit before memory is taken for them.
  // SQLite's own limit is 1,000,000,000.
  size_t record_bytes_max = 1'000'000'000;
  // Of a snapshot: not "": the source is copied into a directory below this one, and read there.
  std::string private_copy_dir;
  // Of a snapshot: an error once the WAL has grown by more bytes than this; 0: none.
  uint64_t wal_growth_bytes_max = 0;
};

// Move-only; one thread at a time. Opened read-only with the recipe of hardening.h (defensive, no
// trusted schema, no double-quoted strings, no mmap, query_only, ...). The file's bytes, its -wal
// and its mtime are never changed. A database in WAL mode needs a -shm file, as for any reader;
// where it is missing SQLite makes one, and an empty -wal, and leaves them behind: only a
// connection that may write can delete them. Where it cannot make them, see immutable().
class SqliteConnection {
 public:
  // `source` is a path or a file: URI. Errors: kSourceMissing, kSourceNotSqlite, kSourceEncrypted,
  // kSourceTruncated, kSourceHotJournal, kSourceUnreadable, kSourceBusy, kSourceCorrupt, and
  // kUsage for a URI parameter that we do not take. Nothing is locked when it returns.
  static absl::StatusOr<SqliteConnection> Open(const std::string& source,
                                               const SqliteOpenOptions& options);
  // An empty database in memory, hardened alike after `fill` has set it up. `fill` returns SQLite's
  // result code; what it stores in its second argument, now or later, is the error that failing
  // statements give. `path` is what path() says.
  static absl::StatusOr<SqliteConnection> OpenInMemory(
      const std::string& path, const std::function<int(sqlite3*, absl::Status*)>& fill);
  SqliteConnection(SqliteConnection&& other) noexcept;
  SqliteConnection& operator=(SqliteConnection&& other) noexcept;
  ~SqliteConnection();

  // One statement; anything after it but a semicolon and blanks is an error.
  absl::StatusOr<SqliteStatement> Prepare(absl::string_view sql);
  absl::Status Execute(absl::string_view sql);
  // First column of the first row; an error when there is none.
  absl::StatusOr<int64_t> QueryInt(absl::string_view sql);
  absl::StatusOr<std::string> QueryText(absl::string_view sql);

  // Makes a running Step() of this connection, or its wait for a lock, return kInterrupted; any
  // thread.
  void Interrupt();
  // How often that was called; for who reads without a statement. Any thread.
  uint64_t interrupts() const;
  // Whether path() no longer leads to the file that is open.
  absl::StatusOr<bool> HasMoved();
  // Gives back memory that SQLite keeps after large values.
  void ReleaseMemory();
  // Bytes of the database file through SQLite's own file handle (never opened a second time,
  // which would drop SQLite's locks). Errors when the range is not there.
  absl::StatusOr<std::string> ReadFileBytes(int64_t offset, int bytes);
  // The same for the -wal file. REQUIRES: ReadWalIndexHeader() gave a header.
  absl::StatusOr<std::string> ReadWalBytes(int64_t offset, int bytes);
  // The header of the WAL's index, which is in memory shared with all other processes that have
  // the database open; "" unless it is in WAL mode. REQUIRES: a read transaction is open.
  absl::StatusOr<std::string> ReadWalIndexHeader();

  // Absolute, symbolic links resolved, without URI parameters.
  const std::string& path() const { return path_; }
  bool utf16() const { return utf16_; }
  // Read without locks, because the URI said immutable=1, or because a database in WAL mode, but
  // without a WAL, is in a directory where SQLite may not make the files that locking needs.
  // Nothing but CheckUnchanged of the snapshot protects from a writer then.
  bool immutable() const { return immutable_; }
  // SQLite's words when some entries of the schema (a view of an older SQLite, say) could not be
  // understood and were passed over; "" normally.
  const std::string& schema_damage() const { return schema_damage_; }
  // SqliteOpenOptions::record_bytes_max, or SQLite's limit where that is lower.
  size_t record_bytes_max() const;
  int schema_timeout_ms() const { return schema_timeout_ms_; }
  sqlite3* raw() const { return db_.get(); }
  // The error for `result_code` of a call on raw().
  absl::Status Error(int result_code, absl::string_view doing) const;

 private:
  friend class SqliteDeadline;
  struct Close {
    void operator()(sqlite3* db) const;
  };
  SqliteConnection();

  absl::Status OpenAndCheck();
  absl::Status OpenHandle();
  absl::Status CheckDatabase();
  absl::Status LoadSchema();
  absl::Status CheckComplete();
  absl::Status CheckCompleteWithWal();
  bool MayReadImmutable(const absl::Status& status);
  absl::Status ExplainFailure(const absl::Status& status);
  absl::StatusOr<std::string> ReadThrough(int file_control, int64_t offset, int bytes);

  std::unique_ptr<SqliteConnectionState> state_;  // outlives db_, whose callbacks point to it
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
  std::string schema_damage_;
  int schema_timeout_ms_ = 0;
  bool utf16_ = false;
  bool immutable_ = false;
};

// While it lives, statements of `connection` fail with kSourceLimit once `timeout_ms` have passed.
// For everything that reads declarations or looks up keys: a hostile file can make these endless,
// where a table scan is bounded by the file. Deadlines nest; the earlier one counts. The
// connection may be moved but not destroyed meanwhile.
class SqliteDeadline {
 public:
  SqliteDeadline(SqliteConnection& connection, int timeout_ms);
  ~SqliteDeadline();
  SqliteDeadline(const SqliteDeadline&) = delete;
  SqliteDeadline& operator=(const SqliteDeadline&) = delete;

 private:
  SqliteConnectionState* state_;
  sqlite3* db_;
  int64_t outer_deadline_ns_;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_SQLITE_CONNECTION_H_
