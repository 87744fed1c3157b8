#include "engine/command/copy_session.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/limits.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/base/thread_priority.h"
#include "engine/command/coordinator.h"
#include "engine/command/coercion_log.h"
#include "engine/command/copy_report.h"
#include "engine/command/duplicate_keys.h"
#include "engine/command/late_rejects.h"
#include "engine/command/orphans.h"
#include "engine/command/rejects_export.h"
#include "engine/command/source_checks.h"
#include "engine/command/source_replay.h"
#include "engine/command/staging.h"
#include "engine/pipeline/postdata_graph.h"
#include "engine/pipeline/scan_graph.h"
#include "engine/plan/config_patterns.h"
#include "engine/plan/existing_columns.h"
#include "engine/postgres/relations.h"
#include "engine/postgres/script.h"
#include "engine/verify/cross_check.h"
#include "engine/verify/read_back.h"

namespace lite2pg {
namespace {

// Memory that a stream takes: its batches, libpq's buffers, SQLite's page cache and a share of the
// allocator's slack.
constexpr size_t kStreamBytes = size_t{12} << 20;
// --streams auto: a stream waits for the network, the disk and the server, so that more of them
// than there are processors can pay; how many it measures.
constexpr int kAutoStreamsMin = 4;
constexpr int kAutoStreamsPerProcessor = 2;
constexpr int kSpareConnections = 5;

// What the process needs besides.
constexpr size_t kBaseBytes = size_t{64} << 20;

std::string NewRunId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

// Whether a stream would spend much of its time on the way: it waits for the server four times for
// each chunk. Then the copy begins with many, instead of finding out.
bool IsFar(PgConnection& connection) {
  constexpr auto kFar = std::chrono::milliseconds(4);
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 3; ++i) {
    const auto began = std::chrono::steady_clock::now();
    if (!connection.Execute("SELECT").ok()) return false;  // whoever needs it next will say why
    best = std::min(best, std::chrono::steady_clock::now() - began);
  }
  return best > kFar;
}

// Begins a stage for the display and measures it for the report.
class StageScope {
 public:
  StageScope(Stage stage, EventSink& events, Report* report)
      : stage_(stage), events_(events), timer_(stage, report) {
    events_.counters.rows_done = events_.counters.rows_total = 0;
    events_.counters.bytes_done = events_.counters.bytes_total = 0;
    Emit(Event::Kind::kStageBegin);
  }
  ~StageScope() {
    timer_.End();
    Emit(Event::Kind::kStageEnd);
  }

 private:
  void Emit(Event::Kind kind) {
    Event event;
    event.kind = kind;
    event.stage = stage_;
    events_.Emit(event);
  }

