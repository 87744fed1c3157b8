#include "engine/command/mended_rejects.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/selection.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/rejects.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/connection.h"
#include "engine/sqlite/database_writer.h"
#include "engine/sqlite/row_source.h"
#include "nlohmann/json.hpp"

namespace lite2pg {
namespace {

using Json = nlohmann::json;

// What --rejects FILE.sqlite calls the table of reasons, unless the source has one of that name.
constexpr absl::string_view kReasons = "lite2pg_reject";

absl::Status BadFile(absl::string_view what) {
  return MakeError(ErrorCode::kConfig, ExitCode::kUsage, absl::StrCat("--only-rejects: ", what),
                   "give a file that --rejects has written, with its rows mended");
}

std::string SqliteLiteral(absl::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out.push_back('\'');
    out.push_back(c);
  }
  return absl::StrCat(out, "'");
}

std::string StringOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A value as RejectToJson prints it, or as a user would write it: the class counts where the JSON
// alone would not tell.
bool ParseCell(const Json& json, OwnedCell* cell) {
  if (!json.is_object()) return false;
  const std::string given = StringOf(json, "class");
  if (const auto hex = json.find("hex"); hex != json.end()) {
    if (!hex->is_string() || hex->get_ref<const std::string&>().size() % 2 != 0) return false;
    const std::string& digits = hex->get_ref<const std::string&>();
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return false;
    cell->storage_class = given == "text" ? StorageClass::kText : StorageClass::kBlob;
    cell->bytes = absl::HexStringToBytes(digits);
    return true;
  }
  const auto value = json.find("value");
  if (value == json.end()) return false;
  if (value->is_null()) {
    cell->storage_class = StorageClass::kNull;
  } else if (value->is_number_float() || (value->is_number() && given == "real")) {
    cell->storage_class = StorageClass::kReal;
    cell->real = value->get<double>();
  } else if (value->is_number_integer()) {
    if (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX) return false;
    cell->storage_class = StorageClass::kInteger;
    cell->integer = value->get<int64_t>();
  } else if (value->is_string()) {
    cell->bytes = value->get<std::string>();
    cell->storage_class = StorageClass::kText;
    if (given == "real" && absl::SimpleAtod(cell->bytes, &cell->real)) {
      cell->storage_class = StorageClass::kReal;
      cell->bytes.clear();
    }
  } else {
    return false;
  }
  return true;
}

// Writes .ndjson as the .sqlite that --rejects would have written, with bare columns.
class JsonConverter {
 public:
  explicit JsonConverter(DatabaseWriter* writer) : writer_(*writer) {}

  absl::Status Begin() {
    return writer_.Execute(absl::StrCat(
        "CREATE TABLE ", kReasons,
        "(id INTEGER PRIMARY KEY, table_name TEXT, row_rowid INTEGER, row_key TEXT)"));
  }

  absl::Status Add(absl::string_view line, uint64_t number) {
    const Json json = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
    const std::string where = absl::StrCat("line ", number, ": ");
    if (!json.is_object()) return BadFile(absl::StrCat(where, "not an object of JSON"));
    const auto id = json.find("id");
    const auto values = json.find("values");
    const std::string table = StringOf(json, "table");
    if (id == json.end() || !id->is_number_integer() || values == json.end() ||
        !values->is_array() || table.empty() || absl::StartsWithIgnoreCase(table, "sqlite_")) {
      return BadFile(absl::StrCat(where, "needs id, table and values"));
    }
    std::vector<std::string> columns;
    std::vector<OwnedCell> cells;
    for (const Json& value : *values) {
      OwnedCell cell;
      if (!ParseCell(value, &cell) || StringOf(value, "column").empty()) {
        return BadFile(absl::StrCat(where, "not a value: ", EscapeForMessage(value.dump(
                                                                -1, ' ', true,
                                                                Json::error_handler_t::replace))));
      }
      columns.push_back(StringOf(value, "column"));
      cells.push_back(std::move(cell));
    }
    return Insert(table, columns, cells, id->get<int64_t>(), StringOf(json, "row_key"), where);
  }

