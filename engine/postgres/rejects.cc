#include "engine/postgres/rejects.h"

#include <bit>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "coercion/field_buffer.h"
#include "coercion/pg_type.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_frames.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

constexpr char kClassLetters[kStorageClassCount] = {'n', 'i', 'r', 't', 'b'};

// Columns of the table in the order in which tuples are written and read.
const std::vector<std::string>& InsertedColumns() {
  static const auto* const kColumns = new std::vector<std::string>{
      "run_id", "chunk", "table_name", "row_key",     "columns", "classes",
      "cells",  "code",  "sqlstate",   "column_name", "reason"};
  return *kColumns;
}

void PutField(absl::string_view bytes, FieldBuffer* out) {
  out->Reserve(bytes.size() + 4);
  out->PutInt32(static_cast<int32_t>(bytes.size()));
  out->PutBytes(bytes);
}

void PutText(absl::string_view text, FieldBuffer* out) {
  PutField(EncodeLedgerText(std::string(text)), out);
}

// The head of a one-dimensional array (src/backend/utils/adt/arrayfuncs.c, array_recv); elements
// follow as fields. Returns where the array's length has to be written.
size_t BeginArray(Oid element, size_t count, FieldBuffer* out) {
  out->Reserve(32);
  const size_t length_at = out->size();
  out->PutInt32(0);
  out->PutInt32(count == 0 ? 0 : 1);  // dimensions
  out->PutInt32(1);                   // may hold NULL
  out->PutInt32(static_cast<int32_t>(element));
  if (count > 0) {
    out->PutInt32(static_cast<int32_t>(count));
    out->PutInt32(1);
  }
  return length_at;
}

void EndArray(size_t length_at, FieldBuffer* out) {
  out->PatchInt32(length_at, static_cast<int32_t>(out->size() - length_at - 4));
}

void PutCell(const OwnedCell& cell, FieldBuffer* out) {
  out->Reserve(12);
  switch (cell.storage_class) {
    case StorageClass::kNull:
      out->PutInt32(-1);
      return;
    case StorageClass::kInteger:
      out->PutInt32(8);
      out->PutInt64(cell.integer);
      return;
    case StorageClass::kReal:
      out->PutInt32(8);
      out->PutDouble(cell.real);
      return;
    case StorageClass::kText:
    case StorageClass::kBlob:
      PutField(cell.bytes, out);
      return;
  }
}

void PutTuple(const Ledger& ledger, const RejectRecord& reject, FieldBuffer* out) {
  out->Reserve(64);
  out->PutInt16(static_cast<int16_t>(InsertedColumns().size()));
  PutField(ledger.run_id(), out);
  out->Reserve(12);
  out->PutInt32(8);
  out->PutInt64(reject.chunk);
  PutText(reject.table, out);
  PutText(reject.row_key, out);
  const size_t columns_at = BeginArray(kOidText, reject.columns.size(), out);
  for (const std::string& column : reject.columns) PutText(column, out);
  EndArray(columns_at, out);
  std::string classes;
  for (const OwnedCell& cell : reject.cells) {
    classes.push_back(kClassLetters[static_cast<size_t>(cell.storage_class)]);
  }
  PutField(classes, out);
  const size_t cells_at = BeginArray(kOidBytea, reject.cells.size(), out);
  for (const OwnedCell& cell : reject.cells) PutCell(cell, out);
  EndArray(cells_at, out);
  PutField(reject.code, out);
  PutField(reject.sqlstate, out);
  PutText(reject.column, out);
  PutText(reject.reason, out);
}

size_t SizeOf(const RejectRecord& reject) {
  size_t size = 1024 + reject.table.size() + reject.row_key.size() + reject.reason.size();
  for (const std::string& column : reject.columns) size += 2 * column.size() + 8;
  for (const OwnedCell& cell : reject.cells) size += cell.bytes.size() + 16;
  return size;
}

