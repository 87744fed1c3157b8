#include "engine/command/existing_merge.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/row_encoder.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/merge_refusals.h"
#include "engine/command/rejected_parents.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/ddl.h"

namespace lite2pg {
namespace {

// True for rows whose key was in the application's table before.
constexpr absl::string_view kPresent = "lite2pg_present";
constexpr int kDifferencesMax = 5;
constexpr size_t kShownValueBytes = 120;

std::vector<std::string> Quoted(const std::vector<std::string>& columns, absl::string_view alias) {
  std::vector<std::string> quoted;
  for (const std::string& column : columns) {
    quoted.push_back(absl::StrCat(alias, alias.empty() ? "" : ".", QuoteIdentifier(column)));
  }
  return quoted;
}

// Columns that rows are merged with: those of the source, and those that only --fill gives.
std::vector<std::string> MergedColumns(const TablePlan& table) {
  std::vector<std::string> columns = table.TargetColumns();
  for (const FillPlan& fill : table.fills) {
    if (fill.absent) columns.push_back(fill.column);
  }
  return columns;
}

std::string SameKey(const TablePlan& table) {
  std::vector<std::string> terms;
  for (const IndexKeyColumn& key : table.key) {
    const std::string column = QuoteIdentifier(key.name);
    terms.push_back(absl::StrCat("t.", column, " ", key.equals, " s.", column));
  }
  return absl::StrJoin(terms, " AND ");
}

bool IsKey(const TablePlan& table, const std::string& column) {
  return std::any_of(table.key.begin(), table.key.end(),
                     [&](const IndexKeyColumn& key) { return key.name == column; });
}

// Byte for byte, as the digest sees values: 1.5 and 1.50 are two. The cast keeps the parser from
// taking the rows apart.
std::string Differs(const std::vector<std::string>& columns) {
  if (columns.empty()) return "false";
  return absl::StrCat("ROW(", absl::StrJoin(Quoted(columns, "s"), ", "),
                      ")::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(",
                      absl::StrJoin(Quoted(columns, "t"), ", "), ")::pg_catalog.record");
}

std::vector<std::string> ValueColumns(const TablePlan& table) {
  std::vector<std::string> columns;
  for (const ColumnPlan& column : table.columns) {
    if (!IsKey(table, column.target_name)) columns.push_back(column.target_name);
  }
  return columns;
}

// The application's triggers, checks and defaults see the search_path that they see otherwise.
absl::StatusOr<uint64_t> ExecuteAsRole(PgConnection& connection, const std::string& sql) {
  RETURN_IF_ERROR(connection.Execute("SET LOCAL search_path TO DEFAULT"));
  ASSIGN_OR_RETURN(const PgResult result, connection.Query(sql));
  RETURN_IF_ERROR(connection.Execute("SET LOCAL search_path = pg_catalog"));
  return result.affected_rows();
}

absl::StatusOr<uint64_t> Count(PgConnection& connection, const std::string& from) {
  ASSIGN_OR_RETURN(const PgResult count,
                   connection.Query(absl::StrCat("SELECT pg_catalog.count(*) FROM ", from)));
  return static_cast<uint64_t>(count.Int(0, 0));
}

ErrorInfo Refusal(const TablePlan& table, ErrorCode code, std::string what, std::string hint) {
  ErrorInfo info;
  info.code = code;
  info.exit_code = ExitCode::kTargetRefuses;
  info.table = table.source->name;
  info.what = std::move(what);
  info.hint = std::move(hint);
  return info;
}

class Merge {
 public:
  Merge(PgConnection& connection, const Plan& plan, ExistingRows policy, LateRejects* late,
        std::vector<MergedTable>* merged)
      : connection_(connection), plan_(plan), policy_(policy), late_(late), merged_(*merged) {}

