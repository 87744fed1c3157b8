// RowSource by sqlite3_step: the reference reader.
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/key_sql.h"
#include "engine/sqlite/row_source.h"
#include "engine/sqlite/stand_in_collations.h"
#include "engine/sqlite/value_reader.h"

namespace lite2pg {
namespace {

class LibraryRowSource final : public LibraryRows {
 public:
  explicit LibraryRowSource(SqliteConnection& connection) : connection_(connection) {}
  ~LibraryRowSource() override { RestoreLimit(); }

  absl::Status Open(const TableReading& reading, const KeyRange& range) override;
  absl::Status OpenRow(const TableReading& reading, const SourceKey& key) override;
  absl::StatusOr<std::span<const SourceValue>> Next() override;
  SourceKey CurrentKey() const override;
  std::string DescribeRow() const override;
  void Close() override;
  ReaderUse used() const override { return {}; }
  absl::StatusOr<std::optional<SourceKey>> FindMiddle(const TableReading& reading,
                                                      const KeyRange& range) override {
    return lite2pg::FindMiddle(connection_, reading, range);
  }

 private:
  absl::Status Begin(const TableReading& reading, KeyRange range);
  void LayOutColumns();
  void LimitComputed();
  void RestoreLimit();
  absl::Status CheckCondition() const;
  absl::StatusOr<SqliteStatement> PrepareFor(absl::string_view sql) const;
  absl::Status StartSegment();
  absl::Status NextSegment();
  absl::Status ReadError(int result_code) const;
  void LocateTooLong(ErrorInfo* info) const;

  SqliteConnection& connection_;
  const TableReading* reading_ = nullptr;
  KeyRange range_;                     // segments_ point into it
  std::vector<KeyColumn> key_;
  std::vector<int> key_positions_;     // where each key column is in a row of the statement
  std::vector<std::string> selected_;  // SQL of the statement's columns
  size_t extra_columns_ = 0;           // key columns before the wanted ones
  std::vector<KeySegment> segments_;
  size_t segment_ = 0;
  StandInCollations stand_ins_;        // outlives statement_
  SqliteStatement statement_;
  std::unique_ptr<ValueReader> reader_;
  int length_limit_ = -1;              // of the connection, where it was lowered
  int64_t rows_ = 0;
  bool has_row_ = false;               // reader_ holds the row that Next() returned last
};

// Key columns that are not wanted as values come first, so that the wanted ones are one span.
void LibraryRowSource::LayOutColumns() {
  const SourceTable& table = *reading_->table;
  selected_.clear();
  key_positions_.clear();
  const auto wanted = [&](const KeyColumn& column) {
    return std::find(reading_->columns.begin(), reading_->columns.end(), column.table_column);
  };
  for (const KeyColumn& column : key_) {
    if (column.table_column >= 0 && wanted(column) != reading_->columns.end()) continue;
    selected_.push_back(column.sql);
  }
  extra_columns_ = selected_.size();
  int extra = 0;
  for (const KeyColumn& column : key_) {
    const auto found = wanted(column);
    const bool is_wanted = column.table_column >= 0 && found != reading_->columns.end();
    key_positions_.push_back(is_wanted ? static_cast<int>(extra_columns_ + static_cast<size_t>(
                                             found - reading_->columns.begin()))
                                       : extra++);
  }
  for (const int column : reading_->columns) {
    selected_.push_back(
        QuoteSqliteIdentifier(table.columns[static_cast<size_t>(column)].read_name()));
  }
}

// Where nobody named a ceiling for memory, rows are as long as they are stored; but a virtual
// column makes a gigabyte of a few bytes, zeroblob(1000000000).
void LibraryRowSource::LimitComputed() {
  constexpr int kSqliteLengthMax = 1'000'000'000, kComputedBytesMax = 96 << 20;
  const bool computed = std::any_of(
      reading_->columns.begin(), reading_->columns.end(), [this](int column) {
        return reading_->table->columns[static_cast<size_t>(column)].generated ==
               GeneratedKind::kVirtual;
      });
  const int limit = sqlite3_limit(connection_.raw(), SQLITE_LIMIT_LENGTH, -1);
  if (!computed || limit < kSqliteLengthMax) return;
  length_limit_ = limit;
  sqlite3_limit(connection_.raw(), SQLITE_LIMIT_LENGTH, kComputedBytesMax);
}

void LibraryRowSource::RestoreLimit() {
  if (length_limit_ < 0) return;
  sqlite3_limit(connection_.raw(), SQLITE_LIMIT_LENGTH, length_limit_);
  length_limit_ = -1;
}

absl::Status LibraryRowSource::Begin(const TableReading& reading, KeyRange range) {
  Close();
  if (reading.columns.empty()) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect, "a reading has no columns");
  }
  reading_ = &reading;
  range_ = std::move(range);
  key_ = KeyColumnsOf(reading);
  LayOutColumns();
  LimitComputed();
  reader_ = std::make_unique<ValueReader>(static_cast<int>(selected_.size()), connection_.utf16());
  rows_ = 0;
  has_row_ = false;
  segment_ = 0;
  RETURN_IF_ERROR(stand_ins_.Begin(connection_, *reading.table));
  return CheckCondition();
}

