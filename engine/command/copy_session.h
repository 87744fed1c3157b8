// The stages of a copy, one method each; copy.cc lists them in order.
#ifndef LITE2PG_ENGINE_COMMAND_COPY_SESSION_H_
#define LITE2PG_ENGINE_COMMAND_COPY_SESSION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/command/archive_source.h"
#include "engine/command/exec_hooks.h"
#include "engine/command/existing_tables.h"
#include "engine/command/mended_rejects.h"
#include "engine/command/request.h"
#include "engine/command/target_session.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/plan/plan_record.h"
#include "engine/plan/planner.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/report/resources.h"
#include "engine/sqlite/merged_source.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// Where the rows come from when it is not request.source; both outlive the session.
struct CopyOrigin {
  const MendedRejects* mended = nullptr;  // --only-rejects: the rows that the request is about
  ArchiveSource* archive = nullptr;       // import
};

// One run. Call the stages in the order of their declaration; after an error only Abandon() and
// TakeReport(). One thread.
class CopySession {
 public:
  CopySession(const CopyRequest& request, const CopyOrigin& origin, EventSink& events,
              CancelToken& cancel);
  ~CopySession();

  absl::Status Inspect();
  absl::Status MakePlan();
  absl::Status PreData();
  // `table_loaded` is called with the place of each table in the plan, once, as soon as its rows
  // are there; an error of it ends the run.
  absl::Status Data(const std::function<absl::Status(size_t)>& table_loaded);
  absl::Status PostData();
  absl::Status Sequences();
  absl::Status Verify();
  absl::Status Publish();
  // What follows when everything is visible: the ledger's last word, and --after-sql.
  absl::Status Complete();

  // Instead of all that comes between Inspect() and the report, for a process that joins a run
  // (request.join): makes the run's plan, loads what the others give it, and waits for the end.
  absl::Status PlanShare();
  absl::Status LoadShare();
  absl::Status AwaitEnd();

  // After Inspect(): --resume found a run that is published already; Complete() is all it lacks.
  bool IsPublished() const { return published_; }

  // After a failure: keeps what is loaded where the run can be resumed, and says so. Otherwise
  // takes back what was created, so that the target is as it was, and says what is left where that
  // is not possible. The application's tables are as they were either way.
  void Abandon(const absl::Status& status);

  // After Abandon(): how to begin again when all that failed is a connection; nullopt when that
  // would not help, or would do something of the user's twice.
  std::optional<ResumeMode> AgainAs(const absl::Status& status) const;

  const Plan& plan() const { return plan_; }
  // Of the run, for the user's commands.
  HookFacts Facts() const;
  HookFacts FactsOfTable(size_t index) const;
  // SQLite's check of the file, between these two beside what the caller does; a plan's is beside
  // the scan, a copy's begins with the data.
  void StartQuickCheck();
  absl::Status FinishQuickCheck();
  // Completes and returns the report; stops an embedded cluster.
  Report TakeReport(const absl::Status& status);

 private:
  int Streams() const;     // to begin with
  int StreamsMax() const;  // what --streams auto may rise to
  LedgerLocation Location() const;
  absl::Status TakeLock();
  absl::Status FindResumed();
  absl::Status FindJoined();
  absl::StatusOr<bool> MustBeWaitedFor(const RunRecord* run, bool is_other);
  absl::Status LoadTables(const CopyOptions& options);
  absl::Status JudgeLoaded(bool checking);
  absl::Status TellRest(const std::set<size_t>& told,
                        const std::function<absl::Status(size_t)>& table_loaded);
  absl::Status LoadShareOnce();
  absl::StatusOr<bool> IsLoadedFurther();
  absl::StatusOr<std::string> SourceContent();
  absl::StatusOr<bool> LockOrWait(std::string* holder);
  absl::Status RecordRun();
  void RecordPlan();
  absl::Status StageTables();
  absl::Status ShowRun(const RunRecord& run);
  bool PublishesInBatches() const;
  absl::Status MoveInBatches(const std::string& staging_schema, const std::string& outcome);
  absl::Status RunHook(const std::string& file, absl::string_view option);
  absl::Status FindViolations();
  absl::Status CheckSource();
  absl::Status Estimate();
  // How the streams of the data stage connect.
  PgConnectOptions LoadOptions() const;
  absl::Status OpenSource();
  absl::Status KeepCoordinator();
  absl::Status ExportRejectsIfAsked();
  absl::Status WriteCoercionLogIfAsked();
  // What the run comes to when its last transaction takes place; the report's tables and the record
  // are filled.
  struct Verdict {
    std::string outcome;
    ExitCode exit_code = ExitCode::kDone;
  };
  Verdict Conclude();
  absl::Status RecordReport(const Verdict& verdict);
  void CompleteReport(const absl::Status& status);
  void RecordPartitions();
  bool Joins() const { return !request_.join.empty(); }
  void FillTables();
  void FillPlanned();
  void DropStaging();
  void TakeBackExisting();
  bool ReviveCoordinator();
  bool IsWorthKeeping(const ErrorInfo& info) const;
  void Keep(const ErrorInfo& info);
  std::string OwnStagingSchema() const;  // "" when staged under a prefix