  Stage stage_;
  EventSink& events_;
  StageTimer timer_;
};

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

CopySession::CopySession(const CopyRequest& request, const MendedRejects* mended,
                         EventSink& events, CancelToken& cancel)
    : request_(request),
      mended_(mended),
      events_(events),
      cancel_(cancel),
      run_id_(NewRunId()),
      existing_(request, plan_, events, cancel) {
  report_.command = request.dry_run ? "plan" : "copy";
  report_.run_id = run_id_;
}

CopySession::~CopySession() {
  if (quick_check_.joinable()) quick_check_.join();
}

int CopySession::Streams() const {
  const size_t memory = request_.common.memory_bytes;
  const size_t by_memory = memory > kBaseBytes ? (memory - kBaseBytes) / kStreamBytes : 1;
  int streams = request_.common.streams;
  if (streams == 0) streams = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  streams = std::min<int>(streams, static_cast<int>(std::max<size_t>(by_memory, 1)));
  return std::clamp(streams, 1, kStreamsMax);
}

int CopySession::StreamsMax() const {
  if (request_.common.streams != 0) return Streams();
  const size_t memory = request_.common.memory_bytes;
  const size_t by_memory = memory > kBaseBytes ? (memory - kBaseBytes) / kStreamBytes : 1;
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  int streams = std::min<int>(std::max(kAutoStreamsMin, kAutoStreamsPerProcessor * processors),
                              static_cast<int>(std::max<size_t>(by_memory, 1)));
  // Some connections stay for the application, and for ours that send no rows.
  if (facts_.version != 0) streams = std::min(streams, facts_.connections_free - kSpareConnections);
  return std::clamp(streams, Streams(), kStreamsMax);
}

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
  if (!request_.dry_run) RETURN_IF_ERROR(TakeLock());
  if (mended_ != nullptr) RETURN_IF_ERROR(mended_->Check(*coordinator_, Location()));
  return cancel_.Check();
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
  inputs.order = request_.order;
  inputs.facts = facts_;
  inputs.run_tag = run_id_.substr(0, 8);
  if (coordinator_.has_value()) {
    ASSIGN_OR_RETURN(inputs.target_tables,
                     ReadTargetTables(*coordinator_, request_.common.target_schema, {}));
    ASSIGN_OR_RETURN(inputs.taken_names,
                     ReadRelationNames(*coordinator_, request_.common.target_schema));
    std::vector<uint32_t> oids;
    for (const TargetTable& table : inputs.target_tables) oids.push_back(table.oid);
    ASSIGN_OR_RETURN(inputs.server_types, ReadConfiguredTypes(*coordinator_, request_.common));
    ASSIGN_OR_RETURN(inputs.target_objects, ReadTableObjects(*coordinator_, oids));
  }
  ASSIGN_OR_RETURN(Selection selection, SelectTables(inputs));
  if (archive_ != nullptr) RETURN_IF_ERROR(archive_->AdaptSelection(&selection));
  // What blocks before any value is looked at need not wait for the scan; plan shows everything.
  if (!request_.dry_run && !BlockedStatus(selection.findings).ok()) {
    report_.findings = selection.findings;
    return BlockedStatus(selection.findings);
  }
  std::vector<ScanTask> tasks;
  for (const SelectedTable& table : selection.tables) {
    ScanTask task;
    task.reading = table.reading;
    task.candidates = table.candidates;
    task.weight_bytes = static_cast<uint64_t>(catalog_.bytes());
    tasks.push_back(std::move(task));
  }
  events_.counters.bytes_total = static_cast<uint64_t>(catalog_.bytes());
  ASSIGN_OR_RETURN(std::vector<TableScan> scans,
                   ScanAndSettle(&tasks, &selection, *snapshot_, events_, cancel_));
  RETURN_IF_ERROR(CheckSource());
  if (archive_ != nullptr) archive_->AdaptScans(selection, &scans);
  ASSIGN_OR_RETURN(plan_, lite2pg::MakePlan(inputs, std::move(selection), std::move(scans)));
  if (coordinator_.has_value()) {
    RETURN_IF_ERROR(ExistingTables::CheckPlan(*coordinator_, &plan_));
    ASSIGN_OR_RETURN(PgConnection server, PgConnection::Connect(LoadOptions()));
    RETURN_IF_ERROR(
        CheckServerText(snapshot_->reader(0), server, request_.policy, cancel_, &plan_));
  }
  // Rows of an archive are not in tables that SQLite knows the keys of; the server will tell.
  if (archive_ == nullptr) {
    RETURN_IF_ERROR(FindOrphansInSource(snapshot_->reader(0), plan_, request_.policy.orphans,
                                        request_.deep, &plan_.findings));
  }
  if (request_.deep) {
    RETURN_IF_ERROR(FindDuplicateKeys(snapshot_->reader(0), plan_, &plan_.findings, cancel_));
  }
  report_.findings = plan_.findings;
  events_.counters.findings = static_cast<int>(plan_.findings.size());
  FillPlanned();
  if (request_.dry_run && plan_.blocked()) {
    report_.outcome = "planned";
    return absl::OkStatus();
  }
  if (!request_.dry_run) {
    RETURN_IF_ERROR(BlockedStatus(plan_.findings));
    if (request_.policy.strict) RETURN_IF_ERROR(StrictStatus(plan_.findings));
  }
  return cancel_.Check();
}

absl::Status CopySession::CheckSource() { return snapshot_->CheckUnchanged(); }

absl::Status CopySession::PreData() {
  const StageScope stage(Stage::kPreData, events_, &report_);
  RETURN_IF_ERROR(TakeOver());
  RETURN_IF_ERROR(RunHook(request_.hooks.before_file, "--before-sql"));
  staging_created_ = !plan_.staging_schema.empty();
  RETURN_IF_ERROR(CreateStaged(*coordinator_, plan_));
  RETURN_IF_ERROR(existing_.Prepare(*coordinator_, *ledger_));
  return cancel_.Check();
}

LedgerLocation CopySession::Location() const {
  LedgerLocation location;
  if (!facts_.can_create_schema) {
    location.schema = request_.common.target_schema;
    location.prefix = "lite2pg_";
  }
  return location;
}

