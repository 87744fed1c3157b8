#include "engine/sqlite/schema_details.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/sqlite/error.h"
#include "engine/sqlite/sql/parser.h"
#include "engine/sqlite/stand_in_collations.h"

namespace lite2pg {
namespace {

// A failure that speaks of the file, the machine or the user, not of the table's declaration.
bool ConcernsWholeSource(const absl::Status& status) {
  switch (SqliteCodeOf(status) & 0xFF) {
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_AUTH:  // a function that we forbid, in the declaration of a generated column
    case SQLITE_TOOBIG:
      return false;
    default:
      return true;
  }
}

GeneratedKind GeneratedOf(int64_t hidden) {
  if (hidden == 2) return GeneratedKind::kVirtual;
  return hidden == 3 ? GeneratedKind::kStored : GeneratedKind::kNone;
}

// Whether SQLite takes the table's declaration without complaint, tried in an empty database.
bool IsUnderstood(const SourceTable& table) {
  sqlite3* db = nullptr;
  int rc = sqlite3_open(":memory:", &db);
  sqlite3_stmt* statement = nullptr;
  if (rc == SQLITE_OK) {
    rc = sqlite3_prepare_v2(db, table.sql.c_str(), static_cast<int>(table.sql.size()), &statement,
                            nullptr);
  }
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rc == SQLITE_DONE;
}

int ColumnNamed(const SourceTable& table, absl::string_view name) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (absl::EqualsIgnoreCase(table.columns[i].name, name)) return static_cast<int>(i);
  }
  return -1;
}

bool NamesColumnsOf(const CreateTable& text, const SourceTable& table) {
  const auto same_name = [](const ColumnDefinition& a, const SourceColumn& b) {
    return a.name == b.name;
  };
  return std::equal(text.columns.begin(), text.columns.end(), table.columns.begin(),
                    table.columns.end(), same_name);
}

}  // namespace

Affinity AffinityOf(absl::string_view declared_type) {
  const std::string type = absl::AsciiStrToUpper(declared_type);
  const auto has = [&type](absl::string_view part) { return absl::StrContains(type, part); };
  if (has("INT")) return Affinity::kInteger;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return Affinity::kText;
  if (has("BLOB") || type.empty()) return Affinity::kBlob;
  if (has("REAL") || has("FLOA") || has("DOUB")) return Affinity::kReal;
  return Affinity::kNumeric;
}

absl::StatusOr<SchemaDetails> SchemaDetails::Make(SqliteConnection& connection) {
  SchemaDetails details(connection);
  ASSIGN_OR_RETURN(details.columns_,
                   connection.Prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden "
                                      "FROM pragma_table_xinfo(?1, 'main') ORDER BY cid"));
  ASSIGN_OR_RETURN(details.indexes_,
                   connection.Prepare("SELECT name, \"unique\", origin, partial "
                                      "FROM pragma_index_list(?1, 'main') ORDER BY seq DESC"));
  ASSIGN_OR_RETURN(details.index_columns_,
                   connection.Prepare("SELECT cid, name, \"desc\", coll "
                                      "FROM pragma_index_xinfo(?1, 'main') WHERE key "
                                      "ORDER BY seqno"));
  ASSIGN_OR_RETURN(details.foreign_keys_,
                   connection.Prepare("SELECT id, \"table\", \"from\", \"to\", on_update, "
                                      "on_delete, match FROM pragma_foreign_key_list(?1, 'main') "
                                      "ORDER BY id DESC, seq"));
  return details;
}

absl::Status SchemaDetails::Describe(SourceTable* table) {
  const auto describe = [this, table]() -> absl::Status {
    RETURN_IF_ERROR(ReadColumns(table));
    RETURN_IF_ERROR(ReadColumnMetadata(table));
    RETURN_IF_ERROR(ReadIndexes(table));
    RETURN_IF_ERROR(ReadForeignKeys(table));
    DeriveKeys(table);
    return TryReading(table);
  };
  const absl::Status status = describe();
  for (SqliteStatement* statement : {&columns_, &indexes_, &index_columns_, &foreign_keys_}) {
    statement->Reset();
  }
  if (!status.ok()) {
    if (ConcernsWholeSource(status)) return status;
    if (table->unreadable.empty()) {
      const ErrorInfo info = InfoOf(status);
      table->unreadable = info.server.empty() ? info.what : info.server;
      if (info.sqlite_code == SQLITE_AUTH && table->kind == SourceTableKind::kVirtual) {
        table->unreadable = "its module asks for the right to write";
      }
    }
  }
  ReadCreateText(table);
  return absl::OkStatus();
}

