#include "engine/command/rejects_export.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/utf8.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/rejects.h"
#include "engine/report/utf8.h"
#include "engine/sqlite/database_writer.h"

namespace lite2pg {
namespace {

// REQUIRES: `text` is UTF-8; it may hold NUL.
void PutJsonString(absl::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppend(out, "\\u", absl::Hex(byte, absl::kZeroPad4));
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void PutMember(absl::string_view name, absl::string_view value, std::string* out) {
  absl::StrAppend(out, "\"", name, "\":");
  PutJsonString(ValidUtf8(value), out);
  out->push_back(',');
}

// The shortest decimals that read back as the same number, and as no integer: -0 would lose its
// sign.
std::string RealText(double real) {
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof(digits), real);
  std::string text(digits, end.ptr);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

void PutValue(const OwnedCell& cell, std::string* out) {
  absl::StrAppend(out, "\"class\":\"", StorageClassName(cell.storage_class), "\"");
  switch (cell.storage_class) {
    case StorageClass::kNull:
      absl::StrAppend(out, ",\"value\":null");
      return;
    case StorageClass::kInteger:
      absl::StrAppend(out, ",\"value\":", cell.integer);
      return;
    case StorageClass::kReal:
      // JSON has no infinity.
      absl::StrAppend(out, ",\"value\":", std::isfinite(cell.real) ? "" : "\"",
                      RealText(cell.real), std::isfinite(cell.real) ? "" : "\"");
      return;
    case StorageClass::kText: {
      if (CheckText(cell.bytes) == Outcome::kInvalidUtf8) break;
      absl::StrAppend(out, ",\"value\":");
      PutJsonString(cell.bytes, out);
      return;
    }
    case StorageClass::kBlob:
      break;
  }
  absl::StrAppend(out, ",\"hex\":\"", absl::BytesToHexString(cell.bytes), "\"");
}

absl::Status ExportJson(PgConnection& connection, const Ledger& ledger, AtomicFile* file) {
  return ReadRejects(connection, ledger, nullptr, [&](const RejectRecord& reject) {
    return file->Write(absl::StrCat(RejectToJson(reject), "\n"));
  });
}

// ---- .sqlite ----------------------------------------------------------------------------------

class SqliteExport {
 public:
  SqliteExport(PgConnection& connection, const Ledger& ledger, const SourceCatalog& catalog,
               DatabaseWriter* writer)
      : connection_(connection), ledger_(ledger), catalog_(catalog), writer_(*writer) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(const std::vector<RejectCount> counts, CountRejects(connection_, ledger_));
    RETURN_IF_ERROR(CreateReasons());
    for (const RejectCount& count : counts) {
      const auto table = std::find_if(
          catalog_.tables.begin(), catalog_.tables.end(),
          [&](const SourceTable& candidate) { return candidate.name == count.table; });
      if (table == catalog_.tables.end()) continue;
      RETURN_IF_ERROR(AddTable(*table));
    }
    return absl::OkStatus();
  }

 private:
  // A name that no table of the source has.
  absl::Status CreateReasons() {
    reasons_ = "lite2pg_reject";
    for (int i = 1; HasTable(reasons_); ++i) reasons_ = absl::StrCat("lite2pg_reject_", i);
    return writer_.Execute(absl::StrCat(
        "CREATE TABLE ", reasons_,
        "(id INTEGER PRIMARY KEY, table_name TEXT, row_rowid INTEGER, row_key TEXT,"
        " column_name TEXT, code TEXT, sqlstate TEXT, reason TEXT, declared INTEGER)"));
  }

  bool HasTable(absl::string_view name) const {
    return std::any_of(
        catalog_.tables.begin(), catalog_.tables.end(),
        [&](const SourceTable& table) { return absl::EqualsIgnoreCase(table.name, name); });
  }

  // First by the table's own declaration; if that would not keep the rows as they were, bare.
  absl::Status AddTable(const SourceTable& table) {
    RETURN_IF_ERROR(writer_.Execute("SAVEPOINT own"));
    const absl::StatusOr<bool> kept = TryTable(table, /*declared=*/true);
    if (kept.ok() && *kept) return writer_.Execute("RELEASE own");
    if (!kept.ok() && InfoOf(kept.status()).exit_code != ExitCode::kDefect) return kept.status();
    RETURN_IF_ERROR(writer_.Execute("ROLLBACK TO own"));
    RETURN_IF_ERROR(writer_.Execute("RELEASE own"));
    return TryTable(table, /*declared=*/false).status();
  }

  // False: what the file holds now is not what was put in.
  absl::StatusOr<bool> TryTable(const SourceTable& table, bool declared) {
    std::vector<size_t> kept;  // positions of the columns that are stored
    std::vector<std::string> columns;
    Digest expected;
    const auto on_reject = [&](const RejectRecord& reject) -> absl::Status {
      if (columns.empty()) {
        for (size_t i = 0; i < reject.columns.size(); ++i) {
          if (declared && IsGenerated(table, reject.columns[i])) continue;
          kept.push_back(i);
          columns.push_back(reject.columns[i]);
        }
        RETURN_IF_ERROR(writer_.Execute(declared ? table.sql : BareTable(table, columns)));
      }
      return AddRow(table, reject, kept, columns, declared, &expected);
    };
    RETURN_IF_ERROR(ReadRejects(connection_, ledger_, &table.name, on_reject));
    ASSIGN_OR_RETURN(const Digest stored, writer_.DigestOf(table.name, columns));
    return stored == expected;
  }

  static bool IsGenerated(const SourceTable& table, const std::string& column) {
    return std::any_of(table.columns.begin(), table.columns.end(), [&](const SourceColumn& c) {
      return c.name == column && c.generated != GeneratedKind::kNone;
    });
  }

  static std::string BareTable(const SourceTable& table, const std::vector<std::string>& columns) {
    return absl::StrCat("CREATE TABLE ", QuoteSqliteIdentifier(table.name), "(",
                        absl::StrJoin(columns, ", ",
                                      [](std::string* out, const std::string& column) {
                                        absl::StrAppend(out, QuoteSqliteIdentifier(column));
                                      }),
                        ")");
  }

  absl::Status AddRow(const SourceTable& table, const RejectRecord& reject,
                      const std::vector<size_t>& kept, const std::vector<std::string>& columns,
                      bool declared, Digest* expected) {
    std::vector<SourceValue> row;
    for (const size_t i : kept) row.push_back(reject.cells[i].View());
    RETURN_IF_ERROR(writer_.BeginInsert(table.name, columns));
    RETURN_IF_ERROR(writer_.Insert(row));
    AddStoredRow(row, expected);
    const bool has_rowid = !declared || table.kind != SourceTableKind::kWithoutRowid;
    const int64_t rowid = writer_.last_rowid();
    RETURN_IF_ERROR(writer_.BeginInsert(
        reasons_, {"id", "table_name", "row_rowid", "row_key", "column_name", "code", "sqlstate",
                   "reason", "declared"}));
    return writer_.Insert(std::vector<SourceValue>{
        SourceValue::Integer(reject.id), SourceValue::Text(table.name),
        has_rowid ? SourceValue::Integer(rowid) : SourceValue::Null(),
        SourceValue::Text(reject.row_key),
        reject.column.empty() ? SourceValue::Null() : SourceValue::Text(reject.column),
        SourceValue::Text(reject.code), SourceValue::Text(reject.sqlstate),
        SourceValue::Text(reject.reason), SourceValue::Integer(declared ? 1 : 0)});
  }

  PgConnection& connection_;
  const Ledger& ledger_;
  const SourceCatalog& catalog_;
  DatabaseWriter& writer_;
  std::string reasons_;
};

}  // namespace

std::string JsonMember(absl::string_view name, absl::string_view value) {
  std::string out;
  PutMember(name, value, &out);
  return out;
}

std::string CellToJson(const OwnedCell& cell) {
  std::string out;
  PutValue(cell, &out);
  return out;
}

std::string RejectToJson(const RejectRecord& reject) {
  std::string out = absl::StrCat("{\"id\":", reject.id, ",");
  PutMember("table", reject.table, &out);
  PutMember("row_key", reject.row_key, &out);
  PutMember("column", reject.column, &out);
  PutMember("code", reject.code, &out);
  PutMember("sqlstate", reject.sqlstate, &out);
  PutMember("reason", reject.reason, &out);
  absl::StrAppend(&out, "\"chunk\":", reject.chunk, ",\"values\":[");
  for (size_t i = 0; i < reject.cells.size(); ++i) {
    absl::StrAppend(&out, i == 0 ? "{" : ",{");
    PutMember("column", reject.columns[i], &out);
    PutValue(reject.cells[i], &out);
    out.push_back('}');
  }
  absl::StrAppend(&out, "]}");
  return out;
}

absl::Status ExportRejects(PgConnection& connection, const Ledger& ledger,
                           const SourceCatalog& catalog, const std::string& path) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  if (absl::EndsWith(path, ".ndjson")) {
    RETURN_IF_ERROR(ExportJson(connection, ledger, &file));
    return file.Commit();
  }
  ASSIGN_OR_RETURN(DatabaseWriter writer,
                   DatabaseWriter::Open(file.temporary_path(), catalog.encoding));
  RETURN_IF_ERROR(SqliteExport(connection, ledger, catalog, &writer).Run());
  RETURN_IF_ERROR(writer.Finish());
  return file.Commit();
}

}  // namespace lite2pg
