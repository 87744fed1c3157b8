#include "engine/sqlite/database_writer.h"

#include <sqlite3.h>

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/field_buffer.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/error.h"
#include "engine/sqlite/utf16.h"
#include "engine/sqlite/value_reader.h"

namespace lite2pg {
namespace {

// Evaluating a generated column of a hostile declaration must end some time.
constexpr int kStepsBetweenLooks = 1'000'000;
constexpr int kLooksMax = 2'000;

int CountLooks(void* looks) { return ++*static_cast<int*>(looks) > kLooksMax ? 1 : 0; }

std::string ColumnList(const std::vector<std::string>& columns) {
  return absl::StrJoin(columns, ", ", [](std::string* out, const std::string& column) {
    absl::StrAppend(out, QuoteSqliteIdentifier(column));
  });
}

// What a CREATE statement does. Everything else (ATTACH, PRAGMA, virtual tables, TEMP objects,
// INSERT, ...) is refused.
int AllowDeclaration(void*, int action, const char* first, const char*, const char* database,
                     const char*) {
  const bool in_file = database == nullptr || absl::string_view(database) == "main";
  switch (action) {
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_REINDEX:
    case SQLITE_READ:
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return in_file ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE: {
      // How SQLite keeps declarations.
      const absl::string_view table = first == nullptr ? "" : first;
      const bool own = table == "sqlite_master" || table == "sqlite_schema";
      return in_file && own ? SQLITE_OK : SQLITE_DENY;
    }
    default:
      return SQLITE_DENY;
  }
}

int BindValue(sqlite3_stmt* statement, int index, const SourceValue& value, bool utf16) {
  const auto size = static_cast<sqlite3_uint64>(value.size_bytes);
  // A null pointer would be NULL, not an empty value.
  const char* const data = value.data == nullptr ? "" : value.data;
  switch (value.storage_class) {
    case StorageClass::kNull:
      return sqlite3_bind_null(statement, index);
    case StorageClass::kInteger:
      return sqlite3_bind_int64(statement, index, value.integer);
    case StorageClass::kReal:
      return sqlite3_bind_double(statement, index, value.real);
    case StorageClass::kBlob:
      return sqlite3_bind_blob64(statement, index, data, size, SQLITE_STATIC);
    case StorageClass::kText:
      break;
  }
  if (!utf16) return sqlite3_bind_text64(statement, index, data, size, SQLITE_STATIC, SQLITE_UTF8);
  const std::u16string units = Wtf8ToUtf16(value.bytes());
  return sqlite3_bind_text64(statement, index, reinterpret_cast<const char*>(units.data()),
                             units.size() * 2, SQLITE_TRANSIENT, SQLITE_UTF16);
}

}  // namespace

void AddStoredRow(std::span<const SourceValue> row, Digest* digest) {
  size_t size = 0;
  for (const SourceValue& value : row) size += 16 + value.size_bytes;
  FieldBuffer bytes(size);
  for (const SourceValue& value : row) {
    bytes.PutByte(static_cast<uint8_t>(value.storage_class));
    if (value.storage_class == StorageClass::kInteger) bytes.PutInt64(value.integer);
    if (value.storage_class == StorageClass::kReal) bytes.PutDouble(value.real);
    if (value.storage_class < StorageClass::kText) continue;
    bytes.PutInt32(static_cast<int32_t>(value.size_bytes));
    bytes.PutBytes(value.bytes());
  }
  digest->AddRow(bytes.view());
}

void DatabaseWriter::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }
void DatabaseWriter::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

absl::Status DatabaseWriter::Error(int result_code, absl::string_view doing) const {
  ErrorInfo info = InfoOf(SqliteError(db_.get(), result_code, doing));
  // It is a file of ours that fails here, not the source.
  const int code = result_code & 0xff;
  const bool room = code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_NOMEM;
  info.code = room ? ErrorCode::kTargetOutOfResource : ErrorCode::kDefect;
  info.exit_code = room ? ExitCode::kOutOfResource : ExitCode::kDefect;
  info.what = absl::StrCat("writing an SQLite file failed: cannot ", doing);
  info.hint = room ? "make room, or name another place" : "";
  return MakeError(info);
}

absl::StatusOr<DatabaseWriter> DatabaseWriter::Open(const std::string& path,
                                                    const std::string& encoding) {
  DatabaseOptions options;
  options.encoding = encoding;
  return Open(path, options);
}

absl::StatusOr<DatabaseWriter> DatabaseWriter::Open(const std::string& path,
                                                    const DatabaseOptions& options) {
  DatabaseWriter writer;
  sqlite3* db = nullptr;
  const int rc =
      sqlite3_open_v2(path.c_str(), &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  writer.db_.reset(db);
  if (rc != SQLITE_OK) return writer.Error(rc, "open it");
  // The schema stays trusted, or SQLite before 3.42 would refuse its own JSON functions in it.
  for (const int option : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_FKEY,
                           SQLITE_DBCONFIG_ENABLE_VIEW}) {
    const int set = sqlite3_db_config(db, option, 0, nullptr);
    if (set != SQLITE_OK) return writer.Error(set, "set it up");
  }
  // Declarations of older SQLite versions have texts in double quotes.
  const int trusted = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);
  if (trusted != SQLITE_OK) return writer.Error(trusted, "set it up");
  const int quotes = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
  if (quotes != SQLITE_OK) return writer.Error(quotes, "set it up");
  writer.utf16_ = options.encoding != "UTF-8";
  // The caller syncs the whole file and renames it, so SQLite need not; the journal is for the
  // savepoints of tables that are tried twice.
  for (const std::string& pragma :
       {absl::StrCat("PRAGMA encoding='", options.encoding, "'"),
        absl::StrCat("PRAGMA page_size=", options.page_size),
        absl::StrCat("PRAGMA auto_vacuum=", options.auto_vacuum),
        std::string("PRAGMA journal_mode=MEMORY"), std::string("PRAGMA synchronous=OFF"),
        std::string("PRAGMA ignore_check_constraints=ON"), std::string("BEGIN"),
        absl::StrCat("PRAGMA user_version=", options.user_version),
        absl::StrCat("PRAGMA application_id=", options.application_id)}) {
    RETURN_IF_ERROR(writer.Execute(pragma));
  }
  return writer;
}

