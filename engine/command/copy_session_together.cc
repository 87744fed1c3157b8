// A run of a role that may create nothing: one transaction, from the first row to the verified end.
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_session.h"

namespace lite2pg {
namespace {

// The plan saw the tables empty; what counts is what the transaction sees.
absl::Status CheckEmpty(PgConnection& connection, const Plan& plan) {
  std::vector<PgStatement> questions;
  for (const TablePlan& table : plan.tables) {
    questions.push_back({absl::StrCat("SELECT EXISTS (SELECT FROM ", table.LoadTarget(), ")"), {}});
  }
  ASSIGN_OR_RETURN(const std::vector<PgResult> answers, connection.QueryAll(questions));
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].Bool(0, 0)) continue;
    ErrorInfo info;
    info.code = ErrorCode::kTargetTableNotEmpty;
    info.exit_code = ExitCode::kTargetRefuses;
    info.what = absl::StrCat("the table ", EscapeName(plan.tables[i].target_name),
                             " got rows while the plan was made");
    info.table = plan.tables[i].source->name;
    info.hint = "stop what writes to it, and empty it";
    return MakeError(info);
  }
  return absl::OkStatus();
}

}  // namespace

// REPEATABLE READ: what is read back are the rows of before, none, and ours.
absl::Status CopySession::BeginTogether() {
  RecordPlan();
  ledger_.emplace(NoLedger(), run_id_, 1);
  RETURN_IF_ERROR(RunHook(request_.hooks.before_file, "--before-sql"));
  ASSIGN_OR_RETURN(together_, PgConnection::Connect(LoadOptions()));
  RETURN_IF_ERROR(together_->Begin());
  RETURN_IF_ERROR(together_->Execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"));
  RETURN_IF_ERROR(CheckEmpty(*together_, plan_));
  if (plan_.existing.defer_constraints) {
    RETURN_IF_ERROR(together_->Execute("SET CONSTRAINTS ALL DEFERRED"));
  }
  LITE2PG_FAILPOINT("together.begun");
  return cancel_.Check();
}

// Constraints that wait for the end speak here, where it can be said what they are about.
absl::Status CopySession::CheckTogether() {
  RETURN_IF_ERROR(together_->Execute("SET CONSTRAINTS ALL IMMEDIATE"));
  return cancel_.Check();
}

absl::Status CopySession::CommitTogether() {
  RETURN_IF_ERROR(WriteCoercionLogIfAsked());
  const Verdict verdict = Conclude();
  RETURN_IF_ERROR(CheckSource());
  ASSIGN_OR_RETURN(const PgResult id,
                   together_->Query("SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text"));
  const std::string transaction(id.Text(0, 0));
  LITE2PG_FAILPOINT("together.commit");
  const absl::Status status = together_->Commit();
  if (!status.ok()) {
    if (InfoOf(status).code != ErrorCode::kCommitInDoubt) return status;
    ASSIGN_OR_RETURN(const bool committed, SettleTogether(transaction));
    if (!committed) {
      return MakeError(ErrorCode::kTargetConnectionLost, ExitCode::kInterrupted,
                       "the connection was lost at COMMIT, which did not take place",
                       "run the same command again");
    }
  }
  LITE2PG_FAILPOINT("together.reply_lost");
  published_ = true;
  report_.outcome = verdict.outcome;
  report_.exit_code = verdict.exit_code;
  // Autovacuum would come to it too.
  for (const TablePlan& table : plan_.tables) {
    if (!table.target.owned || !together_->alive()) continue;
    together_->Execute(absl::StrCat("ANALYZE ", table.LoadTarget())).IgnoreError();
  }
  return absl::OkStatus();
}

// Whether a COMMIT whose answer was lost took place: the server itself keeps that for a while.
absl::StatusOr<bool> CopySession::SettleTogether(const std::string& transaction) {
  ErrorInfo where;
  where.code = ErrorCode::kCommitInDoubt;
  where.exit_code = ExitCode::kInterrupted;
  where.what = "the connection was lost at COMMIT, and the server cannot be asked what came of it";
  where.effect = "either all rows are in the tables, or none";
  where.hint = absl::StrCat("ask the server: SELECT pg_xact_status('", transaction,
                            "'); what is not committed is loaded by the same command again");
  if (!KeepCoordinator().ok()) return MakeError(where);
  // An answer is final only when nobody is at work on the question.
  if (!TerminateBackends(*coordinator_, RunApplicationName(run_id_), 0).ok()) {
    return MakeError(where);
  }
  const absl::StatusOr<PgResult> word = coordinator_->Query(
      "SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)", {transaction});
  if (!word.ok() || word->IsNull(0, 0)) return MakeError(where);
  return word->Text(0, 0) == "committed";
}

void CopySession::AbandonTogether(const ErrorInfo& info) {
  if (together_.has_value()) together_->Rollback();
  together_.reset();
  if (info.code == ErrorCode::kCommitInDoubt) return;
  effect_ = "nothing was written to the target";
  if (!ReviveCoordinator()) return;
  const absl::Status status = existing_.PutSequencesBack(*coordinator_);
  if (!status.ok()) report_.errors.push_back(InfoOf(status));
}

}  // namespace lite2pg
