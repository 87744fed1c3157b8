#include "engine/command/copy_session.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/coordinator.h"
#include "engine/command/coercion_log.h"
#include "engine/command/copy_report.h"
#include "engine/command/duplicate_keys.h"
#include "engine/command/late_rejects.h"
#include "engine/command/open_source.h"
#include "engine/command/orphans.h"
#include "engine/command/rejects_export.h"
#include "engine/command/resume.h"
#include "engine/command/run_options.h"
#include "engine/command/source_checks.h"
#include "engine/command/source_options.h"
#include "engine/command/source_replay.h"
#include "engine/command/stage_scope.h"
#include "engine/command/staging.h"
#include "engine/command/stream_count.h"
#include "engine/pipeline/postdata_graph.h"
#include "engine/pipeline/scan_graph.h"
#include "engine/plan/config_patterns.h"
#include "engine/plan/existing_columns.h"
#include "engine/plan/source_schema.h"
#include "engine/postgres/relations.h"
#include "engine/postgres/script.h"

namespace lite2pg {
namespace {

// How long --resume waits for the lock of the run that it goes on with: what is left of its
// sessions ends when the server notices that nobody is there.
constexpr auto kLockWaitMax = std::chrono::seconds(20);
constexpr auto kLockPause = std::chrono::milliseconds(200);

std::string NewRunId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

std::vector<ScanTask> ScanTasks(const Selection& selection, const SourceCatalog& catalog) {
  std::vector<ScanTask> tasks;
  for (const SelectedTable& table : selection.tables) {
    ScanTask task;
    task.reading = table.reading;
    task.candidates = table.candidates;
    task.weight_bytes = static_cast<uint64_t>(catalog.bytes());
    tasks.push_back(std::move(task));
  }
  return tasks;
}

// Blocking findings that say "the target refuses" keep that exit code; others stop the plan.
absl::Status BlockedStatus(const std::vector<Finding>& findings) {
  const Finding* first = nullptr;
  bool all_target = true;
  for (const Finding& finding : findings) {
    if (finding.severity != Severity::kBlocking) continue;
    if (first == nullptr) first = &finding;
    const bool refusal =
        finding.code == ErrorCode::kTargetTableNotEmpty ||
        finding.code == ErrorCode::kTargetTableExists ||
        finding.code == ErrorCode::kTargetPrivilege || finding.code == ErrorCode::kTargetEncoding ||
        finding.code == ErrorCode::kTargetPooler || finding.code == ErrorCode::kTargetVersion;
    all_target &= refusal;
  }
  if (first == nullptr) return absl::OkStatus();
  ErrorInfo info;
  info.code = first->code;
  info.exit_code = all_target ? ExitCode::kTargetRefuses : ExitCode::kPlanBlocks;
  if (first->code == ErrorCode::kBadValue) info.exit_code = ExitCode::kBadValue;
  info.what = first->message;
  info.table = first->object;
  info.hint = first->hint;
  info.effect = "nothing was written to the target";
  return MakeError(info);
}

}  // namespace

CopySession::CopySession(const CopyRequest& request, const CopyOrigin& origin, EventSink& events,
                         CancelToken& cancel)
    : request_(request),
      mended_(origin.mended),
      archive_(origin.archive),
      events_(events),
      cancel_(cancel),
      run_id_(NewRunId()),
      existing_(request, plan_, events, cancel) {
  report_.command = origin.archive != nullptr ? "import" : request.dry_run ? "plan" : "copy";
  report_.run_id = run_id_;
}

CopySession::~CopySession() {
  if (quick_check_.joinable()) quick_check_.join();
}

int CopySession::Streams() const { return FirstStreams(request_.common); }

int CopySession::StreamsMax() const { return MostStreams(request_.common, facts_); }

absl::Status CopySession::Inspect() {
  const StageScope stage(Stage::kInspect, events_, &report_);
  RETURN_IF_ERROR(OpenSource());
  ASSIGN_OR_RETURN(target_, TargetSession::Open(request_.target, !request_.dry_run, cancel_));
  if (!target_->absent()) {
    ASSIGN_OR_RETURN(PgConnection connection, target_->Connect());
    ASSIGN_OR_RETURN(facts_, ReadTargetFacts(connection, request_.common.target_schema));
    coordinator_ = std::move(connection);
  }
  target_->Describe(facts_, request_.common.target_schema, &report_);
  RETURN_IF_ERROR(RefuseUnproven(facts_, request_.common));
  if (Joins()) {
    RETURN_IF_ERROR(FindJoined());
  } else if (!request_.dry_run) {
    RETURN_IF_ERROR(TakeLock());
    LITE2PG_FAILPOINT("inspect.locked");
    if (request_.resume == ResumeMode::kResume) RETURN_IF_ERROR(FindResumed());
  }
  if (mended_ != nullptr) RETURN_IF_ERROR(mended_->Check(*coordinator_, Location()));
  return cancel_.Check();
}

absl::Status CopySession::OpenSource() {
  if (archive_ != nullptr) {
    // Nothing reaches the server before every file was found to be as it was written.
    archive_->Describe(&report_.source);
    RETURN_IF_ERROR(archive_->CheckFiles(Streams(), events_, cancel_));
    ASSIGN_OR_RETURN(snapshot_, archive_->OpenSnapshot(StreamsMax() + kOtherReaders));
    catalog_ = archive_->catalog();
    return absl::OkStatus();
  }
  // One reader per stream, and some beside them.
  ASSIGN_OR_RETURN(SourceAndCatalog opened,
                   OpenSourceFiles(request_.source, request_.common,
                                   StreamsMax() + kOtherReaders, SourceOptions(request_.common)));
  DescribeSourceFiles(opened, &report_);
  AddMergedFindings(opened, request_.common, &merged_findings_);
  snapshot_ = std::move(opened.snapshot);
  merged_ = opened.merged;
  catalog_ = std::move(opened.catalog);
  RETURN_IF_ERROR(CheckExpectations(snapshot_->reader(0), catalog_, request_.expect));
  if (request_.require_idle) {
    ASSIGN_OR_RETURN(const std::string idle, RequireIdle(catalog_.path));
    absl::StrAppend(&report_.source.snapshot, "; ", idle);
  }
  return absl::OkStatus();
}

absl::Status CopySession::MakePlan() {
  const StageScope stage(Stage::kPlan, events_, &report_);
  PlanInputs inputs;
  inputs.catalog = &catalog_;
  ASSIGN_OR_RETURN(options_, ExpandPatterns(request_.common, request_.order, catalog_));
  inputs.options = &options_;
  inputs.policy = &request_.policy;
  inputs.schema_mode = request_.schema_mode;
  inputs.existing_rows = request_.existing_rows;
  inputs.publish_in_batches = request_.publish == PublishMode::kBatched;
  inputs.order = request_.order;
  inputs.facts = facts_;
  inputs.run_tag = run_id_.substr(0, 8);
  if (coordinator_.has_value()) {
    ASSIGN_OR_RETURN(inputs.target_tables,
                     ReadTargetTables(*coordinator_, request_.common.target_schema, {}));
    ASSIGN_OR_RETURN(inputs.taken_names,
                     ReadRelationNames(*coordinator_, request_.common.target_schema));
    if (resumed_.has_value()) RETURN_IF_ERROR(HideStaged(*coordinator_, *resumed_, &inputs));
    std::vector<uint32_t> oids;
    for (const TargetTable& table : inputs.target_tables) oids.push_back(table.oid);
    ASSIGN_OR_RETURN(inputs.server_types, ReadConfiguredTypes(*coordinator_, options_));
    ASSIGN_OR_RETURN(inputs.target_objects, ReadTableObjects(*coordinator_, oids));
  }
  ASSIGN_OR_RETURN(Selection selection, SelectTables(inputs));
  if (archive_ != nullptr) RETURN_IF_ERROR(archive_->AdaptSelection(&selection));
  // What blocks before any value is looked at need not wait for the scan; plan shows everything.
  if (!request_.dry_run && !BlockedStatus(selection.findings).ok()) {
    report_.findings = selection.findings;
    return BlockedStatus(selection.findings);
  }
  std::vector<ScanTask> tasks = ScanTasks(selection, catalog_);
  events_.counters.bytes_total = static_cast<uint64_t>(catalog_.bytes());
  ASSIGN_OR_RETURN(std::vector<TableScan> scans,
                   ScanAndSettle(&tasks, &selection, *snapshot_, events_, cancel_));
  RETURN_IF_ERROR(CheckSource());
  if (archive_ != nullptr) {
    archive_->AdaptScans(selection, &scans);
    archive_->AddFindings(&selection.findings);
  }
  ASSIGN_OR_RETURN(plan_, lite2pg::MakePlan(inputs, std::move(selection), std::move(scans)));
  if (coordinator_.has_value()) {
    RETURN_IF_ERROR(ExistingTables::CheckPlan(*coordinator_, &plan_));
    ASSIGN_OR_RETURN(PgConnection server, PgConnection::Connect(LoadOptions()));
    RETURN_IF_ERROR(
        CheckServerText(snapshot_->reader(0), server, request_.policy, cancel_, &plan_));
  }
  RETURN_IF_ERROR(FindViolations());
  if (archive_ == nullptr && merged_ == nullptr) FindEffectsOnWriters(*snapshot_, &plan_.findings);
  plan_.findings.insert(plan_.findings.end(), merged_findings_.begin(), merged_findings_.end());
  report_.findings = plan_.findings;
  events_.counters.findings = static_cast<int>(plan_.findings.size());
  FillPlanned();
  if (request_.dry_run) RETURN_IF_ERROR(Estimate());
  if (request_.dry_run && plan_.blocked()) {
    report_.outcome = "planned";
    return absl::OkStatus();
  }
  if (request_.dry_run) return cancel_.Check();
  RETURN_IF_ERROR(BlockedStatus(plan_.findings));
  if (request_.policy.strict) RETURN_IF_ERROR(StrictStatus(plan_.findings));
  return cancel_.Check();
}

// Of keys that are still to be made.
absl::Status CopySession::FindViolations() {
  // Rows of an archive are not in tables that SQLite knows the keys of; the server will tell.
  const bool own_keys = archive_ == nullptr && merged_ == nullptr;
  // What --strict stops at, it stops at before data is written.
  const bool deep = request_.deep || (request_.policy.strict && own_keys);
  if (own_keys) {
    RETURN_IF_ERROR(FindOrphansInSource(snapshot_->reader(0), plan_, request_.policy.orphans, deep,
                                        &plan_.findings));
  }
  if (deep) {
    RETURN_IF_ERROR(FindDuplicateKeys(snapshot_->reader(0), plan_, &plan_.findings, cancel_));
  }
  return absl::OkStatus();
}

absl::Status CopySession::CheckSource() { return snapshot_->CheckUnchanged(); }

absl::Status CopySession::PreData() {
  const StageScope stage(Stage::kPreData, events_, &report_);
  LITE2PG_FAILPOINT("plan.done");
  if (IsOneTransaction()) return BeginTogether();
  RETURN_IF_ERROR(RecordRun());
  // Until its stage is `data`, a run has loaded nothing: what is there of it is made anew.
  const bool staged =
      resumed_.has_value() && resumed_->stage != StageName(Stage::kPreData);
  if (staged) {
    RETURN_IF_ERROR(CheckStaged(*coordinator_, plan_, *resumed_));
    data_begun_ = true;
  } else {
    RETURN_IF_ERROR(StageTables());
  }
  staging_created_ = !plan_.staging_schema.empty();
  RETURN_IF_ERROR(existing_.Prepare(*coordinator_, *ledger_, staged));
  RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active", StageName(Stage::kData), ""));
  keeps_data_ = staged;
  data_begun_ = true;
  LITE2PG_FAILPOINT("pre_data.done");
  return cancel_.Check();
}

absl::Status CopySession::StageTables() {
  if (resumed_.has_value()) {
    RETURN_IF_ERROR(
        DropStaged(*coordinator_, run_id_, plan_.target_schema, OwnStagingSchema()));
  }
  LITE2PG_FAILPOINT("pre_data.before_sql");
  RETURN_IF_ERROR(RunHook(request_.hooks.before_file, "--before-sql"));
  LITE2PG_FAILPOINT("pre_data.before_sql.done");
  staging_created_ = !plan_.staging_schema.empty();
  return CreateStaged(*coordinator_, plan_);
}

LedgerLocation CopySession::Location() const {
  return LedgerLocationFor(facts_, request_.common.target_schema);
}

// One run at a time per target schema, known before the work of a scan is done in vain.
absl::Status CopySession::TakeLock() {
  std::string holder;
  ASSIGN_OR_RETURN(const bool locked, LockOrWait(&holder));
  if (!locked) {
    return MakeError(ErrorCode::kAnotherRun, ExitCode::kCannotResume,
                     absl::StrCat("another run is loading into this schema (", holder, ")"),
                     "wait for it to end, or end it");
  }
  switch (request_.resume) {
    case ResumeMode::kRestart:
      RETURN_IF_ERROR(RefuseWhilePublishing(*coordinator_, Location(), request_));
      return RecoverUnfinishedLoads(*coordinator_, Location(), request_.common.target_schema);
    case ResumeMode::kFresh:
      return RefuseUnfinishedRuns(*coordinator_, Location(), request_);
    case ResumeMode::kResume:
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CopySession::LockOrWait(std::string* holder) {
  const bool wait = request_.resume != ResumeMode::kFresh;
  const auto deadline = std::chrono::steady_clock::now() + kLockWaitMax;
  while (true) {
    ASSIGN_OR_RETURN(const bool locked,
                     Ledger::TryLock(*coordinator_, request_.common.target_schema, holder,
                                     DialectNamed(facts_.dialect)));
    if (locked || !wait || std::chrono::steady_clock::now() >= deadline) return locked;
    RETURN_IF_ERROR(cancel_.Check());
    std::this_thread::sleep_for(kLockPause);
  }
}

// --resume: finds the run, makes it ours and puts the application's tables back as they were, so
// that the plan can be made once more.
absl::Status CopySession::FindResumed() {
  ASSIGN_OR_RETURN(
      resumed_, FindRunToResume(*coordinator_, Location(), request_, report_.source.fingerprint));
  run_id_ = resumed_->run_id;
  report_.run_id = run_id_;
  published_ = !IsUnfinished(*resumed_) || lite2pg::IsPublished(*resumed_);
  if (published_) return ShowRun(*resumed_);
  if (IsPublishing(*resumed_)) {
    RETURN_IF_ERROR(ShowRun(*resumed_));
    ASSIGN_OR_RETURN(const int64_t epoch, Ledger::TakeOver(*coordinator_, Location(), run_id_));
    ledger_.emplace(Location(), run_id_, epoch);
    RETURN_IF_ERROR(MoveInBatches(resumed_->staging_schema, report_.outcome));
    published_ = true;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(ledger_, TakeRunOver(*coordinator_, Location(), *resumed_));
  return absl::OkStatus();
}

// The report of a run that is visible already, as it was when it became so.
absl::Status CopySession::ShowRun(const RunRecord& run) {
  Report then;
  if (!ReportFromJson(run.report_json, &then)) {
    return MakeError(ErrorCode::kUnfinishedRun, ExitCode::kCannotResume,
                     absl::StrCat("run ", run_id_, " is finished, but its report is damaged"),
                     "lite2pg verify compares both sides");
  }
  // For a certificate: one without the record of the tables would vouch for nothing.
  ASSIGN_OR_RETURN(record_, ParsePlanRecord(run.plan_json));
  then.run_id = run_id_;
  then.stages = std::move(report_.stages);
  then.target = report_.target;
  then.next_steps = report_.next_steps;
  then.next_steps.push_back(absl::StrCat("this run had copied everything by ", run.updated_at,
                                         "; lite2pg verify compares both sides as they are now"));
  report_ = std::move(then);
  done_ = !IsUnfinished(run);
  ledger_.emplace(Location(), run_id_, run.epoch);
  return absl::OkStatus();
}

void CopySession::RecordPlan() {
  record_ = MakePlanRecord(plan_, request_.common, request_.existing_rows);
  // Of several files no one can be made again, and an archive does not have SQLite's declarations.
  if (merged_ == nullptr && archive_ == nullptr) {
    record_.source_schema = SourceSchemaToJson(MakeSourceSchema(catalog_));
  }
}

// The run's row in the ledger: a new one, and no other run's leavings; or the one that goes on.
absl::Status CopySession::RecordRun() {
  RecordPlan();
  if (resumed_.has_value()) {
    RETURN_IF_ERROR(CheckSamePlan(*resumed_, plan_));
    run_recorded_ = true;
    return absl::OkStatus();
  }
  const LedgerLocation location = Location();
  RETURN_IF_ERROR(Ledger::CreateTables(*coordinator_, location));
  LITE2PG_FAILPOINT("pre_data.ledger_created");
  RETURN_IF_ERROR(DropUnfinishedRuns(*coordinator_, location, request_));
  ledger_.emplace(location, run_id_, 1);
  RunRecord run;
  run.run_id = run_id_;
  run.state = "active";
  run.command = report_.command;
  run.source_path = catalog_.path;
  run.source_fingerprint = report_.source.fingerprint;
  run.target_schema = plan_.target_schema;
  run.staging_schema = OwnStagingSchema();
  run.options_json = RunOptionsJson(request_, plan_);
  run.plan_json = PlanRecordToJson(record_);
  run.tool_version = LITE2PG_VERSION;
  run.stage = std::string(StageName(Stage::kPreData));
  RETURN_IF_ERROR(ledger_->InsertRun(*coordinator_, run));
  run_recorded_ = true;
  LITE2PG_FAILPOINT("pre_data.run_recorded");
  return absl::OkStatus();
}

absl::Status CopySession::PostData() {
  const StageScope stage(Stage::kPostData, events_, &report_);
  if (IsOneTransaction()) return CheckTogether();
  RETURN_IF_ERROR(KeepCoordinator());
  RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active", StageName(Stage::kPostData), ""));
  LITE2PG_FAILPOINT("post_data.begin");
  LateRejects late(plan_, request_.policy, *snapshot_, &loaded_);
  RETURN_IF_ERROR(
      RejectOrphans(*coordinator_, plan_, *ledger_, request_.policy.orphans, &late,
                    &report_.findings, cancel_));
  PostDataOptions options;
  options.connect = target_->connect_options();
  options.connect.application_name = RunApplicationName(run_id_);
  options.streams = Streams();
  options.ledger = &*ledger_;
  if (resumed_.has_value()) {
    ASSIGN_OR_RETURN(options.made, ledger_->ReadMade(*coordinator_));
  }
  ASSIGN_OR_RETURN(PostDataResult result, BuildPostData(plan_, options, events_, cancel_));
  for (ObjectReport& object : result.objects) report_.objects.push_back(std::move(object));
  for (Finding& finding : result.findings) report_.findings.push_back(std::move(finding));
  LITE2PG_FAILPOINT("post_data.built");
  if (request_.policy.orphans == Orphans::kStop) RETURN_IF_ERROR(OrphansStatus(plan_, report_));
  const RestoreOptions restore{options.connect, options.streams, request_.policy.orphans,
                               &cancel_};
  RETURN_IF_ERROR(existing_.Complete(*coordinator_, *ledger_, restore, &late, &report_));
  if (request_.policy.strict) RETURN_IF_ERROR(StrictStatus(report_.findings));
  return cancel_.Check();
}

absl::Status CopySession::Sequences() {
  const StageScope stage(Stage::kSequences, events_, &report_);
  LITE2PG_FAILPOINT("sequences.before");
  RETURN_IF_ERROR(existing_.Sequences(Writer(), &report_));
  LITE2PG_FAILPOINT("sequences.done");
  return absl::OkStatus();
}

// As it will be when the transaction has been committed.
absl::Status CopySession::RecordReport(const Verdict& verdict) {
  const std::string outcome_before = std::exchange(report_.outcome, verdict.outcome);
  const ExitCode exit_code_before = std::exchange(report_.exit_code, verdict.exit_code);
  std::string json = ReportToJson(report_, JsonLayout::kCompact);
  report_.outcome = outcome_before;
  report_.exit_code = exit_code_before;
  return ledger_->SetReport(*coordinator_, std::move(json));
}

absl::Status CopySession::Publish() {
  const StageScope stage(Stage::kPublish, events_, &report_);
  RETURN_IF_ERROR(FinishQuickCheck());
  RETURN_IF_ERROR(cancel_.Check());
  LITE2PG_FAILPOINT("publish.begin");
  if (IsOneTransaction()) return CommitTogether();
  if (!coordinator_->in_transaction()) RETURN_IF_ERROR(coordinator_->Begin());
  RETURN_IF_ERROR(existing_.Finish(*coordinator_, *ledger_));
  LITE2PG_FAILPOINT("publish.claims_given_up");
  const bool batched = PublishesInBatches();
  if (!batched) RETURN_IF_ERROR(PublishStaged(*coordinator_, plan_, report_));
  LITE2PG_FAILPOINT("publish.moved");
  if (mended_ != nullptr) {
    RETURN_IF_ERROR(mended_->Take(*coordinator_, Location(), plan_, &report_.findings));
  }
  RETURN_IF_ERROR(ExportRejectsIfAsked());
  RETURN_IF_ERROR(WriteCoercionLogIfAsked());
  const Verdict verdict = Conclude();
  RETURN_IF_ERROR(ledger_->SetPlan(*coordinator_, PlanRecordToJson(record_)));
  RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active",
                                    batched ? kStagePublishing : kStagePublished, verdict.outcome));
  RETURN_IF_ERROR(RecordReport(verdict));
  LITE2PG_FAILPOINT("publish.recorded");
  RETURN_IF_ERROR(coordinator_->Commit());
  LITE2PG_FAILPOINT("publish.reply_lost");
  if (batched) RETURN_IF_ERROR(MoveInBatches(plan_.staging_schema, verdict.outcome));
  published_ = true;
  staging_created_ = false;
  report_.outcome = verdict.outcome;
  report_.exit_code = verdict.exit_code;
  LITE2PG_FAILPOINT("publish.committed");
  return absl::OkStatus();
}

CopySession::Verdict CopySession::Conclude() {
  NamePublished(plan_, &report_);
  FillTables();
  report_.undo_sql = UndoStatements(plan_, report_);
  SetPlanResults(report_, &record_);
  RecordPartitions();
  const bool full = request_.common.verify == VerifyMode::kFull;
  const bool rejects = std::any_of(loaded_.begin(), loaded_.end(), [](const LoadedTable& table) {
    return table.rows_rejected > 0;
  });
  return {rejects ? "rejected" : full ? "verified" : "copied",
          rejects ? ExitCode::kRejected : ExitCode::kDone};
}

absl::Status CopySession::WriteCoercionLogIfAsked() {
  if (request_.coercion_log.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(WriteCoercionLog(snapshot_->reader(0), Writer(), *ledger_, plan_, cancel_,
                                   request_.coercion_log));
  report_.next_steps.push_back(absl::StrCat("every value that became another one is in ",
                                            EscapeName(request_.coercion_log)));
  return absl::OkStatus();
}

// Before the run becomes visible, so that a disk that is full here leaves nothing behind there.
absl::Status CopySession::ExportRejectsIfAsked() {
  const std::string& file = request_.policy.rejects_file;
  if (file.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(ExportRejects(*coordinator_, *ledger_, catalog_, file));
  return ledger_->NoteExported(*coordinator_, file);
}

HookFacts CopySession::Facts() const {
  return {{"RUN_ID", run_id_},
          {"SOURCE", report_.source.path},
          {"FINGERPRINT", report_.source.fingerprint},
          {"DATABASE", report_.target.database},
          {"TARGET_SCHEMA", request_.common.target_schema},
          // Where tables that were created are until publish, and what their names begin with.
          {"STAGING_SCHEMA", published_ ? "" : plan_.staging_schema},
          {"STAGING_PREFIX", published_ ? "" : plan_.staging_prefix}};
}

HookFacts CopySession::FactsOfTable(size_t index) const {
  const TablePlan& table = plan_.tables[index];
  HookFacts facts = Facts();
  facts["TABLE"] = table.source->name;
  facts["TARGET_TABLE"] = table.target_name;
  facts["RELATION"] =
      absl::StrCat(QuoteIdentifier(table.load_schema), ".", QuoteIdentifier(table.load_name));
  facts["ROWS"] = absl::StrCat(table.rows);
  return facts;
}

// The user's own SQL, on a connection with the role's own settings.
absl::Status CopySession::RunHook(const std::string& file, absl::string_view option) {
  if (file.empty()) return absl::OkStatus();
  PgConnectOptions options = target_->connect_options();
  options.search_path = std::nullopt;
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options));
  return RunScriptFile(connection, file, option);
}

}  // namespace lite2pg
