#include "engine/command/resume.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/existing_load.h"
#include "engine/command/existing_merge.h"
#include "engine/command/run_options.h"
#include "engine/command/staging.h"
#include "engine/pipeline/made_object.h"
#include "engine/plan/planner.h"
#include "engine/postgres/relations.h"
#include "engine/postgres/rejects.h"
#include "engine/sqlite/fingerprint.h"

namespace lite2pg {
namespace {

constexpr absl::string_view kRestartHint = "--restart drops what was loaded and starts over";

bool IsOurs(const RunRecord& run, const CopyRequest& request) {
  return run.target_schema == request.common.target_schema && CanBeResumed(run);
}

// The last word that a published run lacks.
absl::Status CallDone(PgConnection& connection, const LedgerLocation& location,
                      const RunRecord& run) {
  const Ledger ledger(location, run.run_id, run.epoch);
  return ledger.SetState(connection, "done", kStagePublished, run.outcome);
}

// A run that is done is only done with as long as its tables are there.
absl::StatusOr<bool> TablesAreThere(PgConnection& connection, const RunRecord& run) {
  Report report;
  if (!ReportFromJson(run.report_json, &report)) return false;
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   ReadRelationNames(connection, run.target_schema));
  const std::set<std::string> there(names.begin(), names.end());
  return std::all_of(report.tables.begin(), report.tables.end(), [&](const TableReport& table) {
    const bool loaded = table.state == "copied" || table.state == "skipped";
    return !loaded || there.contains(table.target_name);
  });
}

absl::Status SourceChanged(const RunRecord& run) {
  ErrorInfo info;
  info.code = ErrorCode::kSourceChanged;
  info.exit_code = ExitCode::kCannotResume;
  info.what = absl::StrCat("cannot resume run ", run.run_id,
                           ": the source is not the one that it began with");
  info.hint = "--restart starts over with the source as it is now; lite2pg sync brings a copy that "
              "was finished up to date";
  info.effect = "nothing was changed on either side";
  return MakeError(info);
}

}  // namespace

bool IsUnfinished(const RunRecord& run) {
  return run.state == "active" || run.state == "interrupted";
}

// An import is a copy from an archive, and its fingerprint tells it from one of a file.
bool CanBeResumed(const RunRecord& run) {
  return run.command == "copy" || run.command == "import";
}

bool IsPublished(const RunRecord& run) { return run.stage == kStagePublished; }

bool IsPublishing(const RunRecord& run) {
  return IsUnfinished(run) && run.stage == kStagePublishing;
}

absl::Status RefuseWhilePublishing(PgConnection& connection, const LedgerLocation& location,
                                   const CopyRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  for (const RunRecord& run : runs) {
    if (!IsOurs(run, request) || !IsPublishing(run)) continue;
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("run ", run.run_id, " was stopped while its tables, which are "
                                  "verified, became visible in batches"),
                     "--resume makes the others visible too; it cannot be dropped half way");
  }
  return absl::OkStatus();
}

absl::StatusOr<RunRecord> FindRunToResume(PgConnection& connection, const LedgerLocation& location,
                                          const CopyRequest& request,
                                          const std::string& fingerprint) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  const RunRecord* newest = nullptr;
  for (const RunRecord& run : runs) {
    if (!IsOurs(run, request)) continue;
    if (newest == nullptr) newest = &run;
    if (!IsUnfinished(run)) continue;
    // What was loaded is compared row by row below; what was not is read as it is now.
    if (!MayBeSameContent(run.source_fingerprint, fingerprint)) return SourceChanged(run);
    RETURN_IF_ERROR(CheckSameOptions(run, request));
    return run;
  }
  // Asked once more after it was done, for instance by a script that saw no exit code.
  if (newest != nullptr && newest->state == "done" && newest->source_fingerprint == fingerprint &&
      CheckSameOptions(*newest, request).ok()) {
    ASSIGN_OR_RETURN(const bool there, TablesAreThere(connection, *newest));
    if (there) return *newest;
  }
  return MakeError(ErrorCode::kNothingToResume, ExitCode::kCannotResume,
                   absl::StrCat("there is no unfinished run into schema ",
                                EscapeName(request.common.target_schema)),
                   "run the same command without --resume");
}

absl::Status RefuseUnfinishedRuns(PgConnection& connection, const LedgerLocation& location,
                                  const CopyRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  for (const RunRecord& run : runs) {
    if (!IsOurs(run, request) || !IsUnfinished(run)) continue;
    if (IsPublished(run)) {
      RETURN_IF_ERROR(CallDone(connection, location, run));
      continue;
    }
    return MakeError(
        ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
        absl::StrCat("run ", run.run_id, " of ", run.started_at,
                     " did not finish (it was in stage ", run.stage, ")"),
        absl::StrCat("--resume goes on where it stopped; ", kRestartHint));
  }
  return absl::OkStatus();
}