  absl::Status Run() {
    merged_.assign(plan_.tables.size(), MergedTable());
    for (const int index : plan_.existing.merge_order) RETURN_IF_ERROR(Lock(Table(index)));
    for (const int index : plan_.existing.merge_order) {
      RETURN_IF_ERROR(CountBefore(Table(index), &Merged(index)));
    }
    if (policy_ == ExistingRows::kReplace) RETURN_IF_ERROR(Empty());
    if (plan_.existing.defer_constraints) {
      RETURN_IF_ERROR(connection_.Execute("SET CONSTRAINTS ALL DEFERRED"));
    }
    if (policy_ != ExistingRows::kUpsert) RETURN_IF_ERROR(CheckUniquesAtOnce());
    for (const int index : plan_.existing.merge_order) {
      const absl::Status status = One(index, &Merged(index));
      ErrorInfo where;
      where.table = Table(index).source->name;
      if (!status.ok()) return WithContext(status, where);
    }
    // What waits for the end of the transaction is looked at now: ALTER TABLE needs it, and an
    // error belongs here.
    const absl::Status status = connection_.Execute("SET CONSTRAINTS ALL IMMEDIATE");
    if (status.ok() || InfoOf(status).sqlstate.empty()) return status;
    ErrorInfo info = InfoOf(status);
    info.what = "a trigger or constraint that waits for the end of the transaction refuses a row";
    return MakeError(info);
  }

 private:
  const TablePlan& Table(int index) const { return plan_.tables[static_cast<size_t>(index)]; }
  MergedTable& Merged(int index) { return merged_[static_cast<size_t>(index)]; }

  // No other writer from here on. A role that may only insert cannot lock; for it the unique
  // indexes alone keep a row that appears meanwhile from being doubled.
  absl::Status Lock(const TablePlan& table) {
    RETURN_IF_ERROR(connection_.Execute("SAVEPOINT lite2pg_lock"));
    const absl::Status status = connection_.Execute(
        absl::StrCat("LOCK TABLE ", table.MergeTarget(), " IN SHARE ROW EXCLUSIVE MODE"));
    if (status.ok()) return connection_.Execute("RELEASE SAVEPOINT lite2pg_lock");
    if (InfoOf(status).sqlstate != "42501") return status;
    return connection_.Execute("ROLLBACK TO SAVEPOINT lite2pg_lock");
  }

  absl::Status CountBefore(const TablePlan& table, MergedTable* merged) {
    ASSIGN_OR_RETURN(merged->rows_preexisting, Count(connection_, table.MergeTarget()));
    if (policy_ == ExistingRows::kAdd) {
      const std::string there =
          absl::StrCat("SELECT ", table.ReadColumns("t"), " FROM ", table.MergeTarget(), " t");
      ASSIGN_OR_RETURN(merged->before, DigestQuery(connection_, there, table));
      return absl::OkStatus();
    }
    if (merged->rows_preexisting == 0) return absl::OkStatus();
    const bool by_key = policy_ != ExistingRows::kReplace;
    if (policy_ != ExistingRows::kRefuse && !(by_key && table.key.empty())) return absl::OkStatus();
    return MakeError(Refusal(table, ErrorCode::kTargetTableNotEmpty,
                             absl::StrCat("the table ", EscapeName(table.target_name), " has ",
                                          merged->rows_preexisting, " row(s) now"),
                             "empty it, or choose --existing-rows skip-equal, skip, upsert or "
                             "replace"));
  }

