// SQL of a hostile schema: the parser ends, agrees with SQLite about the columns of every table
// that both take, and whatever is translated is one expression of PostgreSQL's and nothing more.
#include <sqlite3.h>

#include <string>
#include <vector>

#include "coercion/declared_type.h"
#include "engine/plan/translate/translate.h"
#include "engine/sqlite/sql/parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sql_lexer.h"

namespace lite2pg {
namespace {

TranslationRelation Table() {
  TranslationRelation table;
  table.source_name = "t";
  table.target_schema = "public";
  table.target_name = "t";
  const auto add = [&table](const char* name, Oid oid, Affinity affinity, StorageClass stored) {
    TranslationColumn column;
    column.source_name = column.target_name = name;
    column.type = BuiltinType(oid);
    column.affinity = affinity;
    column.counted = true;
    column.counts[static_cast<size_t>(stored)] = 5;
    column.counts[static_cast<size_t>(StorageClass::kNull)] = 1;
    table.columns.push_back(column);
  };
  add("a", kOidInt8, Affinity::kInteger, StorageClass::kInteger);
  add("b", kOidText, Affinity::kText, StorageClass::kText);
  add("c", kOidFloat8, Affinity::kReal, StorageClass::kReal);
  add("d", kOidBytea, Affinity::kBlob, StorageClass::kBlob);
  add("e", kOidNumeric, Affinity::kNumeric, StorageClass::kReal);
  add("f", kOidBool, Affinity::kNumeric, StorageClass::kInteger);
  table.rowid_alias = 0;
  return table;
}

void CheckTranslation(const Translation& translation, absl::string_view sql) {
  if (!translation.ok) {
    Require(!translation.reason.empty(), "refused without a reason", sql);
    return;
  }
  Require(StaysWithinItself(translation.sql), "a translation is more than an expression",
          translation.sql);
}

void TranslateAll(const Expr& expr, absl::string_view sql) {
  static const auto* const kContext = new TranslationContext{{Table()}, false, false};
  const TranslationRelation& table = kContext->relations[0];
  CheckTranslation(TranslateCheck(expr, table, *kContext), sql);
  CheckTranslation(TranslateIndexPredicate(expr, table, *kContext), sql);
  CheckTranslation(TranslateIndexExpression(expr, table, *kContext), sql);
  for (const TranslationColumn& column : table.columns) {
    CheckTranslation(TranslateDefault(expr, column.type, column.affinity), sql);
    CheckTranslation(TranslateGenerated(expr, column.type, column.affinity, table, *kContext), sql);
  }
}

// The columns that SQLite would make of it; empty when it refuses.
std::vector<std::string> ColumnsBySqlite(const std::string& sql) {
  sqlite3* db = nullptr;
  std::vector<std::string> columns;
  sqlite3_stmt* statement = nullptr;
  sqlite3_open(":memory:", &db);
  sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 25'000);
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_DONE) {
    sqlite3_finalize(statement);
    const char* const query =
        "SELECT x.name FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS x "
        "WHERE s.type = 'table' AND s.name <> 'sqlite_sequence' ORDER BY x.cid";
    sqlite3_prepare_v2(db, query, -1, &statement, nullptr);
    while (statement != nullptr && sqlite3_step(statement) == SQLITE_ROW) {
      columns.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
    }
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return columns;
}

void CompareTable(absl::string_view sql) {
  const absl::StatusOr<CreateTable> table = ParseCreateTable(sql);
  if (!table.ok() || !table->schema.empty() || table->temporary) return;
  const std::vector<std::string> columns = ColumnsBySqlite(std::string(sql));
  if (columns.empty()) return;
  Require(columns.size() == table->columns.size(), "SQLite sees other columns", sql);
  for (size_t i = 0; i < columns.size(); ++i) {
    Require(columns[i] == table->columns[i].name, "SQLite names a column otherwise", sql);
    ParseDeclaredType(table->columns[i].type);
  }
  for (const CheckDefinition& check : table->checks) TranslateAll(*check.expr, sql);
}

}  // namespace
}  // namespace lite2pg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lite2pg;
  const absl::string_view sql(reinterpret_cast<const char*>(data), size);
  ParseDeclaredType(sql);
  if (const auto expr = ParseExpression(sql); expr.ok()) TranslateAll(**expr, sql);
  if (const auto expr = ParseDefault(sql); expr.ok()) TranslateAll(**expr, sql);
  if (const auto index = ParseCreateIndex(sql); index.ok() && index->where != nullptr) {
    TranslateAll(*index->where, sql);
  }
  if (const auto view = ParseCreateView(sql); view.ok()) {
    static const auto* const kContext = new TranslationContext{{Table()}, false, false};
    CheckTranslation(TranslateView(*view, *kContext), sql);
  }
  if (sql.find('\0') == absl::string_view::npos) CompareTable(sql);
  return 0;
}