absl::StatusOr<DatabaseWriter::Statement> DatabaseWriter::Prepare(absl::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int rc =
      sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &statement, &tail);
  Statement owned(statement);
  if (rc != SQLITE_OK) return Error(rc, absl::StrCat("run ", EscapeForMessage(sql, 80)));
  if (owned == nullptr) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "an SQL text holds no statement");
  }
  return owned;
}

absl::Status DatabaseWriter::Execute(absl::string_view sql) {
  ASSIGN_OR_RETURN(const Statement statement, Prepare(sql));
  while (true) {
    const int rc = sqlite3_step(statement.get());
    if (rc == SQLITE_DONE) return absl::OkStatus();
    if (rc != SQLITE_ROW) return Error(rc, absl::StrCat("run ", EscapeForMessage(sql, 80)));
  }
}

absl::Status DatabaseWriter::Declare(absl::string_view sql) {
  sqlite3_set_authorizer(db_.get(), AllowDeclaration, nullptr);
  const absl::Status status = Execute(sql);
  sqlite3_set_authorizer(db_.get(), nullptr, nullptr);
  return status;
}

absl::Status DatabaseWriter::ReplaceDeclaration(absl::string_view table, absl::string_view sql) {
  insert_.reset();
  RETURN_IF_ERROR(Execute("PRAGMA writable_schema=ON"));
  ASSIGN_OR_RETURN(const Statement update,
                   Prepare("UPDATE sqlite_schema SET sql=?1 WHERE type='table' AND name=?2"));
  for (const auto& [index, text] : {std::pair<int, absl::string_view>{1, sql}, {2, table}}) {
    const int rc = BindValue(update.get(), index, SourceValue::Text(text), utf16_);
    if (rc != SQLITE_OK) return Error(rc, "bind a value");
  }
  const int rc = sqlite3_step(update.get());
  if (rc != SQLITE_DONE) return Error(rc, "replace a declaration");
  // Makes SQLite read the declarations anew.
  return Execute("PRAGMA writable_schema=RESET");
}

absl::StatusOr<std::vector<std::string>> DatabaseWriter::QueryTexts(absl::string_view sql) {
  ASSIGN_OR_RETURN(const Statement statement, Prepare(sql));
  std::vector<std::string> texts;
  while (true) {
    const int rc = sqlite3_step(statement.get());
    if (rc == SQLITE_DONE) return texts;
    if (rc != SQLITE_ROW) return Error(rc, absl::StrCat("run ", EscapeForMessage(sql, 80)));
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0));
    texts.emplace_back(text == nullptr ? "" : text);
  }
}

absl::Status DatabaseWriter::BeginInsert(absl::string_view table,
                                         const std::vector<std::string>& columns) {
  insert_.reset();
  std::vector<std::string> marks(columns.size(), "?");
  ASSIGN_OR_RETURN(insert_, Prepare(absl::StrCat("INSERT INTO ", QuoteSqliteIdentifier(table), " (",
                                                 ColumnList(columns), ") VALUES (",
                                                 absl::StrJoin(marks, ","), ")")));
  return absl::OkStatus();
}

absl::Status DatabaseWriter::Insert(std::span<const SourceValue> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    const int rc = BindValue(insert_.get(), static_cast<int>(i) + 1, values[i], utf16_);
    if (rc != SQLITE_OK) return Error(rc, "bind a value");
  }
  int looks = 0;
  sqlite3_progress_handler(db_.get(), kStepsBetweenLooks, CountLooks, &looks);
  const int rc = sqlite3_step(insert_.get());
  sqlite3_progress_handler(db_.get(), 0, nullptr, nullptr);
  const absl::Status status = rc == SQLITE_DONE ? absl::OkStatus() : Error(rc, "insert a row");
  sqlite3_reset(insert_.get());
  sqlite3_clear_bindings(insert_.get());
  return status;
}

int64_t DatabaseWriter::last_rowid() const { return sqlite3_last_insert_rowid(db_.get()); }

absl::StatusOr<Digest> DatabaseWriter::DigestOf(absl::string_view table,
                                                const std::vector<std::string>& columns) {
  ASSIGN_OR_RETURN(const Statement statement,
                   Prepare(absl::StrCat("SELECT ", ColumnList(columns), " FROM ",
                                        QuoteSqliteIdentifier(table))));
  ValueReader reader(static_cast<int>(columns.size()), utf16_);
  Digest digest;
  while (true) {
    const int rc = sqlite3_step(statement.get());
    if (rc == SQLITE_DONE) return digest;
    if (rc != SQLITE_ROW) return Error(rc, "read it back");
    if (!reader.Read(statement.get())) return Error(SQLITE_NOMEM, "read it back");
    AddStoredRow(reader.values(), &digest);
  }
}

absl::Status DatabaseWriter::Finish() {
  insert_.reset();
  RETURN_IF_ERROR(Execute("COMMIT"));
  const int rc = sqlite3_close(db_.release());
  return rc == SQLITE_OK ? absl::OkStatus() : Error(rc, "close it");
}

}  // namespace lite2pg
