#include "engine/command/orphans.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/postgres/copy_stream.h"

namespace lite2pg {
namespace {

constexpr size_t kExamplesMax = 3;

// A query that deletes the link's orphans and returns them in the order of the plan's columns.
std::string DeleteSql(const Plan& plan, const ForeignKeyLink& link) {
  const TablePlan& child = plan.tables[static_cast<size_t>(link.child)];
  std::vector<std::string> conditions, equal, returned;
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
  for (const std::string& column : child.TargetColumns()) {
    returned.push_back(absl::StrCat("c.", QuoteIdentifier(column)));
  }
  return absl::StrCat("DELETE FROM ", child.LoadTarget(), " c WHERE ",
                      absl::StrJoin(conditions, " AND "), " RETURNING ",
                      absl::StrJoin(returned, ", "));
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

absl::Status DeleteAll(PgConnection& connection, const Plan& plan, const Ledger& ledger,
                       LateRejects* late, std::map<int, uint64_t>* rows,
                       const CancelToken& cancel) {
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
  return late->Record(connection, ledger);
}

}  // namespace

absl::Status FindOrphansInSource(SqliteConnection& reader, const Plan& plan, Orphans policy,
                                 std::vector<Finding>* findings) {
  if (policy == Orphans::kNotValid) return absl::OkStatus();
  for (const TablePlan& table : plan.tables) {
    // Into the application's tables, its own keys count, and rows that the target has already.
    if (table.source->foreign_keys.empty() || !table.create) continue;
    absl::StatusOr<SqliteStatement> check = reader.Prepare(absl::StrCat(
        "PRAGMA main.foreign_key_check(", QuoteSqliteIdentifier(table.source->name), ")"));
    RETURN_IF_ERROR(check.status());
    uint64_t count = 0;
    std::vector<std::string> examples;
    while (true) {
      const absl::StatusOr<bool> row = check->Step();
      // A key whose parent has no unique index for it ("foreign key mismatch") is none.
      if (!row.ok() && InfoOf(row.status()).exit_code != ExitCode::kInterrupted) break;
      RETURN_IF_ERROR(row.status());
      if (!*row) break;
      if (count++ >= kExamplesMax) continue;
      examples.push_back(absl::StrCat(check->IsNull(1) ? "a row"
                                                       : absl::StrCat("rowid ", check->Int(1)),
                                      " (to ", EscapeName(check->Text(2)), ")"));
    }
    if (count == 0) continue;
    const bool stop = policy == Orphans::kStop;
    findings->push_back(
        {stop ? Severity::kBlocking : Severity::kWarning, ErrorCode::kConstraintViolated,
         table.source->name,
         absl::StrCat(count, " foreign key(s) of rows point nowhere: ",
                      absl::StrJoin(examples, ", "), count > examples.size() ? ", ..." : "",
                      stop ? "" : "; such rows are set aside"),
         stop ? "mend the rows, or choose --orphans not-valid or --orphans reject"
              : "lite2pg.reject on the target keeps them; --rejects FILE writes them to a file"});
  }
  return absl::OkStatus();
}

absl::Status RejectOrphans(PgConnection& connection, const Plan& plan, const Ledger& ledger,
                           LateRejects* late, std::vector<Finding>* findings,
                           const CancelToken& cancel) {
  if (plan.links.empty()) return absl::OkStatus();
  std::map<int, uint64_t> rows;
  RETURN_IF_ERROR(connection.Begin());
  absl::Status status = DeleteAll(connection, plan, ledger, late, &rows, cancel);
  if (status.ok()) status = connection.Commit();
  if (!status.ok()) {
    connection.Rollback();
    return status;
  }
  for (const auto& [table, count] : rows) {
    findings->push_back({Severity::kWarning, ErrorCode::kConstraintViolated,
                         plan.tables[static_cast<size_t>(table)].source->name,
                         absl::StrCat(count, " row(s) whose foreign key points nowhere, or to a "
                                             "row that is set aside, are set aside"),
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
