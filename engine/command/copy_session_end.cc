// How a run ends, well or not, and the report of any run.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/error.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/certificate.h"
#include "engine/command/copy_report.h"
#include "engine/command/copy_session.h"
#include "engine/command/plan_estimate.h"
#include "engine/command/resume.h"
#include "engine/command/run_options.h"
#include "engine/command/source_checks.h"
#include "engine/command/stage_scope.h"
#include "engine/command/staging.h"

namespace lite2pg {

// A schema that is renamed as a whole needs no batches; with prefixes the plan was refused.
bool CopySession::PublishesInBatches() const {
  return request_.publish == PublishMode::kBatched && plan_.target_schema_exists &&
         !plan_.staging_schema.empty() && plan_.staging_prefix.empty();
}

absl::Status CopySession::MoveInBatches(const std::string& staging_schema,
                                        const std::string& outcome) {
  publishing_ = true;
  LITE2PG_FAILPOINT("publish.batched.begun");
  RETURN_IF_ERROR(
      PublishInBatches(*coordinator_, staging_schema, request_.common.target_schema));
  LITE2PG_FAILPOINT("publish.batched.done");
  RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active", kStagePublished, outcome));
  publishing_ = false;
  return absl::OkStatus();
}

// For the plan alone.
absl::Status CopySession::Estimate() {
  report_.estimate = EstimateCopy(plan_, facts_, Streams());
  const bool few = facts_.version != 0 &&
                   facts_.connections_free < report_.estimate.connections_wanted;
  if (few) {
    report_.findings.push_back(
        {Severity::kWarning, ErrorCode::kTargetOutOfResource, "",
         absl::StrCat("the copy would use ", report_.estimate.connections_wanted,
                      " connections, and about ", facts_.connections_free, " are free"),
         "--streams bounds their number"});
  }
  if (!request_.probe) return absl::OkStatus();
  if (!coordinator_.has_value()) {
    report_.findings.push_back({Severity::kInfo, ErrorCode::kNotLookedAt, "",
                                "--probe: there is no server yet that could be measured", ""});
    return absl::OkStatus();
  }
  const absl::Status probed = ProbeTarget(*coordinator_, plan_, *snapshot_, &report_.estimate);
  if (probed.ok() || !coordinator_->alive()) return probed;
  report_.findings.push_back({Severity::kInfo, ErrorCode::kNotLookedAt, "",
                              absl::StrCat("--probe: the burst into a temporary table failed: ",
                                           InfoOf(probed).what, " ", InfoOf(probed).server),
                              "the role needs TEMPORARY on the database"});
  return absl::OkStatus();
}

// What sync will know of the tables. Where rows of others are beside the run's, the whole that was
// read is not what the run accounts for, and nothing is known of parts.
void CopySession::RecordPartitions() {
  for (size_t i = 0; i < partitions_.size(); ++i) {
    TableRecord& record = record_.tables[i];
    const Digest sum = SumOf(partitions_[i].digests);
    if (sum.ToHex() != record.digest_target || sum.rows != record.rows_target) continue;
    record.partitions = std::move(partitions_[i]);
  }
}

void CopySession::Abandon(const absl::Status& status) {
  if (quick_check_.joinable()) {
    quick_check_stopped_.store(true);
    snapshot_->reader(snapshot_->size() - 1).Interrupt();
    quick_check_.join();
  }
  const ErrorInfo info = InfoOf(status);
  // Whoever has the run now, or leads it, decides what becomes of it.
  if (Joins()) return;
  if (published_ || BelongsToOthers(info)) return;
  if (IsOneTransaction()) return AbandonTogether(info);
  if (!ledger_.has_value()) {
    // --restart may have put tables back; making a cluster is writing as well.
    const bool untouched =
        request_.resume == ResumeMode::kFresh && report_.target.embedded_dir.empty();
    if (untouched) effect_ = "nothing was written to the target";
    return;
  }
  if (coordinator_.has_value()) coordinator_->Rollback();
  if (publishing_) {
    ledger_->MarkInterrupted(*coordinator_, "failed").IgnoreError();  // "active" resumes as well
    kept_ = true;
    effect_ = "all tables are loaded and verified; some are in place, --resume moves the others";
    report_.next_steps.push_back(WithFlag(CommandOf(request_), "--resume"));
    return;
  }
  if (!ReviveCoordinator()) {
    existing_left_ = run_recorded_ && plan_.existing.any();
    Keep(info);
    return;
  }
  TakeBackExisting();
  // What is not ours to keep is taken back already.
  const bool keep = !run_recorded_ || existing_left_ || IsWorthKeeping(info) ||
                    info.exit_code == ExitCode::kCannotResume;
  if (keep) {
    Keep(info);
    return;
  }
  DropStaging();
  // A run whose tables are gone leaves nothing that a later one would have to know of. It has
  // failed already; a ledger that cannot be written to changes nothing of that.
  ledger_->SetState(*coordinator_, staging_created_ ? "interrupted" : "failed", "", "failed")
      .IgnoreError();
  if (!staging_created_) effect_ = "the target is as it was before: what the run staged is removed";
}

std::optional<ResumeMode> CopySession::AgainAs(const absl::Status& status) const {
  const ErrorInfo info = InfoOf(status);
  const bool had_server = !report_.target.server_version.empty();
  const bool lost = info.code == ErrorCode::kTargetConnectionLost ||
                    (info.code == ErrorCode::kCommitInDoubt && !IsOneTransaction()) ||
                    (info.code == ErrorCode::kTargetUnreachable && had_server);
  if (!lost || loading_ || completed_ || Joins() || mended_ != nullptr || cancel_.cancelled()) {
    return std::nullopt;
  }
  if (kept_ || published_) return ResumeMode::kResume;
  // Their effects are committed; a resume knows that, a new beginning does not.
  const bool planned_only = !run_recorded_ && !ledger_.has_value();
  if (!planned_only && !request_.hooks.before_file.empty()) return std::nullopt;
  return planned_only ? request_.resume : ResumeMode::kFresh;
}

// Something is loaded beside the application's tables, and a resume may come to another end.
bool CopySession::IsWorthKeeping(const ErrorInfo& info) const {
  // What the application's tables refuse once they refuse again.
  if (info.exit_code == ExitCode::kTargetRefuses && plan_.existing.any()) return false;
  return data_begun_ && CanBeResumed(info) &&
         std::any_of(plan_.tables.begin(), plan_.tables.end(),
                     [](const TablePlan& table) { return table.create || table.merge; });
}

// The run stays in the ledger with what it has loaded.
void CopySession::Keep(const ErrorInfo& info) {
  if (coordinator_.has_value() && coordinator_->alive()) {
    // It has failed already; where the ledger cannot be written to, the run stays "active", which
    // can be resumed as well.
    ledger_
        ->MarkInterrupted(*coordinator_, info.exit_code == ExitCode::kInterrupted ? "interrupted"
                                                                                  : "failed")
        .IgnoreError();
  }
  const std::string command = CommandOf(request_);
  if (CanBeResumed(info) || !run_recorded_) {
    kept_ = true;
    effect_ = absl::StrCat("run ", run_id_, " can be resumed: what it has loaded is kept, out of "
                                            "sight of others");
    report_.next_steps.push_back(WithFlag(command, "--resume"));
  }
  report_.next_steps.push_back(WithFlag(command, "--restart"));
}

// A connection that holds the lock, so that nobody else can be at work on the run.
bool CopySession::ReviveCoordinator() {
  if (coordinator_.has_value() && coordinator_->alive()) return true;
  absl::StatusOr<PgConnection> again = target_->Connect();
  if (!again.ok()) return false;
  coordinator_ = *std::move(again);
  const absl::StatusOr<bool> locked =
      Ledger::TryLock(*coordinator_, request_.common.target_schema, nullptr,
                      DialectNamed(facts_.dialect));
  return locked.ok() && *locked;
}

std::string CopySession::OwnStagingSchema() const {
  return plan_.staging_prefix.empty() ? plan_.staging_schema : std::string();
}

void CopySession::TakeBackExisting() {
  if (!run_recorded_ || !plan_.existing.any()) return;
  absl::Status status = DropForeignKeysToOthers(*coordinator_, *ledger_, plan_.target_schema,
                                                OwnStagingSchema());
  if (status.ok()) status = existing_.TakeBack(*coordinator_, &*ledger_);
  if (status.ok()) return;
  existing_left_ = true;
  coordinator_->Rollback();
  report_.errors.push_back(InfoOf(status));
}

void CopySession::DropStaging() {
  if (!staging_created_) return;
  staging_created_ =
      !DropStaged(*coordinator_, run_id_, plan_.target_schema, OwnStagingSchema()).ok();
  if (!staging_created_) return;
  report_.next_steps.push_back(WithFlag(CommandOf(request_), "--restart"));
}

void CopySession::FillTables() {
  FillCopiedTables(plan_, loaded_, read_back_, request_, &report_);
  existing_.Describe(&report_);
}
void CopySession::FillPlanned() {
  FillPlannedTables(plan_, &report_);
  if (request_.dry_run && coordinator_.has_value()) {
    CountPlannedTargets(*coordinator_, plan_, &report_);
  }
}

absl::Status CopySession::Complete() {
  ErrorInfo kept;
  if (!done_ && !IsOneTransaction()) {
    kept.effect = "the data is there and verified; only the ledger does not say so yet";
    RETURN_IF_ERROR(WithContext(
        ledger_->FinishRun(*coordinator_, "done", report_.outcome,
                           ReportToJson(report_, JsonLayout::kCompact)), kept));
    LITE2PG_FAILPOINT("publish.run_done");
  }
  completed_ = true;
  // Files can be written again; whether --after-sql ran, nobody knows.
  kept.effect = "the data is there and verified; only this file could not be written";
  if (!request_.write_certificate.empty()) {
    RETURN_IF_ERROR(
        WithContext(WriteCertificate(request_.write_certificate, report_, record_), kept));
  }
  if (done_) return absl::OkStatus();
  kept.effect = "the data is there and verified; only this file did not run to its end";
  RETURN_IF_ERROR(WithContext(RunHook(request_.hooks.after_file, "--after-sql"), kept));
  LITE2PG_FAILPOINT("publish.after_sql.done");
  return absl::OkStatus();
}

Report CopySession::TakeReport(const absl::Status& status) {
  {
    const StageScope stage(Stage::kReport, events_, &report_);
    HitFailpoint("report.begin").IgnoreError();  // only to end the process
    CompleteReport(status);
  }
  const int streams = report_.resources.streams_max;
  report_.resources = meter_.Read();
  report_.resources.streams_max = streams;
  return std::move(report_);
}

void CopySession::CompleteReport(const absl::Status& status) {
  if (!status.ok()) {
    ErrorInfo info = InfoOf(status);
    if (info.effect.empty()) info.effect = existing_.effect();
    if (info.effect.empty()) info.effect = effect_;
    if (IsOneTransaction() && info.code == ErrorCode::kTargetConnectionLost) {
      info.hint = "run the same command again";
    }
    // The first error decides; what failed while taking back comes behind it.
    report_.errors.insert(report_.errors.begin(), info);
    report_.exit_code = info.exit_code;
    report_.outcome = info.exit_code == ExitCode::kDiffers       ? "differs"
                      : info.exit_code == ExitCode::kInterrupted ? "interrupted"
                      : info.code == ErrorCode::kCommitInDoubt   ? "in_doubt"
                                                                 : "failed";
  } else if (request_.dry_run) {
    report_.outcome = "planned";
    const bool stops = plan_.blocked() ||
                       (request_.policy.strict && !StrictStatus(plan_.findings).ok());
    report_.exit_code = stops ? ExitCode::kPlanBlocks : ExitCode::kDone;
  }
  coordinator_.reset();
  if (target_.has_value()) {
    const absl::Status closed = target_->Close();
    if (!closed.ok() && status.ok()) report_.errors.push_back(InfoOf(closed));
  }
}

}  // namespace lite2pg