 private:
  absl::Status Insert(const std::string& table, const std::vector<std::string>& columns,
                      const std::vector<OwnedCell>& cells, int64_t id, const std::string& row_key,
                      const std::string& where) {
    const auto [known, added] = columns_.emplace(table, columns);
    if (known->second != columns || columns.empty()) {
      return BadFile(absl::StrCat(where, "other columns than those of an earlier row"));
    }
    if (added) {
      RETURN_IF_ERROR(writer_.Execute(absl::StrCat(
          "CREATE TABLE ", QuoteSqliteIdentifier(table), "(",
          absl::StrJoin(columns, ", ",
                        [](std::string* out, const std::string& column) {
                          absl::StrAppend(out, QuoteSqliteIdentifier(column));
                        }),
          ")")));
    }
    std::vector<SourceValue> row;
    for (const OwnedCell& cell : cells) row.push_back(cell.View());
    RETURN_IF_ERROR(writer_.BeginInsert(table, columns));
    RETURN_IF_ERROR(writer_.Insert(row));
    const int64_t rowid = writer_.last_rowid();
    RETURN_IF_ERROR(
        writer_.BeginInsert(kReasons, {"id", "table_name", "row_rowid", "row_key"}));
    const absl::Status status = writer_.Insert(std::vector<SourceValue>{
        SourceValue::Integer(id), SourceValue::Text(table), SourceValue::Integer(rowid),
        SourceValue::Text(row_key)});
    if (status.ok()) return status;
    return BadFile(absl::StrCat(where, "the id ", id, " is there twice"));
  }

  DatabaseWriter& writer_;
  std::map<std::string, std::vector<std::string>> columns_;
};

// The table of reasons: the last one of its name, as the source's own were there before.
std::string FindReasons(const SourceCatalog& catalog) {
  std::string found;
  for (const SourceTable& table : catalog.tables) {
    if (!absl::StartsWith(table.name, kReasons)) continue;
    const auto has = [&](absl::string_view name) {
      return std::any_of(table.columns.begin(), table.columns.end(),
                         [&](const SourceColumn& column) { return column.name == name; });
    };
    const bool longer = table.name.size() >= found.size();
    if (has("id") && has("table_name") && has("row_rowid") && longer) found = table.name;
  }
  return found;
}

}  // namespace

MendedRejects::~MendedRejects() {
  if (temporary_dir_.empty()) return;
  std::error_code ignored;  // a file that is left in the directory for such is no harm
  std::filesystem::remove_all(temporary_dir_, ignored);
}

absl::StatusOr<std::unique_ptr<MendedRejects>> MendedRejects::Open(const CopyRequest& request) {
  std::unique_ptr<MendedRejects> mended(new MendedRejects);
  mended->request_ = request;
  mended->source_ = request.source;
  mended->request_.source = request.only_rejects;
  mended->request_.schema_mode = SchemaMode::kExisting;
  mended->request_.existing_rows = ExistingRows::kAdd;
  if (absl::EndsWith(request.only_rejects, ".ndjson")) RETURN_IF_ERROR(mended->Convert());
  RETURN_IF_ERROR(mended->ReadFile());
  RETURN_IF_ERROR(mended->CountSource());
  return mended;
}

absl::Status MendedRejects::Convert() {
  std::error_code error;
  std::string pattern = std::filesystem::temp_directory_path(error).string() + "/lite2pg-XXXXXX";
  if (error || mkdtemp(pattern.data()) == nullptr) {
    return MakeError(ErrorCode::kTargetOutOfResource, ExitCode::kOutOfResource,
                     "cannot make a temporary directory", "set TMPDIR to one that can be written");
  }
  temporary_dir_ = pattern;
  const std::string path = temporary_dir_ + "/mended.sqlite";
  std::ofstream(path).close();
  ASSIGN_OR_RETURN(DatabaseWriter writer, DatabaseWriter::Open(path, "UTF-8"));
  JsonConverter converter(&writer);
  RETURN_IF_ERROR(converter.Begin());
  std::ifstream in(request_.only_rejects, std::ios::binary);
  if (!in) return BadFile(absl::StrCat("cannot read ", EscapeName(request_.only_rejects)));
  std::string line;
  for (uint64_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty()) RETURN_IF_ERROR(converter.Add(line, number));
  }
  RETURN_IF_ERROR(writer.Finish());
  request_.source = path;
  return absl::OkStatus();
}