absl::Status LibraryRowSource::Open(const TableReading& reading, const KeyRange& range) {
  RETURN_IF_ERROR(Begin(reading, range));
  if (key_.empty()) {
    segments_.assign(1, KeySegment());
  } else {
    ASSIGN_OR_RETURN(segments_, SegmentsOf(connection_, key_, range_));
  }
  return StartSegment();
}

absl::Status LibraryRowSource::OpenRow(const TableReading& reading, const SourceKey& key) {
  RETURN_IF_ERROR(Begin(reading, KeyRange{std::nullopt, key}));
  segments_.assign(1, KeySegment{.prefix = &*range_.up_to, .fixed = key_.size()});
  return StartSegment();
}

absl::Status LibraryRowSource::StartSegment() {
  if (segment_ == segments_.size()) return absl::OkStatus();
  const KeySegment& segment = segments_[segment_];
  std::string sql = "SELECT ";
  for (size_t i = 0; i < selected_.size(); ++i) {
    absl::StrAppend(&sql, i == 0 ? "" : ", ", selected_[i]);
  }
  absl::StrAppend(&sql, " FROM ", FromTable(*reading_));
  const std::string condition = SegmentCondition(key_, segment);
  const std::string& where = reading_->where_sql;
  if (!condition.empty() || !where.empty()) absl::StrAppend(&sql, " WHERE ", condition);
  // The plus keeps the planner from walking another way for the user's condition, which could end
  // in sorting the table; the line of its own ends a comment at the end of the user's text.
  if (!where.empty()) absl::StrAppend(&sql, condition.empty() ? "" : " AND ", "+(", where, "\n)");
  absl::StrAppend(&sql, OrderByKey(key_, /*backwards=*/false));
  ASSIGN_OR_RETURN(statement_, PrepareFor(sql));
  BindSegment(segment, &statement_);
  return statement_.bind_status();
}

// With the table's name; and if the user's condition may be to blame, saying so.
absl::StatusOr<SqliteStatement> LibraryRowSource::PrepareFor(absl::string_view sql) const {
  absl::StatusOr<SqliteStatement> prepared = connection_.Prepare(sql);
  if (prepared.ok()) return prepared;
  ErrorInfo info = InfoOf(prepared.status());
  info.table = reading_->table->name;
  if (!reading_->where_sql.empty() && (info.sqlite_code & 0xFF) == SQLITE_ERROR) {
    info.code = ErrorCode::kUsage;
    info.exit_code = ExitCode::kUsage;
    info.what = "the condition on the source table is not valid SQL for it";
    info.hint = "strings are in single quotes; names in double quotes must be columns";
  }
  return MakeError(info);
}

// Within our parentheses "1) OR (1" would be valid and undo the range: rows would be read twice.
// What is valid with and without parentheses around it is one expression.
absl::Status LibraryRowSource::CheckCondition() const {
  if (reading_->where_sql.empty()) return absl::OkStatus();
  return PrepareFor(absl::StrCat("SELECT 1 FROM ", FromTable(*reading_), " WHERE ",
                                 reading_->where_sql, "\n"))
      .status();
}

