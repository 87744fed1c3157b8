// copy --resume: which run goes on, whether it may, and what of it can be kept.
//
// docs/operations.md and docs/ledger.md, "Resuming", tell the whole of it. In short: the same
// source, the same options and the same plan; what was loaded is read again on the source and must
// have the digest that the ledger has for it; what is left of each table is loaded.
#ifndef LITE2PG_ENGINE_COMMAND_RESUME_H_
#define LITE2PG_ENGINE_COMMAND_RESUME_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/command/request.h"
#include "engine/pipeline/resumed_data.h"
#include "engine/plan/plan.h"
#include "engine/plan/selection.h"
#include "engine/postgres/connection.h"
#include "engine/postgres/ledger.h"
#include "engine/report/report.h"

namespace lite2pg {

// A run that has begun and is neither done nor taken back.
bool IsUnfinished(const RunRecord& run);
// Whether it is of a command that --resume goes on with.
bool CanBeResumed(const RunRecord& run);
// Its last transaction is committed: all that is missing is a word in the ledger.
bool IsPublished(const RunRecord& run);

// Its tables are on their way to their places, one part after the other: it can only be gone on
// with.
bool IsPublishing(const RunRecord& run);
// Exit code 11, naming --resume, while there is such a run.
absl::Status RefuseWhilePublishing(PgConnection& connection, const LedgerLocation& location,
                                   const CopyRequest& request);

// The run that --resume goes on with, or one that has finished already with the same source and
// options. kNothingToResume, kSourceChanged or kUnfinishedRun with exit code 11 when there is none,
// or it may not go on. Changes nothing. REQUIRES: the lock on the target schema.
absl::StatusOr<RunRecord> FindRunToResume(PgConnection& connection, const LedgerLocation& location,
                                          const CopyRequest& request,
                                          const std::string& fingerprint);

// Without --resume and --restart: exit code 11 when a run did not finish, naming both. A run that
// only lacks the last word in the ledger gets it.
absl::Status RefuseUnfinishedRuns(PgConnection& connection, const LedgerLocation& location,
                                  const CopyRequest& request);
// --restart: removes them with all they staged.
absl::Status DropUnfinishedRuns(PgConnection& connection, const LedgerLocation& location,
                                const CopyRequest& request);

// Makes the run ours, and takes its rows out of the application's tables that it loaded directly:
// those begin anew, from empty, with their definitions as they were. Afterwards the target is as
// the first attempt's plan found it, but for what is staged.
absl::StatusOr<Ledger> TakeRunOver(PgConnection& connection, const LedgerLocation& location,
                                   const RunRecord& run);

// Foreign keys from tables that the run stages to the application's, which would keep rows there
// from being taken back. They are made again when the run goes on.
absl::Status DropForeignKeysToOthers(PgConnection& connection, const Ledger& ledger,
                                     const std::string& target_schema,
                                     const std::string& staging_schema);

// Takes the run's own tables, indexes and sequences out of what the planner sees, as they were not
// there when it was planned first. Matters to runs that are staged under a prefix.
absl::Status HideStaged(PgConnection& connection, const RunRecord& run, PlanInputs* inputs);

// OK if every table that the run stages is there; exit code 11 if somebody has dropped one.
absl::Status CheckStaged(PgConnection& connection, const Plan& plan, const RunRecord& run);

// Checks what is loaded against the source, and empties tables that must begin anew.
absl::StatusOr<ResumedData> ResumeData(PgConnection& connection, const Ledger& ledger,
                                       const Plan& plan, SourceSnapshot& snapshot, int streams,
                                       EventSink& events, const CancelToken& cancel);

// Whether a run that failed with `info` is kept for --resume: its cause may go away while source,
// options and plan stay the same. docs/operations.md has the table.
bool CanBeResumed(const ErrorInfo& info);
// The run has ended badly, or is over in a way that it does not own any more: nobody's to touch.
bool BelongsToOthers(const ErrorInfo& info);

// The command that goes on with a run: `command` with the flag.
std::string WithFlag(const std::string& command, absl::string_view flag);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_RESUME_H_
