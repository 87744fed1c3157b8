#include "engine/command/revert_defaults.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

struct TypeRow {
  Oid oid;
  absl::string_view declared;
};

// Names that give SQLite the affinity under which the default form is stored as it is. Everything
// that is not here is TEXT.
constexpr TypeRow kTypes[] = {
    {kOidBool, "BOOLEAN"},          {kOidInt2, "SMALLINT"},      {kOidInt4, "INTEGER"},
    {kOidInt8, "BIGINT"},           {kOidOid, "INTEGER"},        {kOidFloat4, "REAL"},
    {kOidFloat8, "REAL"},           {kOidBytea, "BLOB"},         {kOidDate, "DATE"},
    {kOidTime, "TIME"},             {kOidTimestamp, "DATETIME"}, {kOidTimestamptz, "TIMESTAMPTZ"},
    {kOidNumeric, "NUMERIC"},
};

std::string ColumnList(const std::vector<std::string>& columns) {
  return absl::StrJoin(columns, ", ", [](std::string* out, const std::string& column) {
    absl::StrAppend(out, QuoteSqliteIdentifier(column));
  });
}

void NotCarried(const TargetTable& table, absl::string_view kind, const std::string& name,
                const std::string& sql, absl::string_view reason,
                std::vector<ObjectReport>* objects) {
  objects->push_back({std::string(kind), name, table.name, "not_carried", sql,
                      std::string(reason)});
}

// Literals only: 'text'::type, numbers, true and false, and the clock.
std::string DefaultClause(const TargetColumn& column) {
  absl::string_view sql = column.default_sql;
  if (sql == "true") return " DEFAULT 1";
  if (sql == "false") return " DEFAULT 0";
  if (sql == "CURRENT_TIMESTAMP" || sql == "now()") return " DEFAULT CURRENT_TIMESTAMP";
  if (sql == "CURRENT_DATE") return " DEFAULT CURRENT_DATE";
  double number = 0;
  if (absl::SimpleAtod(sql, &number) && sql.find_first_not_of("0123456789.-") == sql.npos) {
    return absl::StrCat(" DEFAULT ", sql);
  }
  if (sql.empty() || sql[0] != '\'') return "";
  size_t end = 1;
  while (end < sql.size() && (sql[end] != '\'' || (end + 1 < sql.size() && sql[end + 1] == '\''))) {
    end += sql[end] == '\'' ? 2 : 1;
  }
  const bool cast = end < sql.size() && (end + 1 == sql.size() ||
                                         absl::StartsWith(sql.substr(end + 1), "::"));
  // What follows a cast must be a type alone.
  if (!cast || sql.substr(end + 1).find_first_of("|+*(") != sql.npos) return "";
  return absl::StrCat(" DEFAULT ", sql.substr(0, end + 1));
}

const TargetIndex* PrimaryKey(const TargetTable& table) {
  for (const TargetIndex& index : table.indexes) {
    if (index.primary) return &index;
  }
  return nullptr;
}

bool IsInteger(const PgType& type) {
  return type.oid == kOidInt2 || type.oid == kOidInt4 || type.oid == kOidInt8;
}

// The column that becomes the rowid: a primary key of one integer.
const TargetColumn* RowidColumn(const TargetTable& table) {
  const TargetIndex* key = PrimaryKey(table);
  if (key == nullptr || key->columns.size() != 1) return nullptr;
  for (const TargetColumn& column : table.columns) {
    if (column.name == key->columns[0] && IsInteger(column.type)) return &column;
  }
  return nullptr;
}

// Behind the identifier, quoted or not, that begins at `at`.
size_t EndOfIdentifier(absl::string_view sql, size_t at) {
  const bool quoted = at < sql.size() && sql[at] == '"';
  if (!quoted) {
    while (at < sql.size() && sql[at] != '.' && sql[at] != '(' && sql[at] != ' ') ++at;
    return at;
  }
  for (++at; at < sql.size(); ++at) {
    if (sql[at] != '"') continue;
    if (at + 1 == sql.size() || sql[at + 1] != '"') return at + 1;
    ++at;
  }
  return at;
}

