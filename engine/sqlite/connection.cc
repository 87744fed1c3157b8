#include "engine/sqlite/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/error.h"
#include "engine/sqlite/hardening.h"
#include "engine/sqlite/source_file.h"
#include "engine/sqlite/utf16.h"
#include "engine/sqlite/wal_position.h"

namespace lite2pg {

// What callbacks of a connection need, at an address that survives moves.
struct SqliteConnectionState {
  std::atomic<uint64_t> interrupts{0};
  uint64_t interrupts_at_wait = 0;  // when the wait for a lock began
  int64_t wait_end_ns = 0;
  int busy_timeout_ms = 0;
  size_t record_bytes_max = 0;
  int64_t deadline_ns = 0;  // 0: none
  bool deadline_passed = false;
  absl::Status external_error;  // why rows that are not in the database could not be had
};

namespace {

// Steps of SQLite's virtual machine between two looks at the clock: about a tenth of a millisecond.
constexpr int kStepsPerCheck = 10'000;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int OnProgress(void* argument) {
  auto* state = static_cast<SqliteConnectionState*>(argument);
  if (NowNs() < state->deadline_ns) return 0;
  state->deadline_passed = true;
  return 1;
}

// As sqlite3_busy_timeout, but ends early when the connection is interrupted.
int OnBusy(void* argument, int earlier_calls) {
  auto* state = static_cast<SqliteConnectionState*>(argument);
  const int64_t now = NowNs();
  const uint64_t interrupts = state->interrupts.load(std::memory_order_relaxed);
  if (earlier_calls == 0) {
    state->interrupts_at_wait = interrupts;
    state->wait_end_ns = now + int64_t{state->busy_timeout_ms} * 1'000'000;
  }
  if (interrupts != state->interrupts_at_wait) return 0;
  if (now >= state->wait_end_ns) return 0;
  const int64_t left_ms = (state->wait_end_ns - now) / 1'000'000 + 1;
  const int64_t nap_ms = earlier_calls < 10 ? earlier_calls + 1 : 20;
  sqlite3_sleep(static_cast<int>(nap_ms < left_ms ? nap_ms : left_ms));
  return 1;
}

absl::Status ErrorOf(const SqliteConnectionState* state, sqlite3* db, int result_code,
                     absl::string_view doing) {
  if (state != nullptr && !state->external_error.ok()) return state->external_error;
  const bool busy = (result_code & 0xFF) == SQLITE_BUSY;
  if (result_code == SQLITE_INTERRUPT && state != nullptr && state->deadline_passed) {
    return MakeError(ErrorCode::kSourceLimit, ExitCode::kSource,
                     absl::StrCat("the source's schema takes too long to read (", doing, ")"),
                     "run PRAGMA integrity_check on the source; it may be damaged or hostile");
  }
  if (busy && state != nullptr && state->wait_end_ns != 0 &&
      state->interrupts.load(std::memory_order_relaxed) != state->interrupts_at_wait) {
    return SqliteError(nullptr, SQLITE_INTERRUPT, "wait for a lock");
  }
  return SqliteError(db, result_code, doing);
}

absl::Status Truncated(int64_t expected_bytes, int64_t size_bytes) {
  return MakeError(ErrorCode::kSourceTruncated, ExitCode::kSource,
                   absl::StrCat("the source is truncated: it should have ", expected_bytes,
                                " bytes and has ", size_bytes),
                   "copy or download it again");
}

// A URI for an absolute path; the path's bytes all escaped that have a meaning in URIs.
std::string ImmutableUri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '.' || c == '_') {
      uri.push_back(c);
    } else {
      absl::StrAppend(&uri, "%", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
    }
  }
  return absl::StrCat(uri, "?immutable=1");
}

int BindUtf16(sqlite3_stmt* stmt, int index, absl::string_view wtf8) {
  std::u16string text = Wtf8ToUtf16(wtf8);
  // SQLite takes a byte order mark away from text that is bound, but not from text that it reads:
  // sqlite3VdbeMemSetStr in src/vdbemem.c. A second one keeps a first that belongs to the value.
  if (!text.empty() && (text[0] == 0xFEFF || text[0] == 0xFFFE)) text.insert(0, 1, 0xFEFF);
  return sqlite3_bind_text64(stmt, index, reinterpret_cast<const char*>(text.data()),
                             text.size() * sizeof(char16_t), SQLITE_TRANSIENT, SQLITE_UTF16);
}

}  // namespace