  // All at once, so that they may refer to each other. A table that refers to one of them by a key
  // that had to stay is merged too, and its rows go with theirs.
  absl::Status Empty() {
    std::vector<std::string> names;
    for (const int index : plan_.existing.merge_order) {
      if (Merged(index).rows_preexisting > 0) names.push_back(Table(index).MergeTarget());
    }
    if (names.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(connection_.Execute("SAVEPOINT lite2pg_truncate"));
    const absl::Status status =
        connection_.Execute(absl::StrCat("TRUNCATE TABLE ", absl::StrJoin(names, ", ")));
    if (status.ok()) return status;
    // Referred to by tables that are empty, or no right to TRUNCATE: row by row it may work.
    RETURN_IF_ERROR(connection_.Execute("ROLLBACK TO SAVEPOINT lite2pg_truncate"));
    for (auto index = plan_.existing.merge_order.rbegin();
         index != plan_.existing.merge_order.rend(); ++index) {
      if (Merged(*index).rows_preexisting == 0) continue;
      RETURN_IF_ERROR(
          connection_.Execute(absl::StrCat("DELETE FROM ", Table(*index).MergeTarget())));
      ASSIGN_OR_RETURN(const uint64_t left, Count(connection_, Table(*index).MergeTarget()));
      if (left > 0) return status;
    }
    return absl::OkStatus();
  }

  // What the application's tables refused of a parent takes the rows that refer to it along.
  absl::Status DeleteChildrenOfRefused(int index) {
    if (plan_.links.empty() || late_->added().empty()) return absl::OkStatus();
    RejectedParents parents(plan_);
    for (const LateRejects::Added& row : late_->added()) parents.Add(row.table, row.tuple);
    RejectedParents::Options options;
    options.child = index;
    options.counted = false;
    std::map<int, uint64_t> rows;
    const CancelToken none;
    return parents.DeleteChildren(connection_, options, late_, &rows, none);
  }

  // A uniqueness that waits for the end of the transaction would not say which row it refuses.
  // Where rows are only added, what is unique at the end is so all the time; an update may need to
  // wait.
  absl::Status CheckUniquesAtOnce() {
    std::vector<std::string> tables;
    for (const int index : plan_.existing.merge_order) {
      tables.push_back(QuoteLiteral(Table(index).MergeTarget()));
    }
    if (tables.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        const PgResult found,
        connection_.Query(absl::StrCat(
            "SELECT n.nspname, k.conname FROM pg_catalog.pg_constraint k JOIN"
            " pg_catalog.pg_namespace n ON n.oid = k.connamespace WHERE k.condeferrable AND"
            " k.contype IN ('p', 'u', 'x') AND k.conrelid = ANY (ARRAY[",
            absl::StrJoin(tables, ","), "]::pg_catalog.regclass[])")));
    std::vector<std::string> names;
    for (int i = 0; i < found.rows(); ++i) {
      names.push_back(QuoteQualified(found.Text(i, 0), found.Text(i, 1)));
    }
    if (names.empty()) return absl::OkStatus();
    return connection_.Execute(
        absl::StrCat("SET CONSTRAINTS ", absl::StrJoin(names, ", "), " IMMEDIATE"));
  }

  absl::Status One(int index, MergedTable* merged) {
    const TablePlan& table = Table(index);
    RETURN_IF_ERROR(DeleteChildrenOfRefused(index));
    uint64_t present = 0;
    if (merged->rows_preexisting > 0 && policy_ != ExistingRows::kReplace &&
        policy_ != ExistingRows::kAdd) {
      ASSIGN_OR_RETURN(const PgResult marked,
                       connection_.Query(absl::StrCat(
                           "UPDATE ", table.LoadTarget(), " s SET ", kPresent, " = true FROM ",
                           table.MergeTarget(), " t WHERE ", SameKey(table))));
      present = marked.affected_rows();
    }
    if (present > 0 && policy_ == ExistingRows::kSkipEqual) {
      RETURN_IF_ERROR(RefuseDifferent(table, merged));
    }
    const std::string columns = QuoteColumns(MergedColumns(table));
    // An identity that is GENERATED ALWAYS takes given values only when told so; others do not
    // mind.
    ASSIGN_OR_RETURN(
        const uint64_t inserted,
        RunForAllRows(connection_, table, static_cast<size_t>(index), late_,
                      [&](const std::string& condition) {
                        return ExecuteAsRole(
                            connection_,
                            absl::StrCat("INSERT INTO ", table.MergeTarget(), " (", columns,
                                         ") OVERRIDING SYSTEM VALUE SELECT ", columns, " FROM ",
                                         table.LoadTarget(), " s WHERE ", kPresent, " IS NULL AND ",
                                         condition));
                      }));
    // Without rows that were refused and set aside.
    ASSIGN_OR_RETURN(const uint64_t staged, Count(connection_, table.LoadTarget()));
    if (inserted != staged - present) {
      return MakeError(Refusal(table, ErrorCode::kCountDiffers,
                               absl::StrCat("the server counted ", inserted, " rows of ",
                                            staged - present, " that were sent"),
                               "look for a trigger or rule on the table that drops rows"));
    }
    merged->rows_copied = inserted;
    if (present > 0 && policy_ == ExistingRows::kUpsert) {
      RETURN_IF_ERROR(Update(table, static_cast<size_t>(index)));
      ASSIGN_OR_RETURN(const uint64_t left, Count(connection_, table.LoadTarget()));
      merged->rows_copied += present - (staged - left);
    } else {
      merged->rows_skipped = present;
    }
    ASSIGN_OR_RETURN(merged->rows_target, Count(connection_, table.MergeTarget()));
    if (!table.target.owned) return absl::OkStatus();
    return connection_.Execute(absl::StrCat("ANALYZE ", table.MergeTarget()));
  }

  // Rows that are equal already are left alone: no trigger fires, nothing is written.
  absl::Status Update(const TablePlan& table, size_t index) {
    std::vector<std::string> assignments;
    for (const std::string& column : ValueColumns(table)) {
      const auto target = std::find_if(table.target.columns.begin(), table.target.columns.end(),
                                       [&](const TargetColumn& c) { return c.name == column; });
      if (target != table.target.columns.end() && target->identity == 'a') continue;
      const std::string name = QuoteIdentifier(column);
      assignments.push_back(absl::StrCat(name, " = s.", name));
    }
    if (assignments.empty()) return absl::OkStatus();
    return RunForAllRows(
               connection_, table, index, late_,
               [&](const std::string& condition) {
                 return ExecuteAsRole(
                     connection_,
                     absl::StrCat("UPDATE ", table.MergeTarget(), " t SET ",
                                  absl::StrJoin(assignments, ", "), " FROM ", table.LoadTarget(),
                                  " s WHERE ", SameKey(table), " AND s.", kPresent, " AND ",
                                  Differs(ValueColumns(table)), " AND ", condition));
               })
        .status();
  }

  absl::Status RefuseDifferent(const TablePlan& table, MergedTable* merged) {
    const std::vector<std::string> values = ValueColumns(table);
    std::vector<std::string> keys, selected;
    for (const IndexKeyColumn& key : table.key) keys.push_back(key.name);
    for (const std::string& column : values) {
      const std::string name = QuoteIdentifier(column);
      selected.push_back(absl::StrCat(Differs({column}), ", s.", name, "::pg_catalog.text, t.",
                                      name, "::pg_catalog.text"));
    }
    if (values.empty()) return absl::OkStatus();
    const std::string from =
        absl::StrCat(table.LoadTarget(), " s JOIN ", table.MergeTarget(), " t ON ", SameKey(table),
                     " WHERE s.", kPresent, " AND ", Differs(values));
    ASSIGN_OR_RETURN(const uint64_t count, Count(connection_, from));
    if (count == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const PgResult rows, connection_.Query(absl::StrCat(
                                              "SELECT ROW(", absl::StrJoin(Quoted(keys, "s"), ", "),
                                              ")::pg_catalog.text, ", absl::StrJoin(selected, ", "),
                                              " FROM ", from, " LIMIT ", kDifferencesMax)));
    std::string shown;
    for (int r = 0; r < rows.rows(); ++r) {
      std::vector<std::string> columns;
      for (size_t c = 0; c < values.size(); ++c) {
        const int at = 1 + 3 * static_cast<int>(c);
        if (!rows.Bool(r, at)) continue;
        columns.push_back(EscapeName(values[c]));
        merged->differences.push_back(
            {std::string(rows.Text(r, 0)), values[c],
             rows.IsNull(r, at + 1) ? "NULL"
                                    : EscapeForMessage(rows.Text(r, at + 1), kShownValueBytes),
             rows.IsNull(r, at + 2) ? "NULL"
                                    : EscapeForMessage(rows.Text(r, at + 2), kShownValueBytes),
             "value"});
      }
      absl::StrAppend(&shown, r == 0 ? "" : "; ", absl::StrJoin(keys, ", "), " = ",
                      EscapeForMessage(rows.Text(r, 0), kShownValueBytes), " differs in ",
                      absl::StrJoin(columns, ", "));
    }
    return MakeError(Refusal(
        table, ErrorCode::kTargetTableNotEmpty,
        absl::StrCat(count,
                     " row(s) that the target has by their key hold other values there: ", shown),
        "mend them on either side, or choose --existing-rows skip or upsert"));
  }

  PgConnection& connection_;
  const Plan& plan_;
  const ExistingRows policy_;
  LateRejects* const late_;
  std::vector<MergedTable>& merged_;
};

}  // namespace

absl::Status CreateMergeTables(PgConnection& connection, const Plan& plan) {
  for (const int index : plan.existing.merge_order) {
    LITE2PG_FAILPOINT("pre_data.merge_table.before");
    RETURN_IF_ERROR(
        connection.Execute(CreateMergeTableSql(plan.tables[static_cast<size_t>(index)])));
    LITE2PG_FAILPOINT("pre_data.merge_table.done");
  }
  return absl::OkStatus();
}

// A copy of the columns as they are, with their collations and domains.
std::string CreateMergeTableSql(const TablePlan& table) {
  return absl::StrCat("CREATE TABLE ", table.LoadTarget(), " AS SELECT ",
                      QuoteColumns(MergedColumns(table)), ", NULL::pg_catalog.bool AS ", kPresent,
                      " FROM ", table.MergeTarget(), " WITH NO DATA");
}

absl::Status MergeRows(PgConnection& connection, const Plan& plan, ExistingRows policy,
                       LateRejects* late, std::vector<MergedTable>* merged) {
  if (plan.links.empty()) return Merge(connection, plan, policy, late, merged).Run();
  const CancelToken none;
  // Ends because every round but the last takes rows out of the loaded tables for good.
  while (true) {
    RETURN_IF_ERROR(connection.Execute("SAVEPOINT lite2pg_merge"));
    const LateRejects::State before = late->Save();
    RETURN_IF_ERROR(Merge(connection, plan, policy, late, merged).Run());
    // In a circle of keys, rows that are merged already may refer to one that was refused later.
    RejectedParents refused(plan);
    for (const LateRejects::Added& row : late->added()) refused.Add(row.table, row.tuple);
    RejectedParents::Options options;
    options.counted = false;
    std::map<int, uint64_t> rows;
    RETURN_IF_ERROR(refused.DeleteChildren(connection, options, late, &rows, none));
    if (rows.empty()) return connection.Execute("RELEASE SAVEPOINT lite2pg_merge");
    RETURN_IF_ERROR(connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_merge"));
    late->Restore(before);
    options.found_before = true;
    rows.clear();
    RETURN_IF_ERROR(refused.DeleteChildren(connection, options, late, &rows, none));
    if (rows.empty()) {
      return MakeError(ErrorCode::kTargetConstraint, ExitCode::kTargetRefuses,
                       "rows that are refused and rows that refer to them cannot be told apart",
                       "mend the refused rows in the source");
    }
  }
}

absl::StatusOr<Digest> DigestQuery(PgConnection& connection, const std::string& query,
                                   const TablePlan& table) {
  Digest digest;
  FieldBuffer scratch;
  const auto on_tuple = [&](absl::string_view tuple) -> absl::Status {
    if (AddTupleToDigest(tuple, table.codecs, &scratch, &digest)) return absl::OkStatus();
    return MakeError(ErrorCode::kDefect, ExitCode::kDefect,
                     "the server returned a row that is not in the form of its types");
  };
  RETURN_IF_ERROR(CopyOut(connection, query, on_tuple).status());
  return digest;
}

absl::Status DigestMerged(PgConnection& connection, const Plan& plan, ExistingRows policy,
                          std::vector<MergedTable>* merged) {
  for (const int index : plan.existing.merge_order) {
    const TablePlan& table = plan.tables[static_cast<size_t>(index)];
    MergedTable& result = (*merged)[static_cast<size_t>(index)];
    // Rows that were skipped keep the target's values: this run does not account for them.
    const bool only_new = policy == ExistingRows::kSkip;
    const bool whole = result.rows_preexisting == 0 || policy == ExistingRows::kReplace ||
                       policy == ExistingRows::kAdd;
    std::string source = 
        absl::StrCat("SELECT ", table.ReadColumns("s"), " FROM ", table.LoadTarget(), " s");
    std::string target = 
        absl::StrCat("SELECT ", table.ReadColumns("t"), " FROM ", table.MergeTarget(), " t");
    if (only_new) absl::StrAppend(&source, " WHERE s.", kPresent, " IS NULL");
    if (!whole) {
      absl::StrAppend(&target, " WHERE EXISTS (SELECT FROM ", table.LoadTarget(), " s WHERE ",
                      SameKey(table), only_new ? absl::StrCat(" AND s.", kPresent, " IS NULL") : "",
                      ")");
    }
    ASSIGN_OR_RETURN(result.source, DigestQuery(connection, source, table));
    ASSIGN_OR_RETURN(result.target, DigestQuery(connection, target, table));
    // What is there beyond what was.
    if (policy == ExistingRows::kAdd) result.target.Subtract(result.before);
    result.compared = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> FillValues(PgConnection& connection, const TablePlan& table, bool prove,
                                    Digest* digest) {
  const std::string all =
      absl::StrCat("SELECT ", table.ReadColumns(""), " FROM ", table.LoadTarget());
  if (prove) {
    ASSIGN_OR_RETURN(const Digest sent, DigestQuery(connection, all, table));
    if (!(sent == *digest)) {
      ErrorInfo info;
      info.code = ErrorCode::kDifference;
      info.exit_code = ExitCode::kDiffers;
      info.table = table.source->name;
      info.what = absl::StrCat("the rows read back are not the rows that were sent (digest ",
                               sent.ToHex(), " instead of ", digest->ToHex(), ")");
      return MakeError(info);
    }
  }
  std::vector<std::string> assignments, missing;
  for (const FillPlan& fill : table.fills) {
    const std::string column = QuoteIdentifier(fill.column);
    assignments.push_back(absl::StrCat(column, " = CASE WHEN ", column, " IS NULL THEN ",
                                       fill.value_sql, " ELSE ", column, " END"));
    missing.push_back(absl::StrCat(column, " IS NULL"));
  }
  LITE2PG_FAILPOINT("data.fill.before");
  RETURN_IF_ERROR(connection.Begin());
  absl::StatusOr<uint64_t> filled =
      ExecuteAsRole(connection, absl::StrCat("UPDATE ", table.LoadTarget(), " SET ",
                                             absl::StrJoin(assignments, ", "), " WHERE ",
                                             absl::StrJoin(missing, " OR ")));
  absl::Status status = filled.status();
  for (const FillPlan& fill : table.fills) {
    if (!status.ok() || !fill.set_not_null) continue;
    status = connection.Execute(SetNotNullSql(table.load_schema, table.load_name, fill.column));
  }
  if (!status.ok()) {
    connection.Rollback();
    ErrorInfo where;
    where.table = table.source->name;
    where.hint = "correct the value of --fill";
    return WithContext(status, where);
  }
  LITE2PG_FAILPOINT("data.fill.commit");
  RETURN_IF_ERROR(connection.Commit());
  LITE2PG_FAILPOINT("data.fill.done");
  ASSIGN_OR_RETURN(*digest, DigestQuery(connection, all, table));
  return filled;
}

}  // namespace lite2pg