absl::Status LibraryRowSource::NextSegment() {
  ++segment_;
  statement_ = SqliteStatement();
  return StartSegment();
}

absl::Status LibraryRowSource::ReadError(int result_code) const {
  ErrorInfo context;
  context.table = reading_->table->name;
  context.row_key = DescribeRow();
  const absl::Status status = connection_.Error(result_code, "read a row");
  if ((result_code & 0xFF) == SQLITE_TOOBIG) LocateTooLong(&context);
  return WithContext(status, context);
}

// The row that SQLite did not give because it is too long for its limit, and the longest of its
// stored values: their lengths can be had without them. What cannot be found out stays as it is.
void LibraryRowSource::LocateTooLong(ErrorInfo* info) const {
  if (reading_->key_kind != KeyKind::kRowid || !reading_->where_sql.empty()) return;
  std::string sql = absl::StrCat("SELECT ", key_[0].sql, " FROM ", FromTable(*reading_));
  const auto position = static_cast<size_t>(key_positions_[0]);
  if (rows_ > 0) {
    absl::StrAppend(&sql, " WHERE ", key_[0].sql, " > ", reader_->values()[position].integer);
  } else if (range_.after.has_value()) {
    absl::StrAppend(&sql, " WHERE ", key_[0].sql, " > ", (*range_.after)[0].view().integer);
  }
  absl::StrAppend(&sql, OrderByKey(key_, /*backwards=*/false), " LIMIT 1");
  absl::StatusOr<SqliteStatement> row = connection_.Prepare(sql);
  if (!row.ok() || !row->Step().value_or(false)) return;
  const int64_t rowid = row->Int(0);
  info->row_key = absl::StrCat("rowid ", rowid);
  int longest = -1;
  for (const int column : reading_->columns) {
    const SourceColumn& of = reading_->table->columns[static_cast<size_t>(column)];
    sqlite3_blob* value = nullptr;
    const int rc =
        sqlite3_blob_open(connection_.raw(), "main", reading_->table->read_name().c_str(),
                          of.read_name().c_str(), rowid, /*flags=*/0, &value);
    const int bytes = rc == SQLITE_OK ? sqlite3_blob_bytes(value) : -1;
    sqlite3_blob_close(value);
    if (bytes <= longest) continue;
    longest = bytes;
    info->column = of.name;
    info->value = absl::StrCat("a value of ", bytes, " bytes");
  }
}

absl::StatusOr<std::span<const SourceValue>> LibraryRowSource::Next() {
  has_row_ = false;
  while (statement_) {
    const int rc = sqlite3_step(statement_.raw());
    if (rc == SQLITE_ROW) [[likely]] {
      if (!reader_->Read(statement_.raw())) [[unlikely]] return ReadError(SQLITE_NOMEM);
      ++rows_;
      has_row_ = true;
      return reader_->values().subspan(extra_columns_);
    }
    RETURN_IF_ERROR(stand_ins_.status());
    if (rc != SQLITE_DONE) return ReadError(rc);
    RETURN_IF_ERROR(NextSegment());
  }
  return std::span<const SourceValue>();
}

SourceKey LibraryRowSource::CurrentKey() const {
  SourceKey key;
  for (const int position : key_positions_) {
    key.emplace_back(reader_->values()[static_cast<size_t>(position)]);
  }
  return key;
}

std::string LibraryRowSource::DescribeRow() const {
  return DescribeRowOf(*reading_, key_, key_positions_, extra_columns_, reader_->values(), rows_,
                       has_row_);
}

void LibraryRowSource::Close() {
  const bool was_open = static_cast<bool>(statement_);
  has_row_ = false;
  statement_ = SqliteStatement();
  stand_ins_.End();
  RestoreLimit();
  if (was_open) connection_.ReleaseMemory();
}

}  // namespace

std::unique_ptr<LibraryRows> NewLibraryRowSource(SqliteConnection& connection) {
  return std::make_unique<LibraryRowSource>(connection);
}

}  // namespace lite2pg