absl::Status SchemaDetails::ReadColumns(SourceTable* table) {
  columns_.Reset();
  columns_.Bind(1, SourceValue::Text(table->name));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, columns_.Step());
    if (!more) break;
    const int64_t hidden = columns_.Int(5);
    if (hidden == 1) continue;  // a virtual table's hidden column
    SourceColumn column;
    column.name = columns_.Text(0);
    column.declared_type = columns_.Text(1);
    // STRICT tables know ANY, which converts nothing; elsewhere it is NUMERIC like any other word.
    const bool any = table->strict && absl::EqualsIgnoreCase(column.declared_type, "ANY");
    column.affinity = any ? Affinity::kBlob : AffinityOf(column.declared_type);
    column.not_null = columns_.Int(2) != 0;
    column.has_default = !columns_.IsNull(3);
    column.default_sql = columns_.Text(3);
    column.primary_key_position = static_cast<int>(columns_.Int(4));
    column.generated = GeneratedOf(hidden);
    table->columns.push_back(std::move(column));
  }
  table->columns.shrink_to_fit();
  if (table->columns.empty()) table->unreadable = "SQLite knows no columns of it";
  return absl::OkStatus();
}

absl::Status SchemaDetails::ReadColumnMetadata(SourceTable* table) {
  if (table->kind == SourceTableKind::kVirtual) return absl::OkStatus();
  for (SourceColumn& column : table->columns) {
    const char* collation = nullptr;
    int autoincrement = 0;
    const int rc = sqlite3_table_column_metadata(connection_->raw(), "main", table->name.c_str(),
                                                 column.name.c_str(), nullptr, &collation, nullptr,
                                                 nullptr, &autoincrement);
    if (rc != SQLITE_OK) return connection_->Error(rc, "describe a column");
    if (collation != nullptr) column.collation = collation;
    if (autoincrement != 0) table->autoincrement = true;
  }
  return absl::OkStatus();
}

absl::Status SchemaDetails::ReadIndexes(SourceTable* table) {
  if (table->kind == SourceTableKind::kVirtual) return absl::OkStatus();
  indexes_.Reset();
  indexes_.Bind(1, SourceValue::Text(table->name));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, indexes_.Step());
    if (!more) return absl::OkStatus();
    SourceIndex index;
    index.name = indexes_.Text(0);
    index.unique = indexes_.Int(1) != 0;
    index.origin = indexes_.Text(2).empty() ? 'c' : indexes_.Text(2)[0];  // "c", "u", "pk"
    index.partial = indexes_.Int(3) != 0;
    const auto sql = index_sql_.find(index.name);
    if (sql != index_sql_.end()) index.sql = sql->second;
    RETURN_IF_ERROR(ReadIndexColumns(&index));
    table->indexes.push_back(std::move(index));
  }
}

absl::Status SchemaDetails::ReadIndexColumns(SourceIndex* index) {
  index_columns_.Reset();
  index_columns_.Bind(1, SourceValue::Text(index->name));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, index_columns_.Step());
    if (!more) return absl::OkStatus();
    SourceIndexColumn column;
    column.column = static_cast<int>(index_columns_.Int(0));
    column.name = index_columns_.Text(1);
    column.descending = index_columns_.Int(2) != 0;
    column.collation = index_columns_.Text(3);
    index->columns.push_back(std::move(column));
  }
}

absl::Status SchemaDetails::ReadForeignKeys(SourceTable* table) {
  foreign_keys_.Reset();
  foreign_keys_.Bind(1, SourceValue::Text(table->name));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, foreign_keys_.Step());
    if (!more) return absl::OkStatus();
    const int id = static_cast<int>(foreign_keys_.Int(0));
    if (table->foreign_keys.empty() || table->foreign_keys.back().id != id) {
      SourceForeignKey key;
      key.id = id;
      key.parent_table = foreign_keys_.Text(1);
      key.on_update = foreign_keys_.Text(4);
      key.on_delete = foreign_keys_.Text(5);
      key.match = foreign_keys_.Text(6);
      table->foreign_keys.push_back(std::move(key));
    }
    SourceForeignKey& key = table->foreign_keys.back();
    key.child_columns.push_back(foreign_keys_.Text(2));
    if (!foreign_keys_.IsNull(3)) key.parent_columns.push_back(foreign_keys_.Text(3));
  }
}