// ---- Statements -------------------------------------------------------------------------------

void SqliteStatement::Finalize::operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }

void SqliteStatement::Bind(int index, const SourceValue& value) {
  sqlite3_stmt* const stmt = stmt_.get();
  // A null pointer would bind NULL; an empty value is not NULL.
  const char* const data = value.data == nullptr ? "" : value.data;
  int rc = SQLITE_OK;
  switch (value.storage_class) {
    case StorageClass::kNull: rc = sqlite3_bind_null(stmt, index); break;
    case StorageClass::kInteger: rc = sqlite3_bind_int64(stmt, index, value.integer); break;
    case StorageClass::kReal: rc = sqlite3_bind_double(stmt, index, value.real); break;
    case StorageClass::kText:
      rc = utf16_ ? BindUtf16(stmt, index, value.bytes())
                  : sqlite3_bind_text64(stmt, index, data, value.size_bytes, SQLITE_TRANSIENT,
                                        SQLITE_UTF8);
      break;
    case StorageClass::kBlob:
      rc = sqlite3_bind_blob64(stmt, index, data, value.size_bytes, SQLITE_TRANSIENT);
      break;
  }
  if (bind_error_ == SQLITE_OK) bind_error_ = rc;
}

absl::Status SqliteStatement::bind_status() const {
  if (bind_error_ == SQLITE_OK) return absl::OkStatus();
  return SqliteError(nullptr, bind_error_, "bind a value");
}

absl::StatusOr<bool> SqliteStatement::Step() {
  RETURN_IF_ERROR(bind_status());
  const int rc = sqlite3_step(stmt_.get());
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return ErrorOf(state_, sqlite3_db_handle(stmt_.get()), rc, "read a row");
}

void SqliteStatement::Reset() { sqlite3_reset(stmt_.get()); }

int SqliteStatement::column_count() const { return sqlite3_column_count(stmt_.get()); }

std::string SqliteStatement::column_name(int index) const {
  const char* const name = sqlite3_column_name(stmt_.get(), index);
  return name == nullptr ? "" : name;
}

SourceValue SqliteStatement::Value(int index) const {
  sqlite3_stmt* const stmt = stmt_.get();
  switch (sqlite3_column_type(stmt, index)) {
    case SQLITE_INTEGER: return SourceValue::Integer(sqlite3_column_int64(stmt, index));
    case SQLITE_FLOAT: return SourceValue::Real(sqlite3_column_double(stmt, index));
    case SQLITE_TEXT: {
      const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, index));
      const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, index));
      return SourceValue::Text(absl::string_view(text, text == nullptr ? 0 : size));
    }
    case SQLITE_BLOB: {
      const auto* const blob = static_cast<const char*>(sqlite3_column_blob(stmt, index));
      const auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, index));
      return SourceValue::Blob(absl::string_view(blob, blob == nullptr ? 0 : size));
    }
    default: return SourceValue::Null();
  }
}

int64_t SqliteStatement::Int(int index) const { return sqlite3_column_int64(stmt_.get(), index); }

std::string SqliteStatement::Text(int index) const {
  const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_.get(), index));
  if (text == nullptr) return "";
  return std::string(text, static_cast<size_t>(sqlite3_column_bytes(stmt_.get(), index)));
}

bool SqliteStatement::IsNull(int index) const {
  return sqlite3_column_type(stmt_.get(), index) == SQLITE_NULL;
}

// ---- Opening ----------------------------------------------------------------------------------

SqliteConnection::SqliteConnection() : state_(std::make_unique<SqliteConnectionState>()) {}
SqliteConnection::~SqliteConnection() = default;
SqliteConnection::SqliteConnection(SqliteConnection&& other) noexcept = default;

