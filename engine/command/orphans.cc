#include "engine/command/orphans.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/rejected_parents.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

constexpr size_t kExamplesMax = 3;
constexpr size_t kExampleBytesMax = 64;  // of one value

// A query that deletes the link's orphans and returns them in the order of the plan's columns.
std::string DeleteSql(const Plan& plan, const ForeignKeyLink& link) {
  const TablePlan& child = plan.tables[static_cast<size_t>(link.child)];
  std::vector<std::string> conditions, equal;
  for (size_t i = 0; i < link.child_columns.size(); ++i) {
    const std::string column = absl::StrCat("c.", QuoteIdentifier(link.child_columns[i]));
    conditions.push_back(absl::StrCat(column, " IS NOT NULL"));
    equal.push_back(absl::StrCat("p.", QuoteIdentifier(link.parent_columns[i]), " ",
                                 link.equals[i], " ", column));
  }
  for (const std::string& parent : link.parent_tables) {
    conditions.push_back(absl::StrCat("NOT EXISTS (SELECT FROM ", parent, " p WHERE ",
                                      absl::StrJoin(equal, " AND "), ")"));
  }
  return absl::StrCat("DELETE FROM ", child.LoadTarget(), " c WHERE ",
                      absl::StrJoin(conditions, " AND "), " RETURNING ", child.ReadColumns("c"));
}

absl::StatusOr<uint64_t> DeleteOrphans(PgConnection& connection, const Plan& plan,
                                       const ForeignKeyLink& link, LateRejects* late) {
  LateRejects::Why why;
  why.code = ErrorCodeName(ErrorCode::kConstraintViolated);
  why.reason = absl::StrCat("the foreign key ", EscapeName(link.name), " (",
                            absl::StrJoin(link.child_columns, ", "), ") points to no row");
  for (const ColumnPlan& column : plan.tables[static_cast<size_t>(link.child)].columns) {
    if (column.target_name == link.child_columns[0]) why.column = column.source_name;
  }
  return CopyOut(connection, DeleteSql(plan, link), [&](absl::string_view tuple) {
    return late->Add(static_cast<size_t>(link.child), tuple, why, /*counted=*/true);
  });
}

absl::Status DeleteOrphansOfAll(PgConnection& connection, const Plan& plan, LateRejects* late,
                                std::map<int, uint64_t>* rows, const CancelToken& cancel) {
  std::set<const ForeignKeyLink*> impossible;
  bool more = true;
  // Ends because every round takes at least one row away.
  while (more) {
    more = false;
    for (const ForeignKeyLink& link : plan.links) {
      if (impossible.contains(&link)) continue;
      RETURN_IF_ERROR(cancel.Check());
      RETURN_IF_ERROR(connection.Execute("SAVEPOINT lite2pg_link"));
      const absl::StatusOr<uint64_t> deleted = DeleteOrphans(connection, plan, link, late);
      if (!deleted.ok() && absl::StartsWith(InfoOf(deleted.status()).sqlstate, "42")) {
        // Types that cannot be compared: there will be no such key, and a finding says so.
        impossible.insert(&link);
        RETURN_IF_ERROR(connection.Execute("ROLLBACK TO SAVEPOINT lite2pg_link"));
        continue;
      }
      RETURN_IF_ERROR(deleted.status());
      RETURN_IF_ERROR(connection.Execute("RELEASE SAVEPOINT lite2pg_link"));
      if (*deleted == 0) continue;
      (*rows)[link.child] += *deleted;
      more = true;
    }
  }
  return absl::OkStatus();
}

