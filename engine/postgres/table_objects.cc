#include "engine/postgres/table_objects.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"

namespace lite2pg {
namespace {

// `stays` names what our statements could not repeat. A dependent that is no foreign key is a view
// grouping by a primary key, a foreign table's extension and the like.
constexpr absl::string_view kIndexesSql =
    "SELECT i.indrelid, i.indexrelid, n.nspname, t.relname, c.relname, "
    "pg_catalog.pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, "
    "i.indpred IS NOT NULL, i.indisvalid AND i.indisready AND i.indislive, "
    "COALESCE(k.conname, ''), "
    "CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END || "
    "CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END, "
    "pg_catalog.obj_description(i.indexrelid, 'pg_class'), "
    "pg_catalog.obj_description(k.oid, 'pg_constraint'), i.indisclustered, i.indisreplident, "
    "ARRAY(SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid "
    "AND a.attstattarget >= 0 ORDER BY a.attnum), "
    "ARRAY(SELECT a.attstattarget FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indexrelid "
    "AND a.attstattarget >= 0 ORDER BY a.attnum), "
    "ARRAY(SELECT COALESCE(a.attname, '')::text FROM "
    "pg_catalog.generate_series(0, i.indnkeyatts - 1) AS g LEFT JOIN pg_catalog.pg_attribute a "
    "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g] AND i.indkey[g] <> 0 ORDER BY g), "
    // Strategy 3 of a B-tree is equality (src/include/access/stratnum.h).
    "ARRAY(SELECT COALESCE('OPERATOR(' || pg_catalog.quote_ident(s.nspname) || '.' || o.oprname "
    "|| ')', '') FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) AS g "
    "JOIN pg_catalog.pg_opclass oc ON oc.oid = i.indclass[g] "
    "LEFT JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3 "
    "AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype "
    "AND am.amname = 'btree' LEFT JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr "
    "LEFT JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace ORDER BY g), "
    "ARRAY(SELECT f.oid FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' "
    "AND f.conindid = i.indexrelid), "
    "CASE WHEN i.indisprimary THEN 'it is the primary key' "
    "WHEN i.indisexclusion THEN 'it backs an exclusion constraint' "
    "WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN 'it is not valid' "
    "WHEN t.relkind <> 'r' OR t.relispartition OR c.relispartition "
    "THEN 'it is part of a partitioned index' "
    "WHEN c.reltablespace <> 0 THEN 'it has a tablespace of its own' "
    "WHEN NOT pg_catalog.pg_has_role(t.relowner, 'USAGE') THEN 'the table belongs to another role' "
    "WHEN EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE "
    "((d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indexrelid) OR "
    "(d.refclassid = 'pg_catalog.pg_constraint'::regclass AND d.refobjid = k.oid)) "
    "AND NOT (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid) "
    "AND NOT (d.classid = 'pg_catalog.pg_constraint'::regclass AND EXISTS (SELECT FROM "
    "pg_catalog.pg_constraint f WHERE f.oid = d.objid AND f.contype = 'f')) "
    // A deferrable constraint's own trigger, in its usual state, comes back with it.
    "AND NOT (d.classid = 'pg_catalog.pg_trigger'::regclass AND EXISTS (SELECT FROM "
    "pg_catalog.pg_trigger g WHERE g.oid = d.objid AND g.tgconstraint = k.oid "
    "AND g.tgisinternal AND g.tgenabled = 'O'))) "
    "OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = i.indexrelid "
    "AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('x', 'e')) "
    "THEN 'another object depends on it' "
    "WHEN EXISTS (SELECT FROM pg_catalog.pg_seclabel l WHERE l.objoid = i.indexrelid) "
    "THEN 'it has a security label' ELSE '' END "
    "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_catalog.pg_class t ON t.oid = i.indrelid "
    "JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace "
    "JOIN pg_catalog.pg_am am ON am.oid = c.relam "
    "LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid "
    "AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') "
    "WHERE i.indrelid = ANY($1::oid[]) ORDER BY i.indrelid, c.relname";

constexpr absl::string_view kForeignKeysSql =
    "SELECT k.oid, k.conrelid, k.confrelid, k.conname, cn.nspname, c.relname, pn.nspname, "
    "p.relname, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated, k.condeferrable, "
    "pg_catalog.obj_description(k.oid, 'pg_constraint'), "
    "ARRAY(SELECT a.attname::text FROM ROWS FROM (pg_catalog.unnest(k.conkey)) WITH ORDINALITY "
    "AS u(n, i) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n "
    "ORDER BY u.i), "
    "ARRAY(SELECT a.attname::text FROM ROWS FROM (pg_catalog.unnest(k.confkey)) WITH ORDINALITY "
    "AS u(n, i) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n "
    "ORDER BY u.i), "
    "ARRAY(SELECT 'OPERATOR(' || pg_catalog.quote_ident(s.nspname) || '.' || o.oprname || ')' "
    "FROM ROWS FROM (pg_catalog.unnest(k.conpfeqop)) WITH ORDINALITY AS u(n, i) "
    "JOIN pg_catalog.pg_operator o ON o.oid = u.n "
    "JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace ORDER BY u.i), "
    "CASE WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') "
    "THEN 'its table belongs to another role' "
    "WHEN NOT pg_catalog.has_table_privilege(p.oid, 'REFERENCES') AND EXISTS (SELECT FROM "
    "pg_catalog.unnest(k.confkey) AS u(n) WHERE NOT pg_catalog.has_column_privilege(p.oid, u.n, "
    "'REFERENCES')) THEN 'the role may not refer to the parent table' "
    "WHEN k.conparentid <> 0 OR c.relkind <> 'r' OR p.relkind <> 'r' "
    "THEN 'a partitioned table is involved' "
    "WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgconstraint = k.oid "
    "AND t.tgenabled <> 'O') THEN 'its triggers are not in their usual state' "
    "WHEN pg_catalog.pg_get_constraintdef(k.oid) LIKE '%NOT ENFORCED' THEN 'it is not enforced' "
    "WHEN EXISTS (SELECT FROM pg_catalog.pg_seclabel l WHERE l.objoid = k.oid) "
    "THEN 'it has a security label' ELSE '' END "
    "FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid "
    "JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace "
    "JOIN pg_catalog.pg_class p ON p.oid = k.confrelid "
    "JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace "
    "WHERE k.contype = 'f' AND (k.conrelid = ANY($1::oid[]) OR k.confrelid = ANY($1::oid[])) "
    "ORDER BY cn.nspname, c.relname, k.conname";

// Names of foreign keys' own triggers hold OIDs, so only their states count.
constexpr absl::string_view kDumpSql =
    "SELECT pg_catalog.concat_ws(' | ', 'table ' || t.oid::regclass, t.relkind, t.relreplident, "
    "t.relrowsecurity, t.relforcerowsecurity, t.reloptions, t.relacl, "
    "pg_catalog.obj_description(t.oid, 'pg_class')) AS line "
    "FROM pg_catalog.pg_class t WHERE t.oid = ANY($1::oid[]) UNION ALL "
    "SELECT pg_catalog.concat_ws(' | ', 'column ' || a.attrelid::regclass || '.' || a.attname, "
    "pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, "
    "a.attgenerated, a.attstattarget, a.attstorage, a.attoptions, a.attcollation::regcollation, "
    "pg_catalog.pg_get_expr(d.adbin, d.adrelid), "
    "pg_catalog.col_description(a.attrelid, a.attnum)) "
    "FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid "
    "AND d.adnum = a.attnum WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 "
    "AND NOT a.attisdropped UNION ALL "
    "SELECT pg_catalog.concat_ws(' | ', 'index ' || i.indexrelid::regclass, "
    "pg_catalog.pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indimmediate, "
    "i.indisclustered, i.indisreplident, i.indisvalid, i.indisready, i.indislive, "
    "c.reltablespace, c.reloptions, pg_catalog.obj_description(c.oid, 'pg_class'), "
    "ARRAY(SELECT a.attstattarget FROM pg_catalog.pg_attribute a "
    "WHERE a.attrelid = c.oid ORDER BY a.attnum)::text) "
    "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = ANY($1::oid[]) UNION ALL "
    "SELECT pg_catalog.concat_ws(' | ', 'constraint ' || k.conname || ' on ' || "
    "k.conrelid::regclass, k.contype, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated, "
    "k.condeferrable, k.condeferred, k.conislocal, k.coninhcount, k.connoinherit, "
    "pg_catalog.obj_description(k.oid, 'pg_constraint'), "
    "(SELECT pg_catalog.string_agg(t.tgenabled::text || t.tgtype::text || t.tgdeferrable::text, "
    "',' ORDER BY t.tgenabled, t.tgtype, t.tgdeferrable) FROM pg_catalog.pg_trigger t "
    "WHERE t.tgconstraint = k.oid)) FROM pg_catalog.pg_constraint k "
    "WHERE (k.conrelid = ANY($1::oid[]) OR k.confrelid = ANY($1::oid[])) "
    "AND k.conrelid <> ALL($2::regclass[]::oid[]) UNION ALL "
    "SELECT pg_catalog.concat_ws(' | ', 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass, "
    "pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled, "
    "pg_catalog.obj_description(t.oid, 'pg_trigger')) "
    "FROM pg_catalog.pg_trigger t WHERE t.tgrelid = ANY($1::oid[]) AND NOT t.tgisinternal "
    "ORDER BY 1";

std::string OidArray(const std::vector<uint32_t>& oids) {
  return absl::StrCat("{", absl::StrJoin(oids, ","), "}");
}

std::vector<std::string> ArrayOf(const PgResult& rows, int row, int column) {
  std::vector<std::optional<std::string>> parsed;
  ParseArray(rows.Text(row, column), &parsed);
  std::vector<std::string> out;
  for (std::optional<std::string>& element : parsed) out.push_back(std::move(element).value_or(""));
  return out;
}

int Number(const std::string& text) {
  int number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

TableIndexObject IndexOf(const PgResult& rows, int r) {
  TableIndexObject index;
  index.table_oid = static_cast<uint32_t>(rows.Int(r, 0));
  index.oid = static_cast<uint32_t>(rows.Int(r, 1));
  index.schema = std::string(rows.Text(r, 2));
  index.table = std::string(rows.Text(r, 3));
  index.name = std::string(rows.Text(r, 4));
  index.definition = std::string(rows.Text(r, 5));
  index.unique = rows.Bool(r, 6);
  index.primary = rows.Bool(r, 7);
  index.partial = rows.Bool(r, 8);
  index.usable = rows.Bool(r, 9);
  index.constraint = std::string(rows.Text(r, 10));
  index.constraint_options = std::string(rows.Text(r, 11));
  index.has_comment = !rows.IsNull(r, 12);
  index.comment = std::string(rows.Text(r, 12));
  index.has_constraint_comment = !rows.IsNull(r, 13);
  index.constraint_comment = std::string(rows.Text(r, 13));
  index.clustered = rows.Bool(r, 14);
  index.replica_identity = rows.Bool(r, 15);
  const std::vector<std::string> positions = ArrayOf(rows, r, 16);
  const std::vector<std::string> targets = ArrayOf(rows, r, 17);
  for (size_t i = 0; i < positions.size() && i < targets.size(); ++i) {
    index.statistics.emplace_back(Number(positions[i]), Number(targets[i]));
  }
  const std::vector<std::string> names = ArrayOf(rows, r, 18);
  const std::vector<std::string> equals = ArrayOf(rows, r, 19);
  for (size_t i = 0; i < names.size(); ++i) {
    index.key.push_back({names[i], i < equals.size() ? equals[i] : ""});
  }
  for (const std::string& oid : ArrayOf(rows, r, 20)) {
    uint32_t number = 0;
    if (absl::SimpleAtoi(oid, &number)) index.referencing_keys.push_back(number);
  }
  index.stays = std::string(rows.Text(r, 21));
  return index;
}

std::string OrphansSql(const TableForeignKeyObject& key, const std::vector<std::string>& columns,
                       const std::vector<std::string>& parent_columns,
                       const std::vector<std::string>& equals) {
  std::vector<std::string> present, equal, shown;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string column = absl::StrCat("c.", QuoteIdentifier(columns[i]));
    shown.push_back(column);
    present.push_back(absl::StrCat(column, " IS NOT NULL"));
    if (i >= parent_columns.size() || i >= equals.size()) continue;
    equal.push_back(
        absl::StrCat("p.", QuoteIdentifier(parent_columns[i]), " ", equals[i], " ", column));
  }
  return absl::StrCat("SELECT ROW(", absl::StrJoin(shown, ", "),
                      ")::pg_catalog.text, pg_catalog.count(*) FROM ",
                      QuoteQualified(key.child_schema, key.child_table), " c WHERE ",
                      absl::StrJoin(present, " AND "), " AND NOT EXISTS (SELECT FROM ",
                      QuoteQualified(key.parent_schema, key.parent_table), " p WHERE ",
                      absl::StrJoin(equal, " AND "), ") GROUP BY ", absl::StrJoin(shown, ", "),
                      " LIMIT 3");
}

TableForeignKeyObject ForeignKeyOf(const PgResult& rows, int r) {
  TableForeignKeyObject key;
  key.oid = static_cast<uint32_t>(rows.Int(r, 0));
  key.child_oid = static_cast<uint32_t>(rows.Int(r, 1));
  key.parent_oid = static_cast<uint32_t>(rows.Int(r, 2));
  key.name = std::string(rows.Text(r, 3));
  key.child_schema = std::string(rows.Text(r, 4));
  key.child_table = std::string(rows.Text(r, 5));
  key.parent_schema = std::string(rows.Text(r, 6));
  key.parent_table = std::string(rows.Text(r, 7));
  key.definition = std::string(absl::StripSuffix(rows.Text(r, 8), " NOT VALID"));
  key.validated = rows.Bool(r, 9);
  key.deferrable = rows.Bool(r, 10);
  key.has_comment = !rows.IsNull(r, 11);
  key.comment = std::string(rows.Text(r, 11));
  key.child_columns = ArrayOf(rows, r, 12);
  key.parent_columns = ArrayOf(rows, r, 13);
  key.equals = ArrayOf(rows, r, 14);
  key.orphans_sql = OrphansSql(key, key.child_columns, key.parent_columns, key.equals);
  key.stays = std::string(rows.Text(r, 15));
  return key;
}

// Definitions name every schema only under this path; the caller's own comes back after.
class CatalogPath {
 public:
  static absl::StatusOr<PgResult> Query(PgConnection& connection, absl::string_view sql,
                                        const std::vector<PgParam>& params) {
    ASSIGN_OR_RETURN(const PgResult before,
                     connection.Query("SELECT pg_catalog.current_setting('search_path')"));
    const std::string path(before.Text(0, 0));
    RETURN_IF_ERROR(Set(connection, "pg_catalog"));
    absl::StatusOr<PgResult> rows = connection.Query(sql, params);
    if (!rows.ok()) return rows.status();
    RETURN_IF_ERROR(Set(connection, path));
    return rows;
  }