SqliteConnection& SqliteConnection::operator=(SqliteConnection&& other) noexcept {
  if (this == &other) return *this;
  db_ = std::move(other.db_);  // closes ours while its state still stands
  state_ = std::move(other.state_);
  path_ = std::move(other.path_);
  schema_damage_ = std::move(other.schema_damage_);
  schema_timeout_ms_ = other.schema_timeout_ms_;
  utf16_ = other.utf16_;
  immutable_ = other.immutable_;
  return *this;
}

// A connection with unfinished statements lives on in SQLite until they are finalized, but must
// not call back into what is gone by then.
void SqliteConnection::Close::operator()(sqlite3* db) const {
  sqlite3_progress_handler(db, 0, nullptr, nullptr);
  sqlite3_busy_handler(db, nullptr, nullptr);
  sqlite3_close_v2(db);
}

absl::StatusOr<SqliteConnection> SqliteConnection::Open(const std::string& source,
                                                        const SqliteOpenOptions& options) {
  ConfigureSqliteOnce();
  ASSIGN_OR_RETURN(const SourceLocation location, LocateSource(source));
  SqliteConnection connection;
  connection.path_ = location.path;
  connection.immutable_ = location.immutable;
  connection.schema_timeout_ms_ = options.schema_timeout_ms;
  connection.state_->busy_timeout_ms = options.busy_timeout_ms;
  connection.state_->record_bytes_max = options.record_bytes_max;
  absl::Status opened = connection.OpenAndCheck();
  if (!opened.ok() && connection.MayReadImmutable(opened)) {
    connection.immutable_ = true;
    opened = connection.OpenAndCheck();
  }
  if (!opened.ok()) return connection.ExplainFailure(opened);
  // Needs the schema, and is no question, so it comes last and past the authorizer.
  sqlite3* const db = connection.db_.get();
  sqlite3_set_authorizer(db, nullptr, nullptr);
  const std::string cache = absl::StrCat("PRAGMA cache_size=-", options.cache_kib);
  const int rc = sqlite3_exec(db, cache.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return connection.Error(rc, "set the size of the page cache");
  RETURN_IF_ERROR(InstallAuthorizer(db));
  return connection;
}

absl::StatusOr<SqliteConnection> SqliteConnection::OpenInMemory(
    const std::string& path, const std::function<int(sqlite3*, absl::Status*)>& fill) {
  ConfigureSqliteOnce();
  SqliteConnection connection;
  connection.path_ = path;
  connection.schema_timeout_ms_ = SqliteOpenOptions().schema_timeout_ms;
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  int rc = sqlite3_open_v2(":memory:", &db, flags, nullptr);
  connection.db_.reset(db);
  if (rc == SQLITE_OK) rc = fill(db, &connection.state_->external_error);
  if (rc != SQLITE_OK) return connection.Error(rc, "make a database in memory");
  RETURN_IF_ERROR(Harden(db));
  return connection;
}

absl::Status SqliteConnection::OpenAndCheck() {
  RETURN_IF_ERROR(OpenHandle());
  RETURN_IF_ERROR(Harden(db_.get()));
  const SqliteDeadline deadline(*this, schema_timeout_ms_);
  return CheckDatabase();
}

// A database in WAL mode whose WAL is gone is complete in itself. Where its directory may not be
// written, SQLite cannot make the shared memory that readers and writers agree by.
bool SqliteConnection::MayReadImmutable(const absl::Status& status) {
  const int primary_code = SqliteCodeOf(status) & 0xFF;
  if (immutable_ || (primary_code != SQLITE_CANTOPEN && primary_code != SQLITE_READONLY)) {
    return false;
  }
  const absl::StatusOr<std::string> head = ReadFileBytes(0, 100);
  return head.ok() && ParseFileHeader(*head).wal &&
         StateOf(absl::StrCat(path_, "-wal")).size_bytes == 0 &&
         StateOf(absl::StrCat(path_, "-journal")).size_bytes == 0;
}

size_t SqliteConnection::record_bytes_max() const {
  return static_cast<size_t>(sqlite3_limit(db_.get(), SQLITE_LIMIT_LENGTH, -1));
}

absl::Status SqliteConnection::OpenHandle() {
  const std::string name = immutable_ ? ImmutableUri(path_) : path_;
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
              SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE;
  if (immutable_) flags |= SQLITE_OPEN_URI;
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(name.c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (rc != SQLITE_OK) {
    absl::Status status = SqliteError(db, rc, absl::StrCat("open ", EscapeName(path_)));
    ErrorInfo context;
    context.hint = "check that you may read the file and enter its directories";
    return WithContext(status, context);
  }
  sqlite3_busy_handler(db, OnBusy, state_.get());
  // A higher value than its own SQLite takes for that.
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH,
                static_cast<int>(std::min<size_t>(state_->record_bytes_max, INT_MAX)));
  return absl::OkStatus();
}

// Reads the header and the schema under one read lock, so that a writer between two looks cannot
// make them disagree.
absl::Status SqliteConnection::CheckDatabase() {
  RETURN_IF_ERROR(Execute("BEGIN"));
  RETURN_IF_ERROR(QueryInt("PRAGMA schema_version").status());
  RETURN_IF_ERROR(CheckComplete());
  RETURN_IF_ERROR(LoadSchema());
  RETURN_IF_ERROR(CheckCompleteWithWal());
  ASSIGN_OR_RETURN(const std::string encoding, QueryText("PRAGMA encoding"));
  utf16_ = encoding != "UTF-8";
  return Execute("COMMIT");
}

// Without a trusted schema, SQLite before 3.42 refuses its own JSON functions in declarations: they
// were not marked as innocuous yet. What is marked as dangerous stays refused, and views and
// triggers are off.
//
// One entry that this SQLite does not understand, typically an old view, makes it refuse the whole
// schema. SQLITE_DBCONFIG_WRITABLE_SCHEMA brings along that such entries are passed over; writing
// stays impossible: the file is opened read-only, DEFENSIVE takes away the rest of its meaning,
// and so does the authorizer. That the entries themselves can be read proves that it is their text
// and not the pages that are damaged.
absl::Status SqliteConnection::LoadSchema() {
  constexpr absl::string_view kLoad =
      "SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1)";
  absl::Status loaded = QueryInt(kLoad).status();
  const auto concerns_an_entry = [&loaded] {
    const int primary_code = SqliteCodeOf(loaded) & 0xFF;
    return primary_code == SQLITE_CORRUPT || primary_code == SQLITE_ERROR;
  };
  if (loaded.ok() || !concerns_an_entry()) return loaded;
  int rc = sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);
  if (rc != SQLITE_OK) return Error(rc, "load the schema");
  loaded = QueryInt(kLoad).status();
  if (loaded.ok() || !concerns_an_entry()) return loaded;
  rc = sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, nullptr);
  if (rc != SQLITE_OK) return Error(rc, "load the schema");
  // The statement that finds the damage still fails; the next one sees what could be loaded.
  QueryInt("SELECT count(*) FROM sqlite_schema").status().IgnoreError();
  const absl::Status readable =
      QueryInt("SELECT total(length(CAST(sql AS BLOB))) FROM sqlite_schema").status();
  if (!readable.ok()) return loaded;
  schema_damage_ = InfoOf(loaded).server;
  return absl::OkStatus();
}

