#include "engine/command/sync_tables.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/array_text.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

// How much is gathered before it is sent to the server.
constexpr size_t kPileBytes = size_t{1} << 20;

std::string Columns(absl::string_view alias, const std::vector<std::string>& names) {
  return absl::StrJoin(names, ", ", [&](std::string* out, const std::string& name) {
    absl::StrAppend(out, alias, QuoteIdentifier(name));
  });
}

// PostgreSQL gives the column its value itself.
bool IsComputed(const TablePlan& table, const std::string& column) {
  return std::any_of(table.target.columns.begin(), table.target.columns.end(),
                     [&](const TargetColumn& c) { return c.name == column && c.generated; });
}

// pg_constraint.confdeltype and confupdtype: CASCADE, SET NULL, SET DEFAULT.
bool IsAction(absl::string_view type) { return type == "c" || type == "n" || type == "d"; }

bool ReadNames(absl::string_view array, std::vector<std::string>* names) {
  std::vector<std::optional<std::string>> elements;
  if (!ParseArray(array, &elements)) return false;
  for (const std::optional<std::string>& element : elements) {
    if (!element.has_value()) return false;
    names->push_back(*element);
  }
  return true;
}

// Foreign keys that refer to tables of $1, with the names of both sides' columns in order.
constexpr absl::string_view kForeignKeysSql =
    "SELECT c.conname, c.confrelid, c.conrelid, n.nspname, r.relname, c.confdeltype,"
    " (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY k.n) FROM"
    " pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k(num, n) JOIN pg_catalog.pg_attribute a"
    " ON a.attrelid = c.conrelid AND a.attnum = k.num),"
    " (SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY k.n) FROM"
    " pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k(num, n) JOIN pg_catalog.pg_attribute a"
    " ON a.attrelid = c.confrelid AND a.attnum = k.num), c.confupdtype"
    " FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class r ON r.oid = c.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace"
    " WHERE c.contype = 'f' AND c.confrelid = ANY ($1::pg_catalog.oid[]) ORDER BY c.oid";

}  // namespace

SyncTables::SyncTables(PgConnection& connection, const PairedTables& pairs)
    : connection_(connection),
      pairs_(pairs),
      staged_(pairs.plan.tables.size()),
      counts_(pairs.plan.tables.size()) {}

std::string SyncTables::Target(size_t table) const {
  const TargetTable& target = pairs_.plan.tables[table].target;
  return QuoteQualified(target.schema, target.name);
}

absl::Status SyncTables::ReadForeignKeys() {
  std::vector<std::string> oids;
  for (const TablePlan& table : pairs_.plan.tables) oids.push_back(absl::StrCat(table.target.oid));
  ASSIGN_OR_RETURN(
      const PgResult found,
      connection_.Query(kForeignKeysSql, {absl::StrCat("{", absl::StrJoin(oids, ","), "}")}));
  const auto index_of = [&](int64_t oid) {
    for (size_t i = 0; i < pairs_.plan.tables.size(); ++i) {
      const bool same = pairs_.plan.tables[i].target.oid == static_cast<uint64_t>(oid);
      if (same) return static_cast<int>(i);
    }
    return -1;
  };
  for (int row = 0; row < found.rows(); ++row) {
    SyncForeignKey key;
    key.name = std::string(found.Text(row, 0));
    key.parent_table = index_of(found.Int(row, 1));
    key.child_table = index_of(found.Int(row, 2));
    key.child = QuoteQualified(found.Text(row, 3), found.Text(row, 4));
    key.changes_children = IsAction(found.Text(row, 5));
    key.updates_children = IsAction(found.Text(row, 8));
    if (!ReadNames(found.Text(row, 6), &key.child_columns) ||
        !ReadNames(found.Text(row, 7), &key.parent_columns)) {
      return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                       "the server's list of a foreign key's columns is none");
    }
    foreign_keys_.push_back(std::move(key));
  }
  return absl::OkStatus();
}