// One run at a time per target schema, known before the work of a scan is done in vain.
absl::Status CopySession::TakeLock() {
  std::string holder;
  ASSIGN_OR_RETURN(const bool locked,
                   Ledger::TryLock(*coordinator_, request_.common.target_schema, &holder));
  if (!locked) {
    return MakeError(ErrorCode::kAnotherRun, ExitCode::kCannotResume,
                     absl::StrCat("another run is loading into this schema (", holder, ")"),
                     "wait for it to end, or end it");
  }
  if (request_.resume == ResumeMode::kRestart) {
    return RecoverUnfinishedLoads(*coordinator_, Location(), request_.common.target_schema);
  }
  return RefuseUnfinishedRuns(*coordinator_, Location(), request_);
}

// The ledger, and no other run's leavings.
absl::Status CopySession::TakeOver() {
  const LedgerLocation location = Location();
  RETURN_IF_ERROR(Ledger::CreateTables(*coordinator_, location));
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
  run.options_json = "{}";
  record_ = MakePlanRecord(plan_, request_.common, request_.existing_rows);
  run.plan_json = PlanRecordToJson(record_);
  run.tool_version = LITE2PG_VERSION;
  run.stage = std::string(StageName(Stage::kPreData));
  RETURN_IF_ERROR(ledger_->InsertRun(*coordinator_, run));
  run_recorded_ = true;
  return absl::OkStatus();
}

absl::Status CopySession::Data() {
  const StageScope stage(Stage::kData, events_, &report_);
  for (const TablePlan& table : plan_.tables) {
    events_.counters.rows_total += table.rows;
    events_.counters.bytes_total += table.bytes;
  }
  if (request_.common.check == CheckMode::kFull) StartQuickCheck();
  CopyOptions options;
  options.connect = LoadOptions();
  options.streams = Streams();
  if (request_.common.streams == 0) {
    options.streams_max = std::min(StreamsMax(), snapshot_->size() - 1);
    if (IsFar(*coordinator_)) options.streams = options.streams_max;
  }
  options.policy = request_.policy;
  report_.resources.streams_max = options.streams;
  ASSIGN_OR_RETURN(loaded_, CopyTables(plan_, *snapshot_, *ledger_, options, events_, cancel_));
  if (archive_ != nullptr) RETURN_IF_ERROR(archive_->CheckLoaded(plan_, loaded_));
  for (const LoadedTable& table : loaded_) {
    const int lanes = table.streams.empty() ? 0 : *table.streams.rbegin() + 1;
    report_.resources.streams_max = std::max(report_.resources.streams_max, lanes);
  }
  // Tables of the application are written to from here on; ours can wait until they are published.
  if (plan_.existing.any()) RETURN_IF_ERROR(FinishQuickCheck());
  RETURN_IF_ERROR(CheckSource());
  for (size_t i = 0; i < plan_.tables.size(); ++i) {
    const TablePlan& table = plan_.tables[i];
    const uint64_t seen = loaded_[i].digest.rows + loaded_[i].rows_rejected;
    if (seen == table.rows) continue;
    return MakeError(ErrorCode::kSourceChanged, ExitCode::kSource,
                     absl::StrCat("table ", EscapeName(table.source->name), ": the scan saw ",
                                  table.rows, " rows, the copy ", seen),
                     "look for a program that writes the file without SQLite's locks");
  }
  RETURN_IF_ERROR(KeepCoordinator());
  ASSIGN_OR_RETURN(PgConnection server, PgConnection::Connect(LoadOptions()));
  RETURN_IF_ERROR(DigestServerText(snapshot_->reader(0), server, *ledger_, plan_, cancel_,
                                   &loaded_));
  return existing_.Fill(*coordinator_, &loaded_);
}

PgConnectOptions CopySession::LoadOptions() const {
  PgConnectOptions options = target_->connect_options();
  options.application_name = RunApplicationName(run_id_);
  // Triggers, checks and defaults of the application run as they do for the application.
  if (plan_.existing.any()) options.search_path = std::nullopt;
  return options;
}

// SQLite's own look at the file, beside everything up to publish and on a reader of its own. It
// takes what processor time nobody else wants: the stages after the data leave plenty.
void CopySession::StartQuickCheck() {
  quick_check_ = std::thread([this] {
    LowerThreadPriority();
    SqliteConnection& reader = snapshot_->reader(snapshot_->size() - 1);
    quick_check_status_ = QuickCheck(reader, &quick_check_findings_);
  });
}

absl::Status CopySession::FinishQuickCheck() {
  if (!quick_check_.joinable()) return absl::OkStatus();
  quick_check_.join();
  report_.findings.insert(report_.findings.end(), quick_check_findings_.begin(),
                          quick_check_findings_.end());
  return quick_check_status_;
}

