// The stages of a sync, one method each; sync.cc lists them in order.
#ifndef LITE2PG_ENGINE_COMMAND_SYNC_SESSION_H_
#define LITE2PG_ENGINE_COMMAND_SYNC_SESSION_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/command/paired_tables.h"
#include "engine/command/request.h"
#include "engine/command/sync_guard.h"
#include "engine/command/sync_proof.h"
#include "engine/command/sync_tables.h"
#include "engine/plan/written_forms.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/report/resources.h"
#include "engine/verify/difference.h"

namespace lite2pg {

// One run. Everything that it writes is in one transaction, which also holds locks that keep other
// writers off the tables: after an error nothing has happened. Call the stages in the order of
// their declaration; after an error only TakeReport(). One thread.
class SyncSession {
 public:
  SyncSession(const SyncRequest& request, EventSink& events, CancelToken& cancel);
  ~SyncSession();

  absl::Status Inspect();    // both sides, the lock, the transaction
  absl::Status Plan();       // what differs, put beside the tables
  absl::Status Data();       // brings it over
  absl::Status Sequences();
  absl::Status Verify();     // reads back what was touched
  absl::Status Publish();    // the ledger's record, and COMMIT

  absl::Status Timed(Stage stage, absl::Status (SyncSession::*method)());
  Report TakeReport(const absl::Status& status);

 private:
  // A row of the source that has no form in the target's types.
  struct Refused {
    Digest rows;
    std::string key, column, value;   // of the first
    bool changed = false;             // the target has another row of that key
  };

  // Tables below this are not worth cutting into pieces.
  static constexpr int64_t kLargePages = 4096;

  static bool IsLarge(const TablePlan& table) { return table.target.pages >= kLargePages; }
  int Workers() const;
  absl::Status CheckLedgerCanBe() const;
  absl::Status CheckPairs() const;
  absl::Status CheckFills() const;
  absl::Status Guard();
  absl::Status CheckRefused();
  absl::Status OnDifference(size_t table, DifferenceKind kind, bool from_a,
                            const ComparedRow& row);
  void NoteRefused(size_t table, DifferenceKind kind, const ComparedRow& row);
  absl::Status SetAside();
  PlanRecord NewRecord() const;
  absl::Status Record();
  Digest Expected(size_t table) const { return guards_[table].Expected(refused_[table].rows); }
  bool AnyHeld() const;
  void FillTables();

  const SyncRequest& request_;
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  ResourceMeter meter_;
  std::string run_id_;

  std::unique_ptr<PairedTables> pairs_;
  std::vector<ComparedTable> compared_;
  std::optional<PgConnection> writer_;
  std::optional<Ledger> ledger_;
  std::unique_ptr<SyncTables> tables_;
  std::optional<SyncProof> proof_;
  std::vector<Refused> refused_;
  std::vector<SyncGuard> guards_;
  std::vector<TableDifferences> found_;
  std::vector<std::vector<ColumnForms>> forms_;   // of the source's tables, once compared
  std::vector<std::optional<Digest>> read_back_;  // of all tables, once verified
  std::vector<std::vector<Digest>> written_;      // partitions of tables that were read back
  bool published_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_SYNC_SESSION_H_