absl::Status SyncTables::Lock() {
  RETURN_IF_ERROR(ReadForeignKeys());
  // In one order, so that two runs cannot wait for each other.
  std::set<std::string> names;
  for (size_t i = 0; i < staged_.size(); ++i) names.insert(Target(i));
  for (const SyncForeignKey& key : foreign_keys_) {
    if (key.changes_children || key.updates_children) names.insert(key.child);
  }
  if (names.empty()) return absl::OkStatus();
  return connection_.Execute(absl::StrCat("LOCK TABLE ", absl::StrJoin(names, ", "),
                                          " IN SHARE ROW EXCLUSIVE MODE"));
}

absl::Status SyncTables::Put(size_t table, absl::string_view tuple) {
  return Add(table, "put", tuple, &staged_[table].put);
}

absl::Status SyncTables::Remove(size_t table, absl::string_view tuple) {
  return Add(table, "gone", tuple, &staged_[table].gone);
}

absl::Status SyncTables::Leave(size_t table) {
  for (Pile* pile : {&staged_[table].put, &staged_[table].gone}) {
    if (!pile->name.empty()) RETURN_IF_ERROR(connection_.Execute("DROP TABLE " + pile->name));
    *pile = Pile();
  }
  return absl::OkStatus();
}

absl::Status SyncTables::Add(size_t table, absl::string_view purpose, absl::string_view tuple,
                             Pile* pile) {
  pile->rows.Reserve(tuple.size());
  pile->rows.PutBytes(tuple);
  ++pile->unsent;
  return pile->rows.size() < kPileBytes ? absl::OkStatus() : Flush(table, purpose, pile);
}

absl::Status SyncTables::Flush(size_t table, absl::string_view purpose, Pile* pile) {
  if (pile->unsent == 0) return absl::OkStatus();
  const std::vector<std::string> columns = pairs_.plan.tables[table].TargetColumns();
  if (pile->name.empty()) {
    const std::string name = absl::StrCat("pg_temp.lite2pg_", purpose, "_", table);
    RETURN_IF_ERROR(connection_.Execute(
        absl::StrCat("CREATE TEMPORARY TABLE lite2pg_", purpose, "_", table,
                     " ON COMMIT DROP AS SELECT ", Columns("", columns), " FROM ", Target(table),
                     " WITH NO DATA")));
    pile->name = name;
  }
  CopyIn copy(connection_);
  RETURN_IF_ERROR(copy.Begin(pile->name, columns));
  RETURN_IF_ERROR(copy.Write(pile->rows.view()));
  ASSIGN_OR_RETURN(const uint64_t rows, copy.Finish());
  if (rows != pile->unsent) {
    return MakeError(ErrorCode::kCountDiffers, ExitCode::kDefect,
                     absl::StrCat("the server took ", rows, " of ", pile->unsent, " rows"));
  }
  pile->sent += pile->unsent;
  pile->unsent = 0;
  pile->rows.Clear();
  return absl::OkStatus();
}

// Tables without a parent that is still to come; members of cycles stay in their own order.
std::vector<size_t> SyncTables::ParentsFirst() const {
  std::vector<size_t> order;
  std::vector<int> state(staged_.size(), 0);  // 1: under way, 2: done
  const std::function<void(size_t)> visit = [&](size_t table) {
    if (state[table] != 0) return;
    state[table] = 1;
    for (const SyncForeignKey& key : foreign_keys_) {
      if (key.child_table == static_cast<int>(table) && key.parent_table >= 0) {
        visit(static_cast<size_t>(key.parent_table));
      }
    }
    state[table] = 2;
    order.push_back(table);
  };
  for (size_t i = 0; i < staged_.size(); ++i) visit(i);
  return order;
}