  // Of a run that is one transaction (copy_session_together.cc), in the order of the stages.
  bool IsOneTransaction() const { return plan_.existing.one_transaction; }
  absl::Status BeginTogether();
  absl::Status CheckTogether();
  absl::Status CommitTogether();
  absl::StatusOr<bool> SettleTogether(const std::string& transaction);
  void AbandonTogether(const ErrorInfo& info);
  // The connection whose open transaction the last stages are in.
  PgConnection& Writer() { return together_.has_value() ? *together_ : *coordinator_; }

  const CopyRequest& request_;
  const MendedRejects* const mended_;
  ArchiveSource* const archive_;  // nullptr: the source is an SQLite file
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  ResourceMeter meter_;
  std::string run_id_;

  std::optional<TargetSession> target_;
  std::unique_ptr<SourceSnapshot> snapshot_;
  const MergedSource* merged_ = nullptr;  // snapshot_, when the source is several files
  std::vector<Finding> merged_findings_;
  SourceCatalog catalog_;
  CommonOptions options_;  // the request's, with patterns of names resolved
  TargetFacts facts_;
  Plan plan_;
  PlanRecord record_;                        // what the ledger keeps of the plan
  std::optional<PgConnection> coordinator_;  // holds the advisory lock
  std::optional<PgConnection> together_;     // all of a run that is one transaction
  std::optional<Ledger> ledger_;
  std::optional<RunRecord> resumed_;  // the run that goes on, as the ledger had it
  bool run_recorded_ = false;
  bool kept_ = false;             // by Abandon(), for a resume
  bool loading_ = false;          // by streams, which make lost connections anew themselves
  bool staging_created_ = false;
  bool published_ = false;
  bool publishing_ = false;           // some tables may be in their place, and others not
  bool done_ = false;                 // in the ledger before this process came
  bool completed_ = false;            // nothing but the user's own files and commands is left
  std::string effect_;                // of a failure, on the target
  bool data_begun_ = false;           // all that is staged is there, and may have rows
  bool keeps_data_ = false;           // resumed: chunks may be loaded already
  ExistingTables existing_;      // after plan_, which it reads
  bool existing_left_ = false;   // something could not be taken back

  // Readers of the snapshot that no stream uses: one for the content's hash, one for quick_check.
  static constexpr int kOtherReaders = 2;

  uint64_t rows_for_others_ = 0;  // loaded as a member of another process's run
  std::vector<LoadedTable> loaded_;
  std::vector<Digest> read_back_;
  std::vector<PartitionRecord> partitions_;  // of what was read back
  std::thread quick_check_;
  std::atomic<bool> quick_check_stopped_{false};  // before the next file
  absl::Status quick_check_status_;
  std::vector<Finding> quick_check_findings_;
};

// Runs all stages of a copy, or of its plan, from the request's source or from an archive (import).
Report RunCopyFrom(const CopyRequest& request, ArchiveSource* archive, EventSink& events,
                   CancelToken& cancel);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_COPY_SESSION_H_