// pg_get_constraintdef's words are SQLite's as well, but for the schema and a few additions:
// FOREIGN KEY (a, b) REFERENCES public.parent(x, y) ON DELETE CASCADE
std::string ForeignKeySql(const TargetConstraint& constraint) {
  constexpr absl::string_view kReferences = " REFERENCES ";
  const absl::string_view sql = constraint.definition;
  size_t at = 0;
  while (at < sql.size() && !absl::StartsWith(sql.substr(at), kReferences)) {
    at = sql[at] == '"' ? EndOfIdentifier(sql, at) : at + 1;
  }
  if (at >= sql.size()) return "";
  const size_t schema = at + kReferences.size();
  size_t table = schema;
  const size_t dot = EndOfIdentifier(sql, schema);
  if (dot < sql.size() && sql[dot] == '.') table = dot + 1;
  return absl::StrReplaceAll(absl::StrCat(sql.substr(0, schema), sql.substr(table)),
                             {{" NOT VALID", ""}});
}

}  // namespace

std::string DefaultDeclaredType(const PgType& type) {
  if (type.kind == TypeKind::kDomain && type.base != nullptr) {
    return DefaultDeclaredType(*type.base);
  }
  for (const TypeRow& row : kTypes) {
    if (row.oid != type.oid) continue;
    const bool precise = type.oid == kOidNumeric && type.typmod >= 0;
    const size_t at = type.sql_name.find('(');
    if (precise && at != std::string::npos) {
      return absl::StrCat(row.declared, type.sql_name.substr(at));
    }
    return std::string(row.declared);
  }
  return "TEXT";
}

std::string DefaultTableSql(const TargetTable& table, std::vector<ObjectReport>* objects) {
  const TargetColumn* rowid = RowidColumn(table);
  std::vector<std::string> parts;
  for (const TargetColumn& column : table.columns) {
    std::string part = QuoteSqliteIdentifier(column.name);
    if (&column == rowid) {
      const bool counts = column.identity != 0 || !column.sequence.empty();
      absl::StrAppend(&part, " INTEGER PRIMARY KEY", counts ? " AUTOINCREMENT" : "");
      parts.push_back(std::move(part));
      continue;
    }
    absl::StrAppend(&part, " ", DefaultDeclaredType(column.type),
                    column.not_null ? " NOT NULL" : "");
    const std::string clause = DefaultClause(column);
    if (column.has_default && clause.empty()) {
      NotCarried(table, column.generated ? "generated" : "default", column.name,
                 column.default_sql, "an expression of PostgreSQL's", objects);
    }
    parts.push_back(absl::StrCat(part, clause));
  }
  if (const TargetIndex* key = PrimaryKey(table); key != nullptr && rowid == nullptr) {
    parts.push_back(absl::StrCat("PRIMARY KEY (", ColumnList(key->columns), ")"));
  }
  for (const TargetIndex& index : table.indexes) {
    if (index.constraint.empty() || index.primary || !index.unique) continue;
    parts.push_back(absl::StrCat("UNIQUE (", ColumnList(index.columns), ")"));
  }
  for (const TargetConstraint& constraint : table.constraints) {
    if (constraint.type == 'f') {
      const std::string sql = ForeignKeySql(constraint);
      if (!sql.empty()) parts.push_back(sql);
    } else if (constraint.type == 'c' || constraint.type == 'x') {
      NotCarried(table, "check", constraint.name, constraint.definition,
                 "an expression of PostgreSQL's", objects);
    }
  }
  for (const TargetTrigger& trigger : table.triggers) {
    NotCarried(table, "trigger", trigger.name, trigger.definition,
               "a function of PostgreSQL's", objects);
  }
  return absl::StrCat("CREATE TABLE ", QuoteSqliteIdentifier(table.name), " (",
                      absl::StrJoin(parts, ", "), ")");
}

std::vector<SourceDeclaration> DefaultIndexes(const TargetTable& table,
                                              std::vector<ObjectReport>* objects) {
  std::vector<SourceDeclaration> declarations;
  for (const TargetIndex& index : table.indexes) {
    if (index.primary || !index.constraint.empty()) continue;
    const bool plain = !index.partial && index.valid &&
                       std::find(index.columns.begin(), index.columns.end(), "") ==
                           index.columns.end();
    if (!plain) {
      NotCarried(table, "index", index.name, index.definition,
                 "partial, or on an expression of PostgreSQL's", objects);
      continue;
    }
    declarations.push_back(
        {DeclarationKind::kIndex, index.name, table.name,
         absl::StrCat("CREATE ", index.unique ? "UNIQUE " : "", "INDEX ",
                      QuoteSqliteIdentifier(index.name), " ON ", QuoteSqliteIdentifier(table.name),
                      " (", ColumnList(index.columns), ")")});
  }
  return declarations;
}

}  // namespace lite2pg