absl::Status SyncTables::Apply() {
  for (size_t i = 0; i < staged_.size(); ++i) {
    RETURN_IF_ERROR(Flush(i, "put", &staged_[i].put));
    RETURN_IF_ERROR(Flush(i, "gone", &staged_[i].gone));
    for (const Pile* pile : {&staged_[i].put, &staged_[i].gone}) {
      if (!pile->name.empty()) RETURN_IF_ERROR(connection_.Execute("ANALYZE " + pile->name));
    }
  }
  RETURN_IF_ERROR(connection_.Execute("SET CONSTRAINTS ALL DEFERRED"));
  const std::vector<size_t> parents_first = ParentsFirst();
  const std::vector<size_t> children_first(parents_first.rbegin(), parents_first.rend());
  // First what nobody refers to, since it may hold values of unique columns that others are about
  // to get; last what only rows referred to that have gone, or refer to others, by then.
  for (const size_t table : children_first) {
    if (staged_[table].gone.sent == 0) continue;
    RETURN_IF_ERROR(HasKey(table) ? DeleteKeyed(table, /*all=*/false) : DeleteKeyless(table));
  }
  for (const size_t table : parents_first) {
    if (staged_[table].put.sent == 0) continue;
    if (HasKey(table)) RETURN_IF_ERROR(RefuseUpdateCascade(table));
    RETURN_IF_ERROR(Bring(table));
  }
  for (const size_t table : children_first) {
    if (staged_[table].gone.sent == 0 || !HasKey(table)) continue;
    RETURN_IF_ERROR(RefuseCascade(table));
    RETURN_IF_ERROR(DeleteKeyed(table, /*all=*/true));
  }
  return connection_.Execute("SET CONSTRAINTS ALL IMMEDIATE");
}

absl::StatusOr<SyncRows> SyncTables::CountRows(size_t table) {
  SyncRows rows;
  ASSIGN_OR_RETURN(const PgResult all,
                   connection_.Query("SELECT pg_catalog.count(*) FROM " + Target(table)));
  rows.all = static_cast<uint64_t>(all.Int(0, 0));
  const Pile& gone = staged_[table].gone;
  if (gone.sent == 0) return rows;
  ASSIGN_OR_RETURN(const PgResult left,
                   connection_.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ",
                                                  Target(table), " t JOIN ", gone.name, " g ON ",
                                                  KeyEquals(table, "t", "g"))));
  rows.of_gone_keys = static_cast<uint64_t>(left.Int(0, 0));
  return rows;
}

std::string SyncTables::KeyEquals(size_t table, absl::string_view a, absl::string_view b) const {
  std::vector<std::string> parts;
  for (const size_t column : pairs_.pairs[table].key) {
    const std::string name = QuoteIdentifier(pairs_.plan.tables[table].columns[column].target_name);
    parts.push_back(absl::StrCat(a, ".", name, " = ", b, ".", name));
  }
  return absl::StrJoin(parts, " AND ");
}

std::string SyncTables::StayingChild(const SyncForeignKey& key) const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < key.child_columns.size(); ++i) {
    parts.push_back(absl::StrCat("c.", QuoteIdentifier(key.child_columns[i]), " = t.",
                                 QuoteIdentifier(key.parent_columns[i])));
  }
  std::string sql = absl::StrCat("EXISTS (SELECT FROM ", key.child, " c WHERE ",
                                 absl::StrJoin(parts, " AND "));
  const bool may_go = key.child_table >= 0 &&
                      HasKey(static_cast<size_t>(key.child_table)) &&
                      staged_[static_cast<size_t>(key.child_table)].gone.sent > 0;
  if (may_go) {
    const auto child = static_cast<size_t>(key.child_table);
    absl::StrAppend(&sql, " AND NOT EXISTS (SELECT FROM ", staged_[child].gone.name,
                    " h WHERE ", KeyEquals(child, "c", "h"), ")");
  }
  return sql + ")";
}

