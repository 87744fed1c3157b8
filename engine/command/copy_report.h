// The parts of a copy that are about single tables: what the plan and the run mean for each, in
// the report's terms, and the steps too small for a stage of their own.
#ifndef LITE2PG_ENGINE_COMMAND_COPY_REPORT_H_
#define LITE2PG_ENGINE_COMMAND_COPY_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/command/request.h"
#include "engine/pipeline/copy_tables.h"
#include "engine/pipeline/scan_graph.h"
#include "engine/plan/planner.h"
#include "engine/postgres/ledger.h"
#include "engine/report/report.h"

namespace lite2pg {

// Adds a finding for every table that the library read although its pages were to be read.
void NoteReaders(const Plan& plan, const std::vector<LoadedTable>& loaded, Report* report);
// How many streams carried rows at most.
void NoteStreams(const std::vector<LoadedTable>& loaded, Report* report);

// Fills report->tables from the plan alone (plan), or with what was copied and read back. Calling
// again replaces the earlier rows.
void FillPlannedTables(const Plan& plan, Report* report);
// plan: how many rows the application's tables hold, as rows_preexisting and rows_target of the
// first plan.tables.size() tables of the report. What the role may not read stays 0.
void CountPlannedTargets(PgConnection& connection, const Plan& plan, Report* report);
void FillCopiedTables(const Plan& plan, const std::vector<LoadedTable>& loaded,
                      const std::vector<Digest>& read_back, const CopyRequest& request,
                      Report* report);

// kDifference with exit code 4 when a table's two sides differ; names the first.
absl::Status DifferenceStatus(const Report& report, const Plan& plan);
// Exit code 12 for the first warning or blocking finding.
absl::Status StrictStatus(const std::vector<Finding>& findings);

// Scans all tables; columns of existing date tables that hold numbers are settled and scanned once
// more with the reading that their values prove.
absl::StatusOr<std::vector<TableScan>> ScanAndSettle(std::vector<ScanTask>* tasks,
                                                     Selection* selection,
                                                     SourceSnapshot& snapshot, EventSink& events,
                                                     const CancelToken& cancel);

// PRAGMA quick_check: structural damage is an error with exit code 5, constraints that the data
// violates are findings. A table that cannot be checked without the application that made it is
// named; the others are checked all the same.
absl::Status QuickCheck(SqliteConnection& reader, std::vector<Finding>* findings);

// kSourceChanged when the copy met other numbers of rows than the scan.
absl::Status CheckRowCounts(const Plan& plan, const std::vector<LoadedTable>& loaded);

// Row counts only, in the digests' place.
absl::StatusOr<std::vector<Digest>> CountTables(PgConnection& connection, const Plan& plan);

absl::Status SetSequences(PgConnection& connection, const Plan& plan, Report* report);

// What takes back a published run.
std::vector<std::string> UndoStatements(const Plan& plan, const Report& report);

// Whether the type is one in which a storage class is at home: nothing of the value changes there.
bool IsNaturalIn(StorageClass storage_class, Oid oid);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_COPY_REPORT_H_