// The server may have been away during the data stage, which waits for it.
absl::Status CopySession::KeepCoordinator() {
  return RenewCoordinator(*target_, plan_.target_schema, &*coordinator_);
}

absl::Status CopySession::PostData() {
  const StageScope stage(Stage::kPostData, events_, &report_);
  RETURN_IF_ERROR(KeepCoordinator());
  RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active", StageName(Stage::kPostData), ""));
  LateRejects late(plan_, request_.policy, *snapshot_, &loaded_);
  RETURN_IF_ERROR(
      RejectOrphans(*coordinator_, plan_, *ledger_, request_.policy.orphans, &late,
                    &report_.findings, cancel_));
  PostDataOptions options;
  options.connect = target_->connect_options();
  options.connect.application_name = RunApplicationName(run_id_);
  options.streams = Streams();
  ASSIGN_OR_RETURN(PostDataResult result, BuildPostData(plan_, options, events_, cancel_));
  for (ObjectReport& object : result.objects) report_.objects.push_back(std::move(object));
  for (Finding& finding : result.findings) report_.findings.push_back(std::move(finding));
  if (request_.policy.orphans == Orphans::kStop) RETURN_IF_ERROR(OrphansStatus(plan_, report_));
  const RestoreOptions restore{options.connect, options.streams, request_.policy.orphans,
                               &cancel_};
  RETURN_IF_ERROR(existing_.Complete(*coordinator_, *ledger_, restore, &late, &report_));
  if (request_.policy.strict) RETURN_IF_ERROR(StrictStatus(report_.findings));
  return cancel_.Check();
}

absl::Status CopySession::Sequences() {
  const StageScope stage(Stage::kSequences, events_, &report_);
  return existing_.Sequences(*coordinator_, &report_);
}

absl::Status CopySession::Verify() {
  const StageScope stage(Stage::kVerify, events_, &report_);
  RETURN_IF_ERROR(ledger_->SetState(*coordinator_, "active", StageName(Stage::kVerify), ""));
  if (request_.common.verify == VerifyMode::kOff) return absl::OkStatus();
  if (request_.common.verify == VerifyMode::kCounts) {
    ASSIGN_OR_RETURN(read_back_, CountTables(*coordinator_, plan_));
  } else {
    for (const TablePlan& table : plan_.tables) events_.counters.rows_total += table.rows;
    ReadBackOptions options;
    options.connect = target_->connect_options();
    options.streams = Streams();
    ASSIGN_OR_RETURN(read_back_, ReadBackTables(plan_, options, events_, cancel_));
    RETURN_IF_ERROR(existing_.Verify(*coordinator_));
  }
  // Not on the coordinator: what the server cannot read would end its transaction.
  ASSIGN_OR_RETURN(PgConnection server_word, target_->Connect());
  RETURN_IF_ERROR(CrossCheckSamples(server_word, plan_, &report_.samples));
  FillTables();
  return DifferenceStatus(report_, plan_);
}

absl::Status CopySession::Publish() {
  const StageScope stage(Stage::kPublish, events_, &report_);
  RETURN_IF_ERROR(FinishQuickCheck());
  RETURN_IF_ERROR(cancel_.Check());
  if (!plan_.staging_schema.empty() || plan_.existing.any()) {
    if (!coordinator_->in_transaction()) RETURN_IF_ERROR(coordinator_->Begin());
    RETURN_IF_ERROR(existing_.Finish(*coordinator_, *ledger_));
    RETURN_IF_ERROR(PublishStaged(*coordinator_, plan_, report_));
    if (mended_ != nullptr) {
      RETURN_IF_ERROR(mended_->Take(*coordinator_, Location(), plan_, &report_.findings));
    }
    RETURN_IF_ERROR(ExportRejectsIfAsked());
    if (!request_.coercion_log.empty()) {
      RETURN_IF_ERROR(WriteCoercionLog(snapshot_->reader(0), *coordinator_, *ledger_, plan_,
                                       cancel_, request_.coercion_log));
    }
    RETURN_IF_ERROR(coordinator_->Commit());
  }
  published_ = true;
  staging_created_ = false;
  NamePublished(plan_, &report_);
  FillTables();
  const bool full = request_.common.verify == VerifyMode::kFull;
  const bool rejects = std::any_of(loaded_.begin(), loaded_.end(), [](const LoadedTable& table) {
    return table.rows_rejected > 0;
  });
  report_.outcome = rejects ? "rejected" : full ? "verified" : "copied";
  report_.exit_code = rejects ? ExitCode::kRejected : ExitCode::kDone;
  SetPlanResults(report_, &record_);
  RETURN_IF_ERROR(ledger_->SetPlan(*coordinator_, PlanRecordToJson(record_)));
  RETURN_IF_ERROR(
      ledger_->FinishRun(*coordinator_, "done", report_.outcome, ReportToJson(report_)));
  ErrorInfo kept;
  kept.effect = "the data is there and verified; only this file did not run to its end";
  return WithContext(RunHook(request_.hooks.after_file, "--after-sql"), kept);
}