absl::Status MendedRejects::ReadFile() {
  ASSIGN_OR_RETURN(SqliteConnection file, SqliteConnection::Open(request_.source, {}));
  ASSIGN_OR_RETURN(const SourceCatalog catalog, ReadSourceCatalog(file));
  const std::string reasons = FindReasons(catalog);
  if (reasons.empty()) return BadFile("the file has no table of what was set aside");
  request_.common.exclude.push_back(reasons);
  for (const SourceTable& table : catalog.tables) {
    if (table.name == reasons || absl::StartsWith(table.name, "sqlite_")) continue;
    if (!table.unreadable.empty()) return BadFile("SQLite cannot read one of its tables");
    RETURN_IF_ERROR(ReadTable(file, table, reasons));
  }
  if (AllIds().empty()) return BadFile("the file has no rows to load");
  KeepConfigurationOf(catalog);
  return absl::OkStatus();
}

// Each row of the file must be one that was set aside.
absl::Status MendedRejects::ReadTable(SqliteConnection& file, const SourceTable& table,
                                      const std::string& reasons) {
  ASSIGN_OR_RETURN(SqliteStatement known,
                   file.Prepare(absl::StrCat("SELECT id, row_rowid, row_key FROM ",
                                             QuoteSqliteIdentifier(reasons),
                                             " WHERE table_name = ", SqliteLiteral(table.name))));
  std::map<int64_t, int64_t> by_rowid;
  std::multimap<std::string, int64_t> by_key;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, known.Step());
    if (!row) break;
    if (!known.IsNull(1)) by_rowid.emplace(known.Int(1), known.Int(0));
    by_key.emplace(known.Text(2), known.Int(0));
  }
  std::vector<int> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) columns.push_back(static_cast<int>(i));
  const TableReading reading = MakeTableReading(table, columns);
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(file);
  RETURN_IF_ERROR(source->Open(reading, KeyRange()));
  Table& mended = tables_[table.name];
  while (true) {
    ASSIGN_OR_RETURN(const std::span<const SourceValue> row, source->Next());
    if (row.empty()) break;
    std::optional<int64_t> id;
    if (reading.key_kind == KeyKind::kRowid) {
      const auto found = by_rowid.find(source->CurrentKey()[0].view().integer);
      if (found != by_rowid.end()) id = found->second;
    } else if (by_key.count(source->DescribeRow()) == 1) {
      id = by_key.find(source->DescribeRow())->second;
    }
    if (!id.has_value()) {
      return BadFile(absl::StrCat("the row ", source->DescribeRow(), " of ",
                                  EscapeName(table.name),
                                  " is none of those that were set aside; mend values, and leave "
                                  "keys and rowids as they are"));
    }
    mended.ids.push_back(*id);
  }
  source->Close();
  return absl::OkStatus();
}

// The file has only some of the source's tables, and all that is said of others is for another day.
void MendedRejects::KeepConfigurationOf(const SourceCatalog& catalog) {
  const auto is_there = [&](const std::string& name) {
    return std::any_of(catalog.tables.begin(), catalog.tables.end(), [&](const SourceTable& table) {
      return absl::EqualsIgnoreCase(table.name, name) || GlobMatches(name, table.name);
    });
  };
  std::erase_if(request_.common.tables,
                [&](const TableConfig& config) { return !is_there(config.name); });
  std::erase_if(request_.order, [&](const std::string& name) { return !is_there(name); });
  // A condition chose rows of the source; these are chosen already.
  for (TableConfig& config : request_.common.tables) config.where.clear();
}

absl::Status MendedRejects::CountSource() {
  ASSIGN_OR_RETURN(SqliteConnection source, SqliteConnection::Open(source_, {}));
  for (auto& [name, table] : tables_) {
    const absl::StatusOr<int64_t> rows = source.QueryInt(
        absl::StrCat("SELECT count(*) FROM main.", QuoteSqliteIdentifier(name)));
    if (!rows.ok()) {
      return BadFile(absl::StrCat("its table ", EscapeName(name), " is not in the source"));
    }
    table.rows_source = static_cast<uint64_t>(*rows);
  }
  return absl::OkStatus();
}