// SQLite fills what is missing at the end of a file with zeros, so a truncated one could be read
// without an error. With a WAL the missing pages may be there.
absl::Status SqliteConnection::CheckComplete() {
  ASSIGN_OR_RETURN(const std::string head, ReadFileBytes(0, 100));
  const FileHeader header = ParseFileHeader(head);
  const int64_t expected_bytes = header.page_size * header.page_count;
  const int64_t size_bytes = StateOf(path_).size_bytes;
  if (size_bytes >= expected_bytes) return absl::OkStatus();
  if (header.wal && StateOf(absl::StrCat(path_, "-wal")).size_bytes > 0) return absl::OkStatus();
  return Truncated(expected_bytes, size_bytes);
}

// Every page beyond the end of the file must be in the WAL.
absl::Status SqliteConnection::CheckCompleteWithWal() {
  ASSIGN_OR_RETURN(const std::string wal_header, ReadWalIndexHeader());
  WalPosition wal;
  if (wal_header.empty() || !ParseWalIndexHeader(wal_header, &wal) || wal.frames == 0) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::string head, ReadFileBytes(0, 100));
  const int64_t page_size = ParseFileHeader(head).page_size;
  const int64_t size_bytes = StateOf(path_).size_bytes;
  const int64_t expected_bytes = page_size * wal.pages;
  if (page_size == 0 || size_bytes >= expected_bytes) return absl::OkStatus();
  const int64_t pages_in_file = size_bytes / page_size;
  std::vector<bool> in_wal(wal.pages);
  for (uint32_t frame = 0; frame < wal.frames; ++frame) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadWalBytes(WalFrameOffset(frame, page_size), 4));
    uint32_t page = 0;
    for (const char byte : bytes) page = page << 8 | static_cast<uint8_t>(byte);
    if (page >= 1 && page <= wal.pages) in_wal[page - 1] = true;
  }
  // The page of the lock bytes is never written.
  const int64_t lock_page = 0x40000000 / page_size;
  for (int64_t page = pages_in_file; page < int64_t{wal.pages}; ++page) {
    if (page != lock_page && !in_wal[static_cast<size_t>(page)]) {
      return Truncated(expected_bytes, size_bytes);
    }
  }
  return absl::OkStatus();
}