void SchemaDetails::DeriveKeys(SourceTable* table) {
  std::vector<std::pair<int, int>> key;  // position, column
  for (size_t i = 0; i < table->columns.size(); ++i) {
    const int position = table->columns[i].primary_key_position;
    if (position > 0) key.emplace_back(position, static_cast<int>(i));
  }
  std::sort(key.begin(), key.end());
  for (const auto& [position, column] : key) table->primary_key.push_back(column);
  if (table->without_rowid || table->kind == SourceTableKind::kVirtual) return;
  // SQLite makes an index for every PRIMARY KEY but the one that is the rowid. That covers all its
  // rules: INTEGER in full, alone, and not DESC in the column's own constraint.
  const bool has_index = std::any_of(table->indexes.begin(), table->indexes.end(),
                                     [](const SourceIndex& i) { return i.origin == 'p'; });
  if (table->primary_key.size() == 1 && !has_index) table->rowid_alias = table->primary_key[0];
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    if (ColumnNamed(*table, name) >= 0) continue;
    table->rowid_name = name;
    break;
  }
}

// A table whose module, tokenizer, collation or function is missing can be declared but not read.
absl::Status SchemaDetails::TryReading(SourceTable* table) {
  if (table->columns.empty()) return absl::OkStatus();
  StandInCollations stand_ins;
  RETURN_IF_ERROR(stand_ins.Begin(*connection_, *table));
  const auto try_columns = [&](const std::vector<const SourceColumn*>& columns) {
    std::string sql = "SELECT ";
    for (size_t i = 0; i < columns.size(); ++i) {
      absl::StrAppend(&sql, i == 0 ? "" : ", ", QuoteSqliteIdentifier(columns[i]->name));
    }
    absl::StrAppend(&sql, " FROM main.", QuoteSqliteIdentifier(table->name), " NOT INDEXED");
    return connection_->Prepare(sql).status();
  };
  // Of a declaration that it does not understand, SQLite keeps the columns, and makes NULL of what
  // it would have to compute.
  const bool doubtful = !connection_->schema_damage().empty() && !IsUnderstood(*table);
  std::vector<const SourceColumn*> wanted;
  for (SourceColumn& column : table->columns) {
    if (column.generated == GeneratedKind::kVirtual) {
      const absl::Status computed = try_columns({&column});
      if (!computed.ok() && ConcernsWholeSource(computed)) return computed;
      if (!computed.ok()) column.unreadable = InfoOf(computed).server;
      if (doubtful) column.unreadable = connection_->schema_damage();
    }
    if (column.unreadable.empty()) wanted.push_back(&column);
  }
  return try_columns(wanted);
}

// What no PRAGMA tells. The text must agree with SQLite about the columns, or it is not trusted:
// a schema can be edited by hand.
void SchemaDetails::ReadCreateText(SourceTable* table) {
  if (table->kind == SourceTableKind::kVirtual) return;
  const absl::StatusOr<CreateTable> parsed = ParseCreateTable(table->sql);
  if (!parsed.ok() || !NamesColumnsOf(*parsed, *table)) {
    // Where SQLite passed over an error, the table may be what came before the error: columns and
    // their values would be missing without a word.
    if (table->unreadable.empty()) table->unreadable = connection_->schema_damage();
    return;
  }
  table->sql_parsed = true;
  for (const CheckDefinition& check : parsed->checks) {
    table->checks.push_back({check.name, check.sql});
  }
  if (parsed->foreign_keys.size() != table->foreign_keys.size()) return;
  for (size_t i = 0; i < parsed->foreign_keys.size(); ++i) {
    const ForeignKeyDefinition& from = parsed->foreign_keys[i];
    SourceForeignKey& to = table->foreign_keys[i];
    if (from.parent_table != to.parent_table) continue;
    to.deferrable = from.deferrable;
    to.initially_deferred = from.initially_deferred;
  }
}

}  // namespace lite2pg