absl::Status CheckReject(const RejectRecord& reject) {
  if (reject.cells.size() != reject.columns.size()) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     "a rejected row has not one cell per column");
  }
  if (SizeOf(reject) <= kFieldBytesMax) return absl::OkStatus();
  ErrorInfo info;
  info.code = ErrorCode::kValueTooLarge;
  info.exit_code = ExitCode::kBadValue;
  info.what = "a row to be set aside is larger than PostgreSQL can hold";
  info.table = reject.table;
  info.row_key = reject.row_key;
  info.hint = "exclude the table or the row with --where";
  return MakeError(info);
}

// Takes fields off the front of a tuple. After the first error all others fail too.
class TupleCursor {
 public:
  explicit TupleCursor(absl::string_view tuple) : rest_(tuple) {}

  bool ok() const { return ok_; }
  uint16_t Count() {
    const absl::string_view bytes = Bytes(2);
    return ok_ ? ReadBigEndian16(bytes.data()) : 0;
  }
  uint32_t Int32() {
    const absl::string_view bytes = Bytes(4);
    return ok_ ? ReadBigEndian32(bytes.data()) : 0;
  }
  int64_t Int64() {
    const uint64_t high = Int32();
    return static_cast<int64_t>((high << 32) | Int32());
  }
  // nullopt for NULL.
  absl::optional<absl::string_view> Field() {
    const auto size = static_cast<int32_t>(Int32());
    if (size < 0) return absl::nullopt;
    return Bytes(static_cast<size_t>(size));
  }
  std::string Text() { return DecodeLedgerText(Field().value_or("")); }
  // Enters an array and returns its number of elements.
  uint32_t Array() {
    Int32();  // length
    const uint32_t dimensions = Int32();
    Int32();  // has NULL
    Int32();  // element's type
    if (dimensions == 0) return 0;
    const uint32_t count = Int32();
    Int32();  // lower bound
    ok_ = ok_ && dimensions == 1 && count <= rest_.size();
    return ok_ ? count : 0;
  }

 private:
  absl::string_view Bytes(size_t size) {
    ok_ = ok_ && rest_.size() >= size;
    if (!ok_) return absl::string_view();
    const absl::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  absl::string_view rest_;
  bool ok_ = true;
};

bool ParseCell(char letter, absl::optional<absl::string_view> bytes, OwnedCell* cell) {
  const absl::string_view letters(kClassLetters, kStorageClassCount);
  const size_t at = letters.find(letter);
  if (at == absl::string_view::npos) return false;
  cell->storage_class = static_cast<StorageClass>(at);
  if (cell->storage_class == StorageClass::kNull) return !bytes.has_value();
  if (!bytes.has_value()) return false;
  if (letter == 't' || letter == 'b') {
    cell->bytes = std::string(*bytes);
    return true;
  }
  if (bytes->size() != 8) return false;
  uint64_t word = 0;
  std::memcpy(&word, bytes->data(), sizeof(word));
  word = __builtin_bswap64(word);
  cell->integer = letter == 'i' ? static_cast<int64_t>(word) : 0;
  cell->real = letter == 'r' ? std::bit_cast<double>(word) : 0;
  return true;
}

// The tuple of kReadColumns.
bool ParseTuple(absl::string_view tuple, RejectRecord* reject) {
  TupleCursor cursor(tuple);
  if (cursor.Count() != InsertedColumns().size()) return false;
  cursor.Int32();
  reject->id = cursor.Int64();
  cursor.Int32();
  reject->chunk = cursor.Int64();
  reject->table = cursor.Text();
  reject->row_key = cursor.Text();
  for (uint32_t count = cursor.Array(); count > 0; --count) {
    reject->columns.push_back(cursor.Text());
  }
  const std::string classes(cursor.Field().value_or(""));
  const uint32_t count = cursor.Array();
  if (!cursor.ok() || count != classes.size() || count != reject->columns.size()) return false;
  for (const char letter : classes) {
    OwnedCell cell;
    if (!ParseCell(letter, cursor.Field(), &cell)) return false;
    reject->cells.push_back(std::move(cell));
  }
  reject->code = std::string(cursor.Field().value_or(""));
  reject->sqlstate = std::string(cursor.Field().value_or(""));
  reject->column = cursor.Text();
  reject->reason = cursor.Text();
  return cursor.ok();
}

constexpr absl::string_view kReadColumns =
    "id, chunk, table_name, row_key, columns, classes, cells, code, sqlstate, column_name, reason";

}  // namespace

