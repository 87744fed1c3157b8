// clean: removes lite2pg's own bookkeeping, and what runs that did not finish have left.
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/commands.h"
#include "engine/command/existing_load.h"
#include "engine/command/ledger_survey.h"
#include "engine/command/resume.h"
#include "engine/command/run_options.h"
#include "engine/command/stage_scope.h"
#include "engine/command/staging.h"
#include "engine/command/target_session.h"
#include "engine/postgres/catalog.h"

namespace lite2pg {
namespace {

class Clean {
 public:
  Clean(const CleanRequest& request, EventSink& events, CancelToken& cancel)
      : request_(request), events_(events), cancel_(cancel) {
    report_.command = "clean";
  }

  Report Run() {
    const absl::Status status = Work();
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
  absl::Status Work() {
    const StageScope stage(Stage::kInspect, events_, &report_);
    ASSIGN_OR_RETURN(target_, TargetSession::Open(request_.target, /*may_create=*/false, cancel_));
    const std::string& schema = request_.common.target_schema;
    if (target_->absent()) {
      target_->Describe(TargetFacts(), schema, &report_);
      Say("there is no cluster there, so nothing had to be removed");
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(PgConnection connection, target_->Connect());
    ASSIGN_OR_RETURN(const TargetFacts facts, ReadTargetFacts(connection, schema));
    target_->Describe(facts, schema, &report_);
    ASSIGN_OR_RETURN(const std::optional<LedgerLocation> location, FindLedger(connection, schema));
    std::vector<SurveyedRun> runs;
    if (location.has_value()) {
      ASSIGN_OR_RETURN(runs, SurveyLedger(connection, *location));
      RETURN_IF_ERROR(LockSchemas(connection, runs));
      if (!request_.force) {
        for (const SurveyedRun& run : runs) RETURN_IF_ERROR(Refuse(run));
      }
      for (const SurveyedRun& run : runs) RETURN_IF_ERROR(TakeBack(connection, *location, run.run));
    }
    RETURN_IF_ERROR(DropOrphanedStaging(connection));
    if (location.has_value()) {
      RETURN_IF_ERROR(Ledger::Drop(connection, *location));
      Say(absl::StrCat("the record of ", runs.size(), " run(s) is removed"));
    } else {
      Say("there was no record of any run");
    }
    return absl::OkStatus();
  }

  void Say(std::string text) {
    report_.findings.push_back(
        {Severity::kInfo, ErrorCode::kBookkeepingTable, "", std::move(text), ""});
  }

  // Nobody works on any of the runs, nor begins to while this lasts.
  static absl::Status LockSchemas(PgConnection& connection, const std::vector<SurveyedRun>& runs) {
    std::set<std::string> schemas;
    for (const SurveyedRun& run : runs) schemas.insert(run.run.target_schema);
    for (const std::string& schema : schemas) {
      std::string holder;
      ASSIGN_OR_RETURN(const bool locked, Ledger::TryLock(connection, schema, &holder));
      if (locked) continue;
      return MakeError(ErrorCode::kAnotherRun, ExitCode::kCannotResume,
                       absl::StrCat("a run is at work on schema ", EscapeName(schema), " (", holder,
                                    ")"),
                       "wait for it to end, or end it");
    }
    return absl::OkStatus();
  }

  absl::Status Refuse(const SurveyedRun& run) const {
    ErrorInfo info;
    info.code = ErrorCode::kUnfinishedRun;
    info.exit_code = ExitCode::kCannotResume;
    info.effect = "nothing was removed";
    if (run.set_aside > 0) {
      info.what = absl::StrCat("run ", run.run.run_id, " has set ", run.set_aside,
                               " definition(s) of the application's tables aside");
      info.hint = absl::StrCat(WithFlag(CommandOf(run.run), "--resume"),
                               " goes on; clean --force puts them back and removes the run's rows");
      return MakeError(info);
    }
    if (IsUnfinished(run.run) && !IsPublished(run.run)) {
      info.what = absl::StrCat("run ", run.run.run_id, " did not finish");
      info.hint = absl::StrCat(WithFlag(CommandOf(run.run), "--resume"),
                               " goes on; clean --force removes what it has loaded");
      return MakeError(info);
    }
    if (run.rejects > 0 && !run.rejects_exported) {
      info.what = absl::StrCat("run ", run.run.run_id, " has set ", run.rejects,
                               " row(s) aside, which are nowhere else on the target");
      info.hint = "copy them from the table reject first (docs/ledger.md), or drop them with "
                  "clean --force";
      return MakeError(info);
    }
    return absl::OkStatus();
  }

  // What a run has left that is not done, if anything.
  absl::Status TakeBack(PgConnection& connection, const LedgerLocation& location,
                        const RunRecord& run) {
    if (run.state == "done" || IsPublished(run)) return absl::OkStatus();
    if (IsPublishing(run)) {
      return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                       absl::StrCat("run ", run.run_id, " was stopped while its tables became "
                                    "visible in batches"),
                       absl::StrCat(WithFlag(CommandOf(run), "--resume"), " completes it; then "
                                    "clean removes the record"));
    }
    RETURN_IF_ERROR(cancel_.Check());
    // Also of failed ones: taking back may have failed as well.
    ASSIGN_OR_RETURN(const Ledger ledger, TakeRunOver(connection, location, run));
    RETURN_IF_ERROR(DropStaged(connection, run.run_id, run.target_schema, run.staging_schema));
    RETURN_IF_ERROR(ledger.SetState(connection, "failed", run.stage, "cleaned"));
    if (IsUnfinished(run)) {
      Say(absl::StrCat("run ", run.run_id, ", which did not finish, is taken back"));
    }
    return absl::OkStatus();
  }

  // Schemas in the form of ours, of a role's own, that no run knows: a run is in the ledger before
  // it stages anything.
  absl::Status DropOrphanedStaging(PgConnection& connection) {
    ASSIGN_OR_RETURN(
        const PgResult schemas,
        connection.Query("SELECT n.nspname FROM pg_catalog.pg_namespace n"
                         " WHERE n.nspname ~ '^lite2pg_staging_[0-9a-f]{8}$'"
                         " AND n.nspowner = (SELECT r.oid FROM pg_catalog.pg_roles r"
                         "                   WHERE r.rolname = CURRENT_USER)"
                         " AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a"
                         "   WHERE a.datname = pg_catalog.current_database()"
                         "   AND pg_catalog.starts_with(a.application_name, 'lite2pg ' ||"
                         "     pg_catalog.substr(n.nspname, 17)))"));
    for (int i = 0; i < schemas.rows(); ++i) {
      const std::string schema(schemas.Text(i, 0));
      RETURN_IF_ERROR(DropStaged(connection, schema, "", schema));
      Say(absl::StrCat("the schema ", schema, ", which a run had left, is removed"));
    }
    return absl::OkStatus();
  }

  const CleanRequest& request_;
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  std::optional<TargetSession> target_;
};

}  // namespace

Report RunClean(const CleanRequest& request, EventSink& events, CancelToken& cancel) {
  return Clean(request, events, cancel).Run();
}

}  // namespace lite2pg