// The same error, but with what the file's first bytes say about it.
absl::Status SqliteConnection::ExplainFailure(const absl::Status& status) {
  const int code = SqliteCodeOf(status);
  const FileState state = StateOf(path_);
  const int64_t head_bytes = state.size_bytes < 4'096 ? state.size_bytes : 4'096;
  const absl::StatusOr<std::string> head = ReadFileBytes(0, static_cast<int>(head_bytes));
  if (!head.ok()) return status;
  absl::Status better = status;
  const FileHeader header = ParseFileHeader(*head);
  if (code == SQLITE_NOTADB || !header.has_magic) {
    if ((code & 0xFF) != SQLITE_BUSY) better = ExplainNotADatabase(*head, state.size_bytes);
  } else if ((code & 0xFF) == SQLITE_CORRUPT) {
    const absl::Status complete = CheckComplete();
    if (!complete.ok()) better = complete;
  } else if ((code & 0xFF) == SQLITE_CANTOPEN && header.wal) {
    better = SqliteError(db_.get(), SQLITE_READONLY_CANTINIT, "open the WAL");
  }
  ErrorInfo context = InfoOf(status);
  context.hint.clear();
  return WithContext(better, context);
}

// ---- Use --------------------------------------------------------------------------------------

absl::Status SqliteConnection::Error(int result_code, absl::string_view doing) const {
  return ErrorOf(state_.get(), db_.get(), result_code, doing);
}

absl::StatusOr<SqliteStatement> SqliteConnection::Prepare(absl::string_view sql) {
  constexpr size_t kSqlBytesMax = 1 << 30;
  if (sql.find('\0') != absl::string_view::npos || sql.size() > kSqlBytesMax) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage, "an SQL statement holds a NUL byte");
  }
  SqliteStatement statement;
  statement.state_ = state_.get();
  statement.utf16_ = utf16_;
  sqlite3_stmt* raw_statement = nullptr;
  const char* tail = nullptr;
  const int rc = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), 0,
                                    &raw_statement, &tail);
  statement.stmt_.reset(raw_statement);
  if (rc != SQLITE_OK) return Error(rc, "prepare a statement");
  const absl::string_view rest(tail, static_cast<size_t>(sql.data() + sql.size() - tail));
  if (raw_statement == nullptr || rest.find_first_not_of(" \t\r\n;") != absl::string_view::npos) {
    return MakeError(ErrorCode::kUsage, ExitCode::kUsage, "one SQL statement was expected");
  }
  return statement;
}

absl::Status SqliteConnection::Execute(absl::string_view sql) {
  ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  bool more = true;
  while (more) {
    ASSIGN_OR_RETURN(more, statement.Step());
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> SqliteConnection::QueryInt(absl::string_view sql) {
  ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool found, statement.Step());
  if (!found) return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a query gave no row");
  return statement.Int(0);
}

absl::StatusOr<std::string> SqliteConnection::QueryText(absl::string_view sql) {
  ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool found, statement.Step());
  if (!found) return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a query gave no row");
  return statement.Text(0);
}