absl::Status DropUnfinishedRuns(PgConnection& connection, const LedgerLocation& location,
                                const CopyRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<RunRecord> runs, Ledger::ReadRuns(connection, location));
  for (const RunRecord& run : runs) {
    if (!IsOurs(run, request) || !IsUnfinished(run)) continue;
    if (IsPublished(run)) {
      RETURN_IF_ERROR(CallDone(connection, location, run));
      continue;
    }
    // The epoch is raised first, so that nothing of it that is still on its way can commit.
    ASSIGN_OR_RETURN(const int64_t epoch, Ledger::TakeOver(connection, location, run.run_id));
    RETURN_IF_ERROR(
        DropStaged(connection, run.run_id, run.target_schema, run.staging_schema));
    const Ledger ledger(location, run.run_id, epoch);
    RETURN_IF_ERROR(ledger.SetState(connection, "failed", run.stage, "restarted"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Ledger> TakeRunOver(PgConnection& connection, const LedgerLocation& location,
                                   const RunRecord& run) {
  LITE2PG_FAILPOINT("resume.take_over.before");
  ASSIGN_OR_RETURN(const int64_t epoch, Ledger::TakeOver(connection, location, run.run_id));
  Ledger ledger(location, run.run_id, epoch);
  LITE2PG_FAILPOINT("resume.take_over.after");
  RETURN_IF_ERROR(
      DropForeignKeysToOthers(connection, ledger, run.target_schema, run.staging_schema));
  std::string effect;
  const absl::Status taken_back = TakeBackLoad(connection, &ledger, &effect);
  if (!taken_back.ok()) {
    ErrorInfo where;
    where.effect = effect;
    return WithContext(taken_back, where);
  }
  LITE2PG_FAILPOINT("resume.taken_back");
  RETURN_IF_ERROR(connection.Begin());
  RETURN_IF_ERROR(ledger.ForgetTakenBack(connection));
  RETURN_IF_ERROR(connection.Commit());
  LITE2PG_FAILPOINT("resume.forgotten");
  return ledger;
}

absl::Status DropForeignKeysToOthers(PgConnection& connection, const Ledger& ledger,
                                     const std::string& target_schema,
                                     const std::string& staging_schema) {
  const bool own_schema = !staging_schema.empty();
  const std::string schema = own_schema ? staging_schema : target_schema;
  const std::string prefix = own_schema ? "" : StagingPrefix(ledger.run_id());
  ASSIGN_OR_RETURN(
      const PgResult keys,
      connection.Query("SELECT k.conname, c.relname FROM pg_catalog.pg_constraint k"
                       " JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " JOIN pg_catalog.pg_class p ON p.oid = k.confrelid"
                       " WHERE k.contype = 'f' AND n.nspname = $1"
                       "   AND pg_catalog.starts_with(c.relname, $2)"
                       "   AND NOT (p.relnamespace = n.oid"
                       "            AND pg_catalog.starts_with(p.relname, $2))",
                       {schema, prefix}));
  if (keys.rows() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<MadeRecord> made, ledger.ReadMade(connection));
  std::vector<size_t> numbers;
  RETURN_IF_ERROR(connection.Begin());
  for (int i = 0; i < keys.rows(); ++i) {
    RETURN_IF_ERROR(connection.Execute(
        absl::StrCat("ALTER TABLE ", QuoteQualified(schema, keys.Text(i, 1)), " DROP CONSTRAINT ",
                     QuoteIdentifier(keys.Text(i, 0)))));
    for (const MadeRecord& record : made) {
      MadeObject object;
      if (!DecodeMadeObject(record.record, &object)) continue;
      // Names of what is staged end in those of what is published.
      if (object.report.kind == "foreign_key" && object.report.name == ToStd(keys.Text(i, 0)) &&
          absl::EndsWith(keys.Text(i, 1), object.report.table)) {
        numbers.push_back(record.number);
      }
    }
  }
  RETURN_IF_ERROR(ledger.ForgetMade(connection, numbers));
  return connection.Commit();
}

absl::Status HideStaged(PgConnection& connection, const RunRecord& run, PlanInputs* inputs) {
  // Staged in a schema of their own they are in nobody's way.
  if (!run.staging_schema.empty()) return absl::OkStatus();
  const std::string prefix = StagingPrefix(run.run_id.substr(0, 8));
  ASSIGN_OR_RETURN(
      const PgResult rows,
      connection.Query(
          "SELECT c.relname FROM pg_catalog.pg_class c"
          " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
          " WHERE n.nspname = $1 AND (pg_catalog.starts_with(c.relname, $2)"
          "   OR EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class t"
          "              ON t.oid = i.indrelid WHERE i.indexrelid = c.oid"
          "              AND pg_catalog.starts_with(t.relname, $2))"
          "   OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class t"
          "              ON t.oid = d.refobjid WHERE d.objid = c.oid"
          "              AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
          "              AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass"
          "              AND d.deptype IN ('a', 'i') AND c.relkind = 'S'"
          "              AND pg_catalog.starts_with(t.relname, $2)))",
          {run.target_schema, prefix}));
  std::set<std::string> staged;
  for (int i = 0; i < rows.rows(); ++i) staged.insert(std::string(rows.Text(i, 0)));
  std::erase_if(inputs->taken_names,
                [&](const std::string& name) { return staged.contains(name); });
  std::erase_if(inputs->target_tables,
                [&](const TargetTable& table) { return staged.contains(table.name); });
  return absl::OkStatus();
}

absl::Status CheckStaged(PgConnection& connection, const Plan& plan, const RunRecord& run) {
  if (plan.staging_schema.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   ReadRelationNames(connection, plan.staging_schema));
  const std::set<std::string> there(names.begin(), names.end());
  for (const TablePlan& table : plan.tables) {
    if ((!table.create && !table.merge) || there.contains(table.load_name)) continue;
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("cannot resume run ", run.run_id, ": ",
                                  EscapeName(table.LoadTarget()),
                                  ", which it had loaded, is gone"),
                     kRestartHint);
  }
  return absl::OkStatus();
}

namespace {

// A table of ours begins anew, with nothing of what post-data has made of it. Views and foreign
// keys of others go with it, and are made again.
absl::Status Reload(PgConnection& connection, const Ledger& ledger, const Plan& plan,
                    size_t index) {
  const TablePlan& table = plan.tables[index];
  LITE2PG_FAILPOINT("resume.reload.before");
  std::vector<size_t> objects;
  for (size_t i = 0; i < plan.objects.size(); ++i) {
    const PostObject& object = plan.objects[i];
    const int number = static_cast<int>(index);
    if (object.table == number || object.parent_table == number ||
        object.kind == PostKind::kView) {
      objects.push_back(i);
    }
  }
  RETURN_IF_ERROR(connection.Begin());
  RETURN_IF_ERROR(connection.Execute(absl::StrCat("DROP TABLE ", table.LoadTarget(), " CASCADE")));
  // A view may stand on another table only, and would then be in the way of its own making.
  for (const size_t i : objects) {
    const PostObject& object = plan.objects[i];
    if (object.kind != PostKind::kView) continue;
    RETURN_IF_ERROR(connection.Execute(
        absl::StrCat("DROP VIEW IF EXISTS ", QuoteQualified(plan.staging_schema, object.load_name),
                     " CASCADE")));
  }
  RETURN_IF_ERROR(connection.Execute(table.merge ? CreateMergeTableSql(table)
                                                 : CreateTableStatement(table)));
  RETURN_IF_ERROR(ledger.ForgetTable(connection, table.source->name));
  RETURN_IF_ERROR(ledger.ForgetMade(connection, objects));
  LITE2PG_FAILPOINT("resume.reload.commit");
  RETURN_IF_ERROR(connection.Commit());
  LITE2PG_FAILPOINT("resume.reload.done");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ResumedData> ResumeData(PgConnection& connection, const Ledger& ledger,
                                       const Plan& plan, SourceSnapshot& snapshot, int streams,
                                       EventSink& events, const CancelToken& cancel) {
  ResumeInputs inputs;
  inputs.streams = streams;
  ASSIGN_OR_RETURN(inputs.chunks, ledger.ReadChunks(connection));
  RETURN_IF_ERROR(ReadRejects(connection, ledger, nullptr, [&](const RejectRecord& reject) {
    inputs.rejects.push_back(reject);
    return absl::OkStatus();
  }));
  // --fill changes rows after they were loaded, so that their digests say nothing any more; and
  // what only the server can read has no digest of ours.
  for (const TablePlan& table : plan.tables) {
    inputs.from_empty.push_back(!table.fills.empty() || table.is_text_copy());
  }
  ASSIGN_OR_RETURN(ResumedData data, CheckLoadedData(plan, snapshot, inputs, events, cancel));
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TablePlan& table = plan.tables[i];
    if (!data.from_empty[i]) continue;
    // Tables of the application are empty of our rows since the run was taken over.
    if (table.create || table.merge) RETURN_IF_ERROR(Reload(connection, ledger, plan, i));
  }
  return data;
}

bool CanBeResumed(const ErrorInfo& info) {
  switch (info.exit_code) {
    case ExitCode::kDefect:
    case ExitCode::kSourceBusy:
    case ExitCode::kTargetUnreachable:
    case ExitCode::kOutOfResource:
    case ExitCode::kInterrupted:
      return true;
    case ExitCode::kSource:
      return info.code == ErrorCode::kSourceUnreadable;  // all others: it is another source then
    case ExitCode::kTargetRefuses:
      // The same rows would be refused again.
      return info.code != ErrorCode::kTargetConstraint &&
             info.code != ErrorCode::kTargetTableNotEmpty &&
             info.code != ErrorCode::kConstraintViolated && info.code != ErrorCode::kCountDiffers;
    default:
      return false;
  }
}

bool BelongsToOthers(const ErrorInfo& info) {
  return info.code == ErrorCode::kFencedOff || info.code == ErrorCode::kAnotherRun;
}

std::string WithFlag(const std::string& command, absl::string_view flag) {
  // Behind "--" it would be an argument.
  const size_t end = command.find(" -- ");
  if (end == std::string::npos) return absl::StrCat(command, " ", flag);
  return absl::StrCat(command.substr(0, end), " ", flag, command.substr(end));
}

}  // namespace lite2pg
