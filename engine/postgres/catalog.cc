#include "engine/postgres/catalog.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/column_sequences.h"
#include "engine/postgres/type_resolver.h"

namespace lite2pg {
namespace {

// relhassubclass: rows may be in children (inheritance, hypertables) while the table has no page.
constexpr absl::string_view kTablesSql =
    "SELECT c.oid, c.relname, c.relkind, pg_catalog.pg_has_role(c.relowner, 'USAGE'), "
    "pg_catalog.row_security_active(c.oid), "
    "EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid "
    "AND r.rulename <> '_RETURN'), "
    "pg_catalog.has_table_privilege(c.oid, 'SELECT'), "
    "pg_catalog.has_table_privilege(c.oid, 'INSERT'), "
    "COALESCE(pg_catalog.pg_relation_size(c.oid), 0) / "
    "pg_catalog.current_setting('block_size')::bigint, c.relhassubclass "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
    "AND ($2::text[] = '{}' OR c.relname = ANY($2::text[])) ORDER BY c.relname";

constexpr absl::string_view kColumnsSql =
    "SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, "
    "pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, "
    "a.attgenerated <> '', pg_catalog.pg_get_expr(d.adbin, d.adrelid) "
    "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d "
    "ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attrelid, a.attnum";

// An identity column's sequence depends on the column; a default depends on its sequence, whoever
// owns that. (pg_get_serial_sequence knows only sequences that are owned.) The category keeps out
// text defaults such as 'A' || nextval(...), whose values are not the sequence's. pg_get_expr locks
// the table; the CASE keeps it from others, which another session of the run may have locked.
constexpr absl::string_view kSequencesSql =
    "SELECT x.relid, x.attnum, n.nspname, s.relname FROM ("
    "SELECT d.refobjid AS relid, d.refobjsubid AS attnum, d.objid AS seqid "
    "FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::regclass "
    "AND d.refobjid = ANY($1::oid[]) AND d.refobjsubid > 0 "
    "AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'i' "
    "UNION ALL "
    "SELECT ad.adrelid, ad.adnum, pg_catalog.min(d.refobjid) FROM pg_catalog.pg_attrdef ad "
    "JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass "
    "AND d.objid = ad.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass "
    "JOIN pg_catalog.pg_class q ON q.oid = d.refobjid AND q.relkind = 'S' "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum "
    "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typcategory = 'N' "
    "WHERE ad.adrelid = ANY($1::oid[]) AND a.attgenerated = '' "
    "AND CASE WHEN ad.adrelid = ANY($1::oid[]) "
    "THEN pg_catalog.pg_get_expr(ad.adbin, ad.adrelid) LIKE '%nextval(%' END "
    "GROUP BY ad.adrelid, ad.adnum HAVING pg_catalog.count(DISTINCT d.refobjid) = 1) AS x "
    "JOIN pg_catalog.pg_class s ON s.oid = x.seqid AND s.relkind = 'S' "
    "JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace";

// indkey counts from 0; INCLUDE columns stand behind the indnkeyatts key columns.
constexpr absl::string_view kIndexesSql =
    "SELECT i.indrelid, c.relname, pg_catalog.pg_get_indexdef(i.indexrelid), i.indisunique, "
    "i.indisprimary, i.indisvalid, COALESCE(k.conname, ''), i.indpred IS NOT NULL, "
    "ARRAY(SELECT COALESCE(a.attname, '')::text FROM "
    "pg_catalog.generate_series(0, i.indnkeyatts - 1) AS g LEFT JOIN pg_catalog.pg_attribute a "
    "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g] AND i.indkey[g] <> 0 ORDER BY g) "
    "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
    "LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid "
    "AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') "
    "WHERE i.indrelid = ANY($1::oid[]) ORDER BY i.indrelid, c.relname";

// PostgreSQL 18 has NOT NULL constraints here too ('n'); they show as attnotnull.
constexpr absl::string_view kConstraintsSql =
    "SELECT k.conrelid, k.conname, k.contype, pg_catalog.pg_get_constraintdef(k.oid), "
    "k.convalidated, k.condeferrable, n.nspname, f.relname FROM pg_catalog.pg_constraint k "
    "LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid "
    "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace "
    "WHERE k.conrelid = ANY($1::oid[]) AND k.contype IN ('p', 'u', 'f', 'c', 'x') "
    "ORDER BY k.conrelid, k.conname";

constexpr absl::string_view kTriggersSql =
    "SELECT t.tgrelid, t.tgname, pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled <> 'D' "
    "FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ANY($1::oid[]) AND NOT t.tgisinternal "
    "ORDER BY t.tgrelid, t.tgname";

// Looks per statement; each takes a lock for as long as the statement runs.
constexpr size_t kLooksPerStatement = 500;

// One state of the catalog for all queries, and names printed with their schema whatever the
// session's search_path is. Leaves the session as it was.
class CatalogScope {
 public:
  explicit CatalogScope(PgConnection& connection)
      : connection_(connection), nested_(connection.in_transaction()) {}
  ~CatalogScope() {
    if (!nested_) {
      connection_.Rollback();
      return;
    }
    // The caller's transaction goes on; a failure here is one of the caller's next statement.
    connection_.Execute("ROLLBACK TO SAVEPOINT lite2pg_catalog").IgnoreError();
    connection_.Execute("RELEASE SAVEPOINT lite2pg_catalog").IgnoreError();
  }
  absl::Status Open() {
    RETURN_IF_ERROR(connection_.Execute(
        nested_ ? "SAVEPOINT lite2pg_catalog" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    return connection_.Execute("SET LOCAL search_path = pg_catalog");
  }

 private:
  PgConnection& connection_;
  const bool nested_;
};

using TableIndex = std::unordered_map<int64_t, TargetTable*>;

absl::Status AddColumns(PgConnection& connection, const std::string& oids,
                        const TableIndex& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Query(kColumnsSql, {oids}));
  std::vector<Oid> type_oids;
  for (int i = 0; i < rows.rows(); ++i) type_oids.push_back(static_cast<Oid>(rows.Int(i, 3)));
  std::sort(type_oids.begin(), type_oids.end());
  type_oids.erase(std::unique(type_oids.begin(), type_oids.end()), type_oids.end());
  TypeResolver types;
  RETURN_IF_ERROR(types.Read(connection, type_oids));
  for (int i = 0; i < rows.rows(); ++i) {
    const auto oid = static_cast<Oid>(rows.Int(i, 3));
    TargetColumn column;
    column.attnum = static_cast<int>(rows.Int(i, 1));
    column.name = std::string(rows.Text(i, 2));
    column.type = types.Resolve(oid, static_cast<int32_t>(rows.Int(i, 4)), rows.Text(i, 5));
    column.not_null = rows.Bool(i, 6) || types.IsNotNull(oid);
    column.identity = rows.Text(i, 7).empty() ? '\0' : rows.Text(i, 7)[0];
    column.generated = rows.Bool(i, 8);
    column.has_default = !rows.IsNull(i, 9) && !column.generated;
    column.default_sql = std::string(rows.Text(i, 9));
    tables.at(rows.Int(i, 0))->columns.push_back(std::move(column));
  }
  for (const auto& [oid, table] : tables) table->columns.shrink_to_fit();
  ASSIGN_OR_RETURN(const PgResult sequences, connection.Query(kSequencesSql, {oids}));
  for (int i = 0; i < sequences.rows(); ++i) {
    for (TargetColumn& column : tables.at(sequences.Int(i, 0))->columns) {
      if (column.attnum != sequences.Int(i, 1)) continue;
      column.sequence = QuoteQualified(sequences.Text(i, 2), sequences.Text(i, 3));
    }
  }
  return absl::OkStatus();
}

absl::Status AddIndexes(PgConnection& connection, const std::string& oids,
                        const TableIndex& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Query(kIndexesSql, {oids}));
  for (int i = 0; i < rows.rows(); ++i) {
    TargetIndex index;
    index.name = std::string(rows.Text(i, 1));
    index.definition = std::string(rows.Text(i, 2));
    index.unique = rows.Bool(i, 3);
    index.primary = rows.Bool(i, 4);
    index.valid = rows.Bool(i, 5);
    index.constraint = std::string(rows.Text(i, 6));
    index.partial = rows.Bool(i, 7);
    std::vector<std::optional<std::string>> columns;
    ParseArray(rows.Text(i, 8), &columns);
    for (const std::optional<std::string>& column : columns) {
      index.columns.push_back(column.value_or(""));
    }
    tables.at(rows.Int(i, 0))->indexes.push_back(std::move(index));
  }
  return absl::OkStatus();
}

absl::Status AddConstraints(PgConnection& connection, const std::string& oids,
                            const TableIndex& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Query(kConstraintsSql, {oids}));
  for (int i = 0; i < rows.rows(); ++i) {
    TargetConstraint constraint;
    constraint.name = std::string(rows.Text(i, 1));
    constraint.type = rows.Text(i, 2)[0];
    constraint.definition = std::string(rows.Text(i, 3));
    constraint.validated = rows.Bool(i, 4);
    constraint.deferrable = rows.Bool(i, 5);
    if (!rows.IsNull(i, 7)) {
      constraint.referenced_table = QuoteQualified(rows.Text(i, 6), rows.Text(i, 7));
    }
    tables.at(rows.Int(i, 0))->constraints.push_back(std::move(constraint));
  }
  return absl::OkStatus();
}

absl::Status AddTriggers(PgConnection& connection, const std::string& oids,
                         const TableIndex& tables) {
  ASSIGN_OR_RETURN(const PgResult rows, connection.Query(kTriggersSql, {oids}));
  for (int i = 0; i < rows.rows(); ++i) {
    tables.at(rows.Int(i, 0))
        ->triggers.push_back(
            {std::string(rows.Text(i, 1)), std::string(rows.Text(i, 2)), rows.Bool(i, 3)});
  }
  return absl::OkStatus();
}

// Whether a table holds a row, for those where looking is possible and needed.
absl::Status LookForRows(PgConnection& connection, const std::vector<TargetTable*>& tables) {
  for (size_t begin = 0; begin < tables.size(); begin += kLooksPerStatement) {
    const size_t end = std::min(tables.size(), begin + kLooksPerStatement);
    std::string sql;
    for (size_t i = begin; i < end; ++i) {
      absl::StrAppend(&sql, i == begin ? "" : " UNION ALL ", "SELECT ", i, ", EXISTS (SELECT FROM ",
                      QuoteQualified(tables[i]->schema, tables[i]->name), ")");
    }
    ASSIGN_OR_RETURN(const PgResult looks, connection.Query(sql));
    for (int row = 0; row < looks.rows(); ++row) {
      tables[static_cast<size_t>(looks.Int(row, 0))]->has_rows = looks.Bool(row, 1);
    }
  }
  return absl::OkStatus();
}

// Reads all but has_rows; `to_look` gets the tables for which that takes a look.
absl::StatusOr<std::vector<TargetTable>> ReadCatalog(PgConnection& connection,
                                                     const std::string& schema,
                                                     const std::vector<std::string>& names,
                                                     std::vector<size_t>* to_look) {
  CatalogScope scope(connection);
  RETURN_IF_ERROR(scope.Open());
  ASSIGN_OR_RETURN(const PgResult rows, connection.Query(kTablesSql, {schema, FormatArray(names)}));
  std::vector<TargetTable> tables;
  std::vector<std::string> oid_texts;
  for (int i = 0; i < rows.rows(); ++i) {
    TargetTable table;
    table.oid = static_cast<uint32_t>(rows.Int(i, 0));
    table.schema = schema;
    table.name = std::string(rows.Text(i, 1));
    table.kind = rows.Text(i, 2)[0];
    table.owned = rows.Bool(i, 3);
    table.row_security = rows.Bool(i, 4);
    table.has_rules = rows.Bool(i, 5);
    table.can_select = rows.Bool(i, 6);
    table.can_insert = rows.Bool(i, 7);
    table.pages = rows.Int(i, 8);
    const bool stored = table.kind == 'r' || table.kind == 'm' || table.kind == 'p';
    const bool surely_empty =
        (table.kind == 'r' || table.kind == 'm') && table.pages == 0 && !rows.Bool(i, 9);
    // Until a look proves the contrary, rows are to be expected: also where none is possible.
    table.has_rows = !surely_empty;
    if (stored && !surely_empty && table.can_select && !table.row_security) {
      to_look->push_back(tables.size());
    }
    oid_texts.push_back(absl::StrCat(table.oid));
    tables.push_back(std::move(table));
  }
  TableIndex by_oid;
  for (TargetTable& table : tables) by_oid[table.oid] = &table;
  const std::string oids = FormatArray(oid_texts);
  RETURN_IF_ERROR(AddColumns(connection, oids, by_oid));
  RETURN_IF_ERROR(AddIndexes(connection, oids, by_oid));
  RETURN_IF_ERROR(AddConstraints(connection, oids, by_oid));
  RETURN_IF_ERROR(AddTriggers(connection, oids, by_oid));
  return tables;
}

}  // namespace