 private:
  static absl::Status Set(PgConnection& connection, const std::string& path) {
    return connection.Execute("SELECT pg_catalog.set_config('search_path', $1, false)", {path});
  }
};

}  // namespace

absl::StatusOr<TableObjects> ReadTableObjects(PgConnection& connection,
                                              const std::vector<uint32_t>& tables) {
  TableObjects objects;
  if (tables.empty()) return objects;
  const std::string oids = OidArray(tables);
  ASSIGN_OR_RETURN(const PgResult indexes, CatalogPath::Query(connection, kIndexesSql, {oids}));
  for (int r = 0; r < indexes.rows(); ++r) objects.indexes.push_back(IndexOf(indexes, r));
  ASSIGN_OR_RETURN(const PgResult keys, CatalogPath::Query(connection, kForeignKeysSql, {oids}));
  for (int r = 0; r < keys.rows(); ++r) objects.foreign_keys.push_back(ForeignKeyOf(keys, r));
  return objects;
}

absl::StatusOr<std::vector<std::string>> DumpTableDefinitions(
    PgConnection& connection, const std::vector<uint32_t>& tables,
    const std::vector<std::string>& without) {
  ASSIGN_OR_RETURN(const PgResult rows,
                   CatalogPath::Query(connection, kDumpSql,
                                      {OidArray(tables), FormatArray(without)}));
  std::vector<std::string> lines;
  for (int r = 0; r < rows.rows(); ++r) lines.emplace_back(rows.Text(r, 0));
  return lines;
}

}  // namespace lite2pg