// Before the run becomes visible, so that a disk that is full here leaves nothing behind there.
absl::Status CopySession::ExportRejectsIfAsked() {
  const std::string& file = request_.policy.rejects_file;
  return file.empty() ? absl::OkStatus() : ExportRejects(*coordinator_, *ledger_, catalog_, file);
}

HookFacts CopySession::Facts() const {
  return {{"RUN_ID", run_id_},
          {"SOURCE", report_.source.path},
          {"FINGERPRINT", report_.source.fingerprint},
          {"DATABASE", report_.target.database},
          {"TARGET_SCHEMA", request_.common.target_schema}};
}

// The user's own SQL, on a connection with the role's own settings.
absl::Status CopySession::RunHook(const std::string& file, absl::string_view option) {
  if (file.empty()) return absl::OkStatus();
  PgConnectOptions options = target_->connect_options();
  options.search_path = std::nullopt;
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Connect(options));
  return RunScriptFile(connection, file, option);
}

void CopySession::Abandon(const absl::Status& status) {
  if (quick_check_.joinable()) {
    snapshot_->reader(snapshot_->size() - 1).Interrupt();
    quick_check_.join();
  }
  if (published_ || !run_recorded_) return;
  const ErrorInfo info = InfoOf(status);
  if (coordinator_.has_value()) coordinator_->Rollback();
  TakeBackExisting();
  DropStaging();
  if (coordinator_.has_value() && coordinator_->alive()) {
    // A run whose tables are gone leaves nothing that a later one would have to know of. It has
    // failed already; a ledger that cannot be written to changes nothing of that.
    const bool left = staging_created_ || existing_left_;
    ledger_->SetState(*coordinator_, left ? "interrupted" : "failed", "",
                      info.exit_code == ExitCode::kInterrupted ? "interrupted" : "failed")
        .IgnoreError();
  }
}

std::string CopySession::OwnStagingSchema() const {
  return plan_.staging_prefix.empty() ? plan_.staging_schema : std::string();
}

void CopySession::TakeBackExisting() {
  if (!plan_.existing.any()) return;
  if (!coordinator_.has_value() || !coordinator_->alive()) {
    absl::StatusOr<PgConnection> again = target_->Connect();
    if (again.ok()) coordinator_ = *std::move(again);
  }
  if (!coordinator_.has_value() || !coordinator_->alive()) {
    existing_left_ = true;
    return;
  }
  const absl::Status status = existing_.TakeBack(*coordinator_, &*ledger_);
  if (status.ok()) return;
  existing_left_ = true;
  coordinator_->Rollback();
  report_.errors.push_back(InfoOf(status));
}

void CopySession::DropStaging() {
  if (!staging_created_) return;
  if (!coordinator_.has_value() || !coordinator_->alive()) {
    absl::StatusOr<PgConnection> again = target_->Connect();
    if (again.ok()) coordinator_ = *std::move(again);
  }
  if (coordinator_.has_value() && coordinator_->alive()) {
    staging_created_ =
        !DropStaged(*coordinator_, run_id_, plan_.target_schema, OwnStagingSchema()).ok();
  }
  if (staging_created_) {
    report_.next_steps.push_back("what was staged is left over; the next copy --restart drops it");
  }
}

void CopySession::FillTables() {
  FillCopiedTables(plan_, loaded_, read_back_, request_, &report_);
  existing_.Describe(&report_);
}
void CopySession::FillPlanned() { FillPlannedTables(plan_, &report_); }

Report CopySession::TakeReport(const absl::Status& status) {
  {
    const StageScope stage(Stage::kReport, events_, &report_);
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
  if (published_) report_.undo_sql = UndoStatements(plan_, report_);
  coordinator_.reset();
  if (target_.has_value()) {
    const absl::Status closed = target_->Close();
    if (!closed.ok() && status.ok()) report_.errors.push_back(InfoOf(closed));
  }
}

}  // namespace lite2pg