absl::StatusOr<std::vector<TargetTable>> ReadTargetTables(PgConnection& connection,
                                                          const std::string& schema,
                                                          const std::vector<std::string>& names) {
  std::vector<size_t> to_look;
  ASSIGN_OR_RETURN(std::vector<TargetTable> tables,
                   ReadCatalog(connection, schema, names, &to_look));
  // After the catalog's transaction, so that ten thousand tables are not locked all at once.
  std::vector<TargetTable*> looked_at;
  for (const size_t index : to_look) looked_at.push_back(&tables[index]);
  RETURN_IF_ERROR(LookForRows(connection, looked_at));
  return tables;
}

absl::StatusOr<std::vector<TableColumnSequence>> ReadSequencesOfTables(
    PgConnection& connection, const std::vector<std::string>& tables) {
  std::vector<TableColumnSequence> sequences;
  if (tables.empty()) return sequences;
  ASSIGN_OR_RETURN(const PgResult found,
                   connection.Query("SELECT pg_catalog.to_regclass(u.t)::oid FROM "
                                    "pg_catalog.unnest($1::text[]) WITH ORDINALITY AS u(t, n) "
                                    "ORDER BY u.n",
                                    {FormatArray(tables)}));
  std::map<std::string, std::vector<size_t>> asked;  // by oid; a table may be asked for twice
  std::vector<std::string> oids;
  for (size_t i = 0; i < tables.size(); ++i) {
    const int row = static_cast<int>(i);
    if (found.IsNull(row, 0)) continue;
    std::vector<size_t>& indexes = asked[std::string(found.Text(row, 0))];
    if (indexes.empty()) oids.emplace_back(found.Text(row, 0));
    indexes.push_back(i);
  }
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(
          absl::StrCat("SELECT f.relid, a.attname, f.nspname, f.relname FROM (", kSequencesSql,
                       ") AS f JOIN pg_catalog.pg_attribute a "
                       "ON a.attrelid = f.relid AND a.attnum = f.attnum"),
          {FormatArray(oids)}));
  for (int i = 0; i < rows.rows(); ++i) {
    for (const size_t table : asked[std::string(rows.Text(i, 0))]) {
      sequences.push_back({table, std::string(rows.Text(i, 1)),
                           QuoteQualified(rows.Text(i, 2), rows.Text(i, 3))});
    }
  }
  return sequences;
}

absl::StatusOr<std::vector<ColumnSequence>> ReadColumnSequences(PgConnection& connection,
                                                                const std::string& schema,
                                                                const std::string& table) {
  ASSIGN_OR_RETURN(std::vector<TableColumnSequence> found,
                   ReadSequencesOfTables(connection, {QuoteQualified(schema, table)}));
  std::vector<ColumnSequence> sequences;
  for (TableColumnSequence& sequence : found) {
    sequences.push_back({std::move(sequence.column), std::move(sequence.sequence)});
  }
  return sequences;
}

}  // namespace lite2pg