void SqliteConnection::Interrupt() {
  state_->interrupts.fetch_add(1, std::memory_order_relaxed);
  sqlite3_interrupt(db_.get());
}

uint64_t SqliteConnection::interrupts() const {
  return state_->interrupts.load(std::memory_order_relaxed);
}

absl::StatusOr<bool> SqliteConnection::HasMoved() {
  int moved = 0;
  const int rc = sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (rc != SQLITE_OK) return SqliteError(nullptr, rc, "find the file again");
  return moved != 0;
}

void SqliteConnection::ReleaseMemory() { sqlite3_db_release_memory(db_.get()); }

absl::StatusOr<std::string> SqliteConnection::ReadThrough(int file_control, int64_t offset,
                                                          int bytes) {
  // Without memory SQLite opens nothing at all, and does not look at what it is given.
  if (db_ == nullptr) return SqliteError(nullptr, SQLITE_NOMEM, "reach the file");
  sqlite3_file* file = nullptr;
  const int rc = sqlite3_file_control(db_.get(), "main", file_control, &file);
  if (rc != SQLITE_OK) return SqliteError(nullptr, rc, "reach the file");
  if (file == nullptr || file->pMethods == nullptr) {
    return SqliteError(nullptr, SQLITE_CANTOPEN, "reach the file");
  }
  std::string out(static_cast<size_t>(bytes), '\0');
  const int read = file->pMethods->xRead(file, out.data(), bytes, offset);
  if (read != SQLITE_OK) return SqliteError(nullptr, read, "read the file");
  return out;
}

absl::StatusOr<std::string> SqliteConnection::ReadFileBytes(int64_t offset, int bytes) {
  return ReadThrough(SQLITE_FCNTL_FILE_POINTER, offset, bytes);
}

absl::StatusOr<std::string> SqliteConnection::ReadWalBytes(int64_t offset, int bytes) {
  return ReadThrough(SQLITE_FCNTL_JOURNAL_POINTER, offset, bytes);
}

absl::StatusOr<std::string> SqliteConnection::ReadWalIndexHeader() {
  // Asking for shared memory that SQLite does not use yet would create its file.
  if (immutable_) return std::string();
  ASSIGN_OR_RETURN(const std::string mode, QueryText("PRAGMA journal_mode"));
  if (mode != "wal") return std::string();
  sqlite3_file* file = nullptr;
  const int rc = sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc != SQLITE_OK) return SqliteError(nullptr, rc, "reach the file");
  // The first region, of the size that wal.c maps it with; it is mapped already.
  constexpr int kRegionBytes = 32'768;
  volatile void* region = nullptr;
  const int mapped = file->pMethods->xShmMap(file, 0, kRegionBytes, 0, &region);
  if (mapped != SQLITE_OK || region == nullptr) {
    const int code = mapped == SQLITE_OK ? SQLITE_CANTOPEN : mapped;
    return SqliteError(nullptr, code, "map the WAL index");
  }
  std::string out(kWalIndexHeaderBytes, '\0');
  const auto* const bytes = static_cast<volatile const char*>(region);
  for (size_t i = 0; i < out.size(); ++i) out[i] = bytes[i];
  return out;
}

// ---- Deadlines --------------------------------------------------------------------------------

SqliteDeadline::SqliteDeadline(SqliteConnection& connection, int timeout_ms)
    : state_(connection.state_.get()),
      db_(connection.db_.get()),
      outer_deadline_ns_(state_->deadline_ns) {
  const int64_t mine = NowNs() + int64_t{timeout_ms} * 1'000'000;
  const bool outer_is_earlier = outer_deadline_ns_ != 0 && outer_deadline_ns_ < mine;
  state_->deadline_ns = outer_is_earlier ? outer_deadline_ns_ : mine;
  state_->deadline_passed = false;
  sqlite3_progress_handler(db_, kStepsPerCheck, OnProgress, state_);
}

SqliteDeadline::~SqliteDeadline() {
  state_->deadline_ns = outer_deadline_ns_;
  state_->deadline_passed = false;
  if (outer_deadline_ns_ == 0) sqlite3_progress_handler(db_, 0, nullptr, nullptr);
}

}  // namespace lite2pg