OwnedCell OwnedCell::From(const SourceValue& value) {
  OwnedCell cell;
  cell.storage_class = value.storage_class;
  if (value.storage_class == StorageClass::kInteger) cell.integer = value.integer;
  if (value.storage_class == StorageClass::kReal) cell.real = value.real;
  if (value.storage_class == StorageClass::kText || value.storage_class == StorageClass::kBlob) {
    cell.bytes = std::string(value.bytes());
  }
  return cell;
}

SourceValue OwnedCell::View() const {
  switch (storage_class) {
    case StorageClass::kNull:
      return SourceValue::Null();
    case StorageClass::kInteger:
      return SourceValue::Integer(integer);
    case StorageClass::kReal:
      return SourceValue::Real(real);
    case StorageClass::kText:
      return SourceValue::Text(bytes);
    case StorageClass::kBlob:
      return SourceValue::Blob(bytes);
  }
  return SourceValue::Null();
}

absl::Status InsertRejects(PgConnection& connection, const Ledger& ledger,
                           const std::vector<RejectRecord>& rejects) {
  if (rejects.empty()) return absl::OkStatus();
  for (const RejectRecord& reject : rejects) RETURN_IF_ERROR(CheckReject(reject));
  if (!connection.in_transaction()) {
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     "rejects are recorded in their chunk's transaction, and there is none");
  }
  CopyIn copy(connection);
  RETURN_IF_ERROR(copy.Begin(ledger.location().Table("reject"), InsertedColumns()));
  FieldBuffer tuple;
  for (const RejectRecord& reject : rejects) {
    tuple.Clear();
    PutTuple(ledger, reject, &tuple);
    RETURN_IF_ERROR(copy.Write(tuple.view()));
    if (tuple.capacity() > kBatchBytes) tuple.Release();
  }
  ASSIGN_OR_RETURN(const uint64_t counted, copy.Finish());
  if (counted == rejects.size()) return absl::OkStatus();
  return MakeError(ErrorCode::kTargetStatement, ExitCode::kTargetRefuses,
                   absl::StrCat("of ", rejects.size(), " rows to be set aside the server kept ",
                                counted, ": something on the ledger's table swallows rows"));
}

absl::Status ReadRejects(PgConnection& connection, const Ledger& ledger,
                         const std::string* only_table,
                         const std::function<absl::Status(const RejectRecord&)>& on_reject) {
  if (ledger.location().is_nowhere()) return absl::OkStatus();
  std::string query =
      absl::StrCat("SELECT ", kReadColumns, " FROM ", ledger.location().Table("reject"),
                   " WHERE run_id = ", QuoteLiteral(ledger.run_id()));
  if (only_table != nullptr) {
    absl::StrAppend(&query, " AND table_name = ", QuoteLiteral(EncodeLedgerText(*only_table)));
  }
  return CopyOut(connection, absl::StrCat(query, " ORDER BY id"),
                 [&](absl::string_view tuple) -> absl::Status {
                   RejectRecord reject;
                   if (ParseTuple(tuple, &reject)) return on_reject(reject);
                   return MakeError(ErrorCode::kTargetStatement, ExitCode::kCannotResume,
                                    "a row of the ledger's table of rejects is damaged");
                 })
      .status();
}

absl::StatusOr<std::vector<RejectCount>> CountRejects(PgConnection& connection,
                                                      const Ledger& ledger) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   connection.Query(absl::StrCat("SELECT table_name, pg_catalog.count(*) FROM ",
                                                 ledger.location().Table("reject"),
                                                 " WHERE run_id = $1 GROUP BY 1 ORDER BY 1"),
                                    {ledger.run_id()}));
  std::vector<RejectCount> counts;
  for (int i = 0; i < rows.rows(); ++i) {
    counts.push_back({DecodeLedgerText(rows.Text(i, 0)), static_cast<uint64_t>(rows.Int(i, 1))});
  }
  return counts;
}

}  // namespace lite2pg