// Rows that refer to rows set aside first, so that their reason names the parent.
absl::Status DeleteAll(PgConnection& connection, const Plan& plan, const Ledger& ledger,
                       bool orphans, LateRejects* late, std::map<int, uint64_t>* rows,
                       const CancelToken& cancel) {
  RejectedParents parents(plan);
  RETURN_IF_ERROR(ReadRejects(connection, ledger, nullptr, [&](const RejectRecord& reject) {
    parents.Add(reject);
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(parents.DeleteChildren(connection, {}, late, rows, cancel));
  if (orphans) RETURN_IF_ERROR(DeleteOrphansOfAll(connection, plan, late, rows, cancel));
  return late->Record(connection, ledger);
}

struct SourceOrphans {
  uint64_t count = 0;
  std::vector<std::string> examples;
  std::string unchecked;   // SQLite's words when it cannot tell
};

// "rowid 7: p=99 (to parent)". Rows of WITHOUT ROWID tables are not named by SQLite.
absl::StatusOr<std::string> DescribeOrphan(SqliteConnection& reader, const SourceTable& table,
                                           const SqliteStatement& check) {
  const std::string parent = absl::StrCat("(to ", EscapeName(check.Text(2)), ")");
  if (check.IsNull(1) || table.rowid_name.empty()) return absl::StrCat("a row ", parent);
  std::string values;
  for (const SourceForeignKey& key : table.foreign_keys) {
    if (key.id != check.Int(3)) continue;
    for (const std::string& column : key.child_columns) {
      ASSIGN_OR_RETURN(
          SqliteStatement value,
          reader.Prepare(absl::StrCat("SELECT quote(", QuoteSqliteIdentifier(column),
                                      ") FROM main.", QuoteSqliteIdentifier(table.name), " WHERE ",
                                      table.rowid_name, " = ?1")));
      value.Bind(1, SourceValue::Integer(check.Int(1)));
      ASSIGN_OR_RETURN(const bool found, value.Step());
      if (!found) continue;
      absl::StrAppend(&values, values.empty() ? "" : ", ", EscapeName(column), "=",
                      EscapeForMessage(value.Text(0), kExampleBytesMax));
    }
  }
  return absl::StrCat("rowid ", check.Int(1), ": ", values, " ", parent);
}

absl::StatusOr<SourceOrphans> OrphansOf(SqliteConnection& reader, const SourceTable& table) {
  SourceOrphans orphans;
  absl::StatusOr<SqliteStatement> check = reader.Prepare(absl::StrCat(
      "PRAGMA main.foreign_key_check(", QuoteSqliteIdentifier(table.name), ")"));
  while (true) {
    const absl::StatusOr<bool> row =
        check.ok() ? check->Step() : absl::StatusOr<bool>(check.status());
    // A key whose parent has no unique index for it ("foreign key mismatch") is none.
    if (!row.ok() && InfoOf(row.status()).exit_code != ExitCode::kInterrupted) {
      const ErrorInfo info = InfoOf(row.status());
      orphans.unchecked = info.server.empty() ? info.what : info.server;
      return orphans;
    }
    RETURN_IF_ERROR(row.status());
    if (!*row) return orphans;
    if (orphans.count++ >= kExamplesMax) continue;
    ASSIGN_OR_RETURN(std::string example, DescribeOrphan(reader, table, *check));
    orphans.examples.push_back(std::move(example));
  }
}

}  // namespace

absl::Status FindOrphansInSource(SqliteConnection& reader, const Plan& plan, Orphans policy,
                                 bool deep, std::vector<Finding>* findings) {
  if (policy == Orphans::kNotValid && !deep) return absl::OkStatus();
  for (const TablePlan& table : plan.tables) {
    // Into the application's tables, its own keys count, and rows that the target has already.
    if (table.source->foreign_keys.empty() || !table.create) continue;
    ASSIGN_OR_RETURN(const SourceOrphans orphans, OrphansOf(reader, *table.source));
    if (!orphans.unchecked.empty() && deep) {
      findings->push_back({Severity::kInfo, ErrorCode::kConstraintViolated, table.source->name,
                           absl::StrCat("SQLite cannot check the table's foreign keys: ",
                                        EscapeForMessage(orphans.unchecked, 200))});
    }
    if (orphans.count == 0) continue;
    const bool stop = policy == Orphans::kStop;
    const bool reject = policy == Orphans::kReject;
    findings->push_back(
        {stop ? Severity::kBlocking : Severity::kWarning, ErrorCode::kConstraintViolated,
         table.source->name,
         absl::StrCat(orphans.count, " foreign key(s) of rows point nowhere: ",
                      absl::StrJoin(orphans.examples, ", "),
                      orphans.count > orphans.examples.size() ? ", ..." : "",
                      stop     ? ""
                      : reject ? "; such rows are set aside"
                               : "; the key is created NOT VALID"),
         stop     ? "mend the rows, or choose --orphans not-valid or --orphans reject"
         : reject ? "lite2pg.reject on the target keeps them; --rejects FILE writes them to a file"
                  : "mend the rows, or set them aside with --orphans reject"});
  }
  return absl::OkStatus();
}

absl::Status RejectOrphans(PgConnection& connection, const Plan& plan, const Ledger& ledger,
                           Orphans policy, LateRejects* late, std::vector<Finding>* findings,
                           const CancelToken& cancel) {
  if (plan.links.empty()) return absl::OkStatus();
  std::map<int, uint64_t> rows;
  RETURN_IF_ERROR(connection.Begin());
  LITE2PG_FAILPOINT("post_data.orphans.before");
  const absl::Status status = DeleteAll(connection, plan, ledger, policy == Orphans::kReject, late,
                                        &rows, cancel);
  if (!status.ok()) {
    connection.Rollback();
    return status;
  }
  LITE2PG_FAILPOINT("post_data.orphans.commit");
  RETURN_IF_ERROR(connection.Commit());
  LITE2PG_FAILPOINT("post_data.orphans.done");
  for (const auto& [table, count] : rows) {
    findings->push_back({Severity::kWarning, ErrorCode::kConstraintViolated,
                         plan.tables[static_cast<size_t>(table)].source->name,
                         absl::StrCat(count, " row(s) whose foreign key points ",
                                      policy == Orphans::kReject ? "nowhere, or " : "",
                                      "to a row that is set aside, are set aside"),
                         "lite2pg.reject on the target keeps them"});
  }
  return absl::OkStatus();
}

absl::Status OrphansStatus(const Plan& plan, const Report& report) {
  for (const PostObject& key : plan.objects) {
    if (key.kind != PostKind::kForeignKey || key.attempts.size() < 2) continue;
    for (const ObjectReport& object : report.objects) {
      const bool weakened = object.kind == key.report_kind && object.name == key.name &&
                            object.reason == key.attempts[1].note;
      if (!weakened) continue;
      ErrorInfo info;
      info.code = ErrorCode::kConstraintViolated;
      info.exit_code = ExitCode::kTargetRefuses;
      info.what = absl::StrCat("rows point nowhere by the foreign key ", EscapeName(key.name));
      info.table = plan.tables[static_cast<size_t>(key.table)].source->name;
      info.hint = "mend the rows, or choose --orphans not-valid or --orphans reject";
      return MakeError(info);
    }
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
