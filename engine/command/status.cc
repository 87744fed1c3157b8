// status: what the target's ledger knows, and what can be done about it.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/commands.h"
#include "engine/command/ledger_survey.h"
#include "engine/command/resume.h"
#include "engine/command/run_options.h"
#include "engine/command/stage_scope.h"
#include "engine/command/target_session.h"
#include "engine/command/undo.h"
#include "engine/postgres/catalog.h"

namespace lite2pg {
namespace {

RunReport Describe(const SurveyedRun& surveyed) {
  const RunRecord& run = surveyed.run;
  const RunTotals totals = TotalsOf(run);
  RunReport row;
  row.run_id = run.run_id;
  row.command = run.command;
  row.state = run.state;
  row.stage = run.stage;
  row.outcome = run.outcome;
  row.source_path = run.source_path;
  row.target_schema = run.target_schema;
  row.tool_version = run.tool_version;
  row.started_at = run.started_at;
  row.updated_at = run.updated_at;
  row.tables = surveyed.tables;
  row.chunks = surveyed.chunks;
  row.rows = surveyed.rows;
  row.bytes = surveyed.bytes;
  row.rows_rejected = surveyed.rejects;
  row.tables_total = totals.tables;
  row.rows_total = totals.rows;
  row.bytes_total = totals.bytes;
  row.seconds = surveyed.seconds;
  row.definitions_set_aside = surveyed.set_aside;
  if (!IsUnfinished(run)) return row;
  row.worked_on_by = surveyed.holder;
  // The other commands are one transaction; whoever works on the run will end it.
  row.resumable = surveyed.holder.empty() && CanBeResumed(run);
  if (row.resumable) row.next_step = WithFlag(CommandOf(run), "--resume");
  return row;
}

class Status {
 public:
  Status(const StatusRequest& request, EventSink& events, CancelToken& cancel)
      : request_(request), events_(events), cancel_(cancel) {
    report_.command = "status";
  }

  Report Run() {
    const absl::Status status = Look();
    report_.exit_code = ExitCode::kDone;
    report_.outcome = "done";
    if (!status.ok()) {
      report_.errors.push_back(InfoOf(status));
      report_.exit_code = report_.errors[0].exit_code;
      report_.outcome = "failed";
    }
    if (target_.has_value()) {
      const absl::Status closed = target_->Close();
      if (!closed.ok()) report_.errors.push_back(InfoOf(closed));
    }
    return std::move(report_);
  }

 private:
  absl::Status Look() {
    const StageScope stage(Stage::kInspect, events_, &report_);
    ASSIGN_OR_RETURN(target_, TargetSession::Open(request_.target, /*may_create=*/false, cancel_));
    const std::string& schema = request_.common.target_schema;
    if (target_->absent()) {
      target_->Describe(TargetFacts(), schema, &report_);
      return absl::OkStatus();
    }
    PgConnectOptions options = target_->connect_options();
    options.read_only = true;
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options));
    ASSIGN_OR_RETURN(const TargetFacts facts, ReadTargetFacts(connection, schema));
    target_->Describe(facts, schema, &report_);
    ASSIGN_OR_RETURN(const std::optional<LedgerLocation> location, FindLedger(connection, schema));
    const bool undo = request_.undo_sql || request_.empty_sql;
    if (!location.has_value()) return undo ? NothingToUndo({}) : absl::OkStatus();
    ASSIGN_OR_RETURN(const std::vector<SurveyedRun> runs, SurveyLedger(connection, *location));
    for (const SurveyedRun& run : runs) report_.runs.push_back(Describe(run));
    if (undo) return AddUndo(connection, *location, runs);
    AddAdvice(runs);
    return absl::OkStatus();
  }

  absl::Status AddUndo(PgConnection& connection, const LedgerLocation& location,
                       const std::vector<SurveyedRun>& runs) {
    for (const SurveyedRun& run : runs) {
      if (run.run.state != "done" || run.run.target_schema != request_.common.target_schema) {
        continue;
      }
      return FillUndo(connection, location, run.run,
                      request_.undo_sql ? UndoKind::kDrop : UndoKind::kEmpty, &report_);
    }
    return NothingToUndo(runs);
  }

  absl::Status NothingToUndo(const std::vector<SurveyedRun>& runs) const {
    const bool unfinished = std::any_of(runs.begin(), runs.end(), [](const SurveyedRun& run) {
      return IsUnfinished(run.run);
    });
    return MakeError(ErrorCode::kNothingToResume, ExitCode::kCannotResume,
                     absl::StrCat("no finished run into schema ",
                                  EscapeName(request_.common.target_schema), " is recorded"),
                     unfinished ? "one that did not finish is gone on with by copy --resume, and "
                                  "taken back by `lite2pg clean --force`"
                                : "lite2pg status shows what is");
  }

  void AddAdvice(const std::vector<SurveyedRun>& runs) {
    const bool resumable = std::any_of(report_.runs.begin(), report_.runs.end(),
                                       [](const RunReport& run) { return run.resumable; });
    const bool set_aside = std::any_of(runs.begin(), runs.end(), [](const SurveyedRun& run) {
      return run.set_aside > 0 && run.holder.empty();
    });
    for (const RunReport& run : report_.runs) {
      if (!run.resumable) continue;
      report_.next_steps.push_back(run.next_step);
      report_.next_steps.push_back(absl::StrCat(
          run.next_step.substr(0, run.next_step.rfind(" --resume")), " --restart"));
    }
    if (set_aside) {
      report_.findings.push_back(
          {Severity::kWarning, ErrorCode::kSetAside, "",
           "definitions of the application's tables are off: a run that loads them did not end",
           "--resume or --restart of that run, or lite2pg clean --force, brings them back"});
    }
    if (resumable || runs.empty()) return;
    if (std::any_of(runs.begin(), runs.end(),
                    [](const SurveyedRun& run) { return run.run.state == "done"; })) {
      report_.next_steps.push_back(
          "lite2pg status --undo-sql with the same target prints what takes the last run back");
    }
  }

  const StatusRequest& request_;
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  std::optional<TargetSession> target_;
};

}  // namespace

Report RunStatus(const StatusRequest& request, EventSink& events, CancelToken& cancel) {
  return Status(request, events, cancel).Run();
}

}  // namespace lite2pg
