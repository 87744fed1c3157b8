// What a copy into the application's own tables does beyond one into new tables, stage by stage.
// For a plan without such tables every method does nothing, but for --fill, which is here too.
#ifndef LITE2PG_ENGINE_COMMAND_EXISTING_TABLES_H_
#define LITE2PG_ENGINE_COMMAND_EXISTING_TABLES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/command/existing_load.h"
#include "engine/command/existing_merge.h"
#include "engine/command/request.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/plan/plan.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"
#include "engine/report/report.h"

namespace lite2pg {

// One run; one thread. Everything given outlives it. Stages in the order of their declaration.
class ExistingTables {
 public:
  ExistingTables(const CopyRequest& request, const Plan& plan, EventSink& events,
                 CancelToken& cancel)
      : request_(request), plan_(plan), events_(events), cancel_(cancel) {}

  // Plan: literals of --fill that the server cannot read, and sequences that the role may not set,
  // become blocking findings.
  static absl::Status CheckPlan(PgConnection& connection, Plan* plan);

  // Pre-data: makes the tables to merge from, unless they are there from an earlier attempt, and
  // sets aside what slows loading.
  absl::Status Prepare(PgConnection& connection, const Ledger& ledger, bool staged_already);
  // Data: after it, --fill where rows are still only ours. Digests in `loaded` follow.
  absl::Status Fill(PgConnection& connection, std::vector<LoadedTable>* loaded);
  // Post-data: puts back what was set aside, then opens the transaction of `connection` that
  // merges, which stays open until Finish(): sequences are set and sides compared within it.
  // Rows that the application's tables refuse are recorded through `late`.
  absl::Status Complete(PgConnection& connection, const Ledger& ledger,
                        const RestoreOptions& options, LateRejects* late, Report* report);
  // Sequences: sets all, and remembers where those of the application stood, for TakeBack().
  absl::Status Sequences(PgConnection& connection, Report* report);
  // Verify: the merged tables, by their rows in both places.
  absl::Status Verify(PgConnection& connection);
  // Publish, in the transaction that makes the run visible: drops what was merged from, and the
  // claim on rows in the application's tables.
  absl::Status Finish(PgConnection& connection, const Ledger& ledger);

  // Corrects the report's rows for what this class did; call after they are filled.
  void Describe(Report* report) const;

  // After a failure, on a connection without a transaction. Says in effect() what is left; an error
  // says why something is. The ledger's epoch may be another afterwards.
  absl::Status TakeBack(PgConnection& connection, Ledger* ledger);
  // The part of it that a rollback leaves to do.
  absl::Status PutSequencesBack(PgConnection& connection);
  const std::string& effect() const { return effect_; }

 private:
  absl::Status MakeLateObjects(PgConnection& connection, Report* report);

  struct SequenceState {
    std::string name;                // quoted, qualified
    int64_t before = 0, after = 0;   // last_value
    bool is_called = false;          // before
  };

  const CopyRequest& request_;
  const Plan& plan_;
  EventSink& events_;
  CancelToken& cancel_;
  DefinitionsBefore before_;
  std::vector<MergedTable> merged_;
  std::vector<uint64_t> filled_;
  std::vector<SequenceState> sequences_;
  std::string effect_;
  bool prepared_ = false;
  bool merging_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_EXISTING_TABLES_H_