std::vector<std::string> MendedRejects::AllIds() const {
  std::vector<std::string> ids;
  for (const auto& [name, table] : tables_) {
    for (const int64_t id : table.ids) ids.push_back(absl::StrCat(id));
  }
  return ids;
}

namespace {

// Rows of `reject` of runs into this schema with these ids.
std::string OfSchema(const LedgerLocation& location) {
  return absl::StrCat(" FROM ", location.Table("reject"), " r WHERE r.id = ANY($1::bigint[])"
                      " AND EXISTS (SELECT FROM ", location.Table("run"),
                      " u WHERE u.run_id = r.run_id AND u.target_schema = $2)");
}

absl::Status CompareIds(uint64_t found, size_t wanted) {
  if (found == wanted) return absl::OkStatus();
  return MakeError(ErrorCode::kNothingToResume, ExitCode::kCannotResume,
                   absl::StrCat(wanted - found, " of the ", wanted,
                                " row(s) of the file are not set aside on this target: they were "
                                "loaded already, or belong to another one"),
                   "export what is set aside now with --rejects, or take these rows out of the "
                   "file");
}

}  // namespace

absl::Status MendedRejects::Check(PgConnection& connection, const LedgerLocation& location) const {
  const std::vector<std::string> ids = AllIds();
  ASSIGN_OR_RETURN(const bool exists, Ledger::Exists(connection, location));
  if (!exists) return CompareIds(0, ids.size());
  ASSIGN_OR_RETURN(
      const PgResult found,
      connection.Query(absl::StrCat("SELECT pg_catalog.count(*)", OfSchema(location)),
                       {FormatArray(ids), request_.common.target_schema}));
  return CompareIds(static_cast<uint64_t>(found.Int(0, 0)), ids.size());
}

absl::Status MendedRejects::Take(PgConnection& connection, const LedgerLocation& location,
                                 const Plan& plan, std::vector<Finding>* findings) const {
  const std::vector<std::string> ids = AllIds();
  uint64_t loaded = 0;
  for (const TablePlan& table : plan.tables) loaded += table.rows;
  if (loaded != ids.size()) {
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     "the file of mended rows changed during the run, or not all of its tables are "
                     "loaded",
                     "leave the file alone, and include all its tables");
  }
  ASSIGN_OR_RETURN(const PgResult taken,
                   connection.Query(absl::StrCat("DELETE", OfSchema(location)),
                                    {FormatArray(ids), request_.common.target_schema}));
  RETURN_IF_ERROR(CompareIds(taken.affected_rows(), ids.size()));
  for (const TablePlan& table : plan.tables) {
    const Table& mended = tables_.find(table.source->name)->second;
    ASSIGN_OR_RETURN(const PgResult in_target,
                     connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ",
                                                   table.MergeTarget())));
    ASSIGN_OR_RETURN(
        const PgResult aside,
        connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ", location.Table("reject"),
                                      " r JOIN ", location.Table("run"),
                                      " u ON u.run_id = r.run_id WHERE r.table_name = $1"
                                      " AND u.target_schema = $2"),
                         {EncodeLedgerText(table.source->name), request_.common.target_schema}));
    const uint64_t sum = static_cast<uint64_t>(in_target.Int(0, 0) + aside.Int(0, 0));
    const bool equal = sum == mended.rows_source;
    findings->push_back(
        {equal ? Severity::kInfo : Severity::kWarning, ErrorCode::kRejectsMended,
         table.source->name,
         absl::StrCat(mended.ids.size(), " mended row(s) loaded; the source has ",
                      mended.rows_source, " rows, the target ", in_target.Int(0, 0), ", and ",
                      aside.Int(0, 0), " are still set aside",
                      equal ? "" : ": these do not add up"),
         equal ? "" : "rows that the target had before, or got or lost since, explain it"});
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