// `all`: also those that others refer to, which then go as well.
absl::Status SyncTables::DeleteKeyed(size_t table, bool all) {
  std::string sql = absl::StrCat("DELETE FROM ", Target(table), " t USING ",
                                 staged_[table].gone.name, " g WHERE ",
                                 KeyEquals(table, "t", "g"));
  for (const SyncForeignKey& key : foreign_keys_) {
    if (all || key.parent_table != static_cast<int>(table)) continue;
    absl::StrAppend(&sql, " AND NOT ", StayingChild(key));
  }
  ASSIGN_OR_RETURN(const PgResult deleted, connection_.Query(sql));
  counts_[table].deleted += deleted.affected_rows();
  return absl::OkStatus();
}

// A row is known by its text alone, and where several are equal any of them may go.
absl::Status SyncTables::DeleteKeyless(size_t table) {
  const std::vector<std::string> columns = pairs_.plan.tables[table].TargetColumns();
  const std::string text_of_t = absl::StrCat("ROW(", Columns("t.", columns), ")::pg_catalog.text");
  const std::string text_of_g = absl::StrCat("ROW(", Columns("g.", columns), ")::pg_catalog.text");
  ASSIGN_OR_RETURN(
      const PgResult deleted,
      connection_.Query(absl::StrCat(
          "WITH gone AS MATERIALIZED (SELECT ", text_of_g, " AS r, pg_catalog.count(*) AS n FROM ",
          staged_[table].gone.name, " g GROUP BY 1), numbered AS MATERIALIZED (SELECT t.tableoid AS"
          " o, t.ctid AS id, gone.n, pg_catalog.row_number() OVER (PARTITION BY gone.r) AS i FROM ",
          Target(table), " t JOIN gone ON gone.r = ", text_of_t, ") DELETE FROM ", Target(table),
          " t USING numbered x WHERE t.ctid = x.id AND t.tableoid = x.o AND x.i <= x.n")));
  counts_[table].deleted += deleted.affected_rows();
  return absl::OkStatus();
}

ErrorInfo SyncTables::CascadeFrom(size_t table, absl::string_view row_key) const {
  ErrorInfo info;
  info.code = ErrorCode::kSyncCascade;
  info.exit_code = ExitCode::kTargetRefuses;
  info.table = pairs_.plan.tables[table].source->name;
  info.row_key = std::string(row_key);
  return info;
}

absl::Status SyncTables::RefuseCascade(size_t table) {
  for (const SyncForeignKey& key : foreign_keys_) {
    if (key.parent_table != static_cast<int>(table) || !key.changes_children) continue;
    ASSIGN_OR_RETURN(
        const PgResult found,
        connection_.Query(absl::StrCat(
            "SELECT ROW(", Columns("t.", key.parent_columns), ")::pg_catalog.text FROM ",
            Target(table), " t JOIN ", staged_[table].gone.name, " g ON ",
            KeyEquals(table, "t", "g"), " WHERE ", StayingChild(key), " LIMIT 1")));
    if (found.rows() == 0) continue;
    ErrorInfo info = CascadeFrom(table, found.Text(0, 0));
    info.what = absl::StrCat("the row is gone from the source, but rows of ", key.child,
                             " that stay refer to it, and foreign key ", EscapeName(key.name),
                             " would delete or change them with it");
    info.hint = "mend the rows that refer to it in the source, or the foreign key on the target";
    return MakeError(info);
  }
  return absl::OkStatus();
}

// What becomes of rows of the tables that are compared, the proof at the end shows.
absl::Status SyncTables::RefuseUpdateCascade(size_t table) {
  for (const SyncForeignKey& key : foreign_keys_) {
    if (key.parent_table != static_cast<int>(table) || !key.updates_children ||
        key.child_table >= 0) {
      continue;
    }
    ASSIGN_OR_RETURN(
        const PgResult found,
        connection_.Query(absl::StrCat(
            "SELECT ROW(", Columns("t.", key.parent_columns), ")::pg_catalog.text FROM ",
            Target(table), " t JOIN ", staged_[table].put.name, " p ON ",
            KeyEquals(table, "t", "p"), " WHERE ROW(", Columns("t.", key.parent_columns),
            ") IS DISTINCT FROM ROW(", Columns("p.", key.parent_columns), ") AND ",
            StayingChild(key), " LIMIT 1")));
    if (found.rows() == 0) continue;
    ErrorInfo info = CascadeFrom(table, found.Text(0, 0));
    info.what = absl::StrCat("the row has another value in the source, and foreign key ",
                             EscapeName(key.name), " would change rows of ", key.child,
                             " with it, which is not among the tables that are compared");
    info.hint = "change those rows first, or drop the foreign key on the target meanwhile";
    return MakeError(info);
  }
  return absl::OkStatus();
}

bool SyncTables::ChangesChildren() const {
  return std::any_of(foreign_keys_.begin(), foreign_keys_.end(), [&](const SyncForeignKey& key) {
    return key.updates_children && key.parent_table >= 0 &&
           staged_[static_cast<size_t>(key.parent_table)].put.sent > 0;
  });
}

std::string SyncTables::UpdateSql(size_t table) const {
  const TablePlan& plan = pairs_.plan.tables[table];
  const std::vector<size_t>& key = pairs_.pairs[table].key;
  std::vector<std::string> set;
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    const std::string& name = plan.columns[i].target_name;
    const bool is_key = std::find(key.begin(), key.end(), i) != key.end();
    if (is_key || IsComputed(plan, name)) continue;
    set.push_back(absl::StrCat(QuoteIdentifier(name), " = p.", QuoteIdentifier(name)));
  }
  if (set.empty()) return "";
  return absl::StrCat("UPDATE ", Target(table), " t SET ", absl::StrJoin(set, ", "), " FROM ",
                      staged_[table].put.name, " p WHERE ", KeyEquals(table, "t", "p"));
}

std::string SyncTables::InsertSql(size_t table) const {
  const TablePlan& plan = pairs_.plan.tables[table];
  std::vector<std::string> names;
  for (const ColumnPlan& column : plan.columns) {
    if (!IsComputed(plan, column.target_name)) names.push_back(column.target_name);
  }
  std::string sql = absl::StrCat("INSERT INTO ", Target(table), " (", Columns("", names),
                                 ") OVERRIDING SYSTEM VALUE SELECT ", Columns("p.", names),
                                 " FROM ", staged_[table].put.name, " p");
  if (HasKey(table)) {
    absl::StrAppend(&sql, " WHERE NOT EXISTS (SELECT FROM ", Target(table), " t WHERE ",
                    KeyEquals(table, "t", "p"), ")");
  }
  return sql;
}

// Rows before new ones, which may get unique values that those give up.
absl::Status SyncTables::Bring(size_t table) {
  const std::string update = HasKey(table) ? UpdateSql(table) : "";
  const std::string insert = InsertSql(table);
  const bool refers_to_itself = std::any_of(
      foreign_keys_.begin(), foreign_keys_.end(), [&](const SyncForeignKey& key) {
        return key.child_table == static_cast<int>(table) && key.parent_table == key.child_table;
      });
  if (refers_to_itself && !update.empty()) {
    // Rows may refer to new ones. Foreign keys are checked at the end of a statement.
    ASSIGN_OR_RETURN(
        const PgResult both,
        connection_.Query(absl::StrCat(
            "WITH updated AS (", update, " RETURNING 1), inserted AS (", insert,
            " RETURNING 1) SELECT (SELECT pg_catalog.count(*) FROM updated), "
            "(SELECT pg_catalog.count(*) FROM inserted)")));
    counts_[table].updated += static_cast<uint64_t>(both.Int(0, 0));
    counts_[table].inserted += static_cast<uint64_t>(both.Int(0, 1));
    return absl::OkStatus();
  }
  if (!update.empty()) {
    ASSIGN_OR_RETURN(const PgResult updated, connection_.Query(update));
    counts_[table].updated += updated.affected_rows();
  }
  ASSIGN_OR_RETURN(const PgResult inserted, connection_.Query(insert));
  counts_[table].inserted += inserted.affected_rows();
  return absl::OkStatus();
}

}  // namespace lite2pg
