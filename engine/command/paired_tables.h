// A source and a target side by side, for commands that compare: which tables and columns belong
// together, and by which rules values are read. Nothing is written to either side.
//
// Unlike a copy's plan, this one blocks on nothing: targets that other tools have filled are to be
// examined as they are. A column's type is the one found in the target; a value without a faithful
// form in it is a difference for the caller to report, not an error.
#ifndef LITE2PG_ENGINE_COMMAND_PAIRED_TABLES_H_
#define LITE2PG_ENGINE_COMMAND_PAIRED_TABLES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/command/archive_source.h"
#include "engine/command/request.h"
#include "engine/command/target_session.h"
#include "engine/plan/plan.h"
#include "engine/plan/plan_record.h"
#include "engine/postgres/ledger.h"
#include "engine/report/event.h"
#include "engine/sqlite/merged_source.h"
#include "engine/sqlite/snapshot.h"

namespace lite2pg {

// A run that the target's ledger remembers as done, with its plan.
struct RecordedRun {
  RunRecord run;
  PlanRecord record;
};

// The finished runs into one schema, newest first.
struct RecordedRuns {
  LedgerLocation location;
  std::vector<RecordedRun> runs;
  std::optional<RunRecord> unfinished;   // the newest that began, and did not end
};
// A ledger that may not be read, or a record that is none, is a finding and no error.
absl::StatusOr<RecordedRuns> ReadRecordedRuns(PgConnection& connection, const std::string& schema,
                                              std::vector<Finding>* findings);

// Exit code 11, naming copy --resume and --restart, while such a run is there: what the schema
// holds is then not what it is to hold.
absl::Status RefuseWhileUnfinished(const RecordedRuns& recorded);

// What goes beside Plan::tables[i].
struct TablePair {
  int run = -1;                         // index into RecordedRuns::runs; -1: no record fits
  const TableRecord* record = nullptr;  // of that run
  // What identifies a row, as indexes into TablePlan::columns: the target's primary key, else a
  // unique index without NULLs, else the source's primary key. Empty: only the whole row does.
  std::vector<size_t> key;
  bool key_is_unique = false;           // by an index of the target
  // The key is the rowid, and an integer on the target: rows can be looked up on both sides.
  bool key_finds_rows = false;
  // The condition is the user's and not the run's: rows of the target that it does not select are
  // no difference.
  bool partial = false;
  // Per column: the field (length word and bytes) that the run put where the source has NULL; "":
  // none.
  std::vector<std::string> fill_fields;
  std::vector<std::string> missing_columns;  // of the source, without a partner in the target
  std::vector<std::string> unread_columns;   // of the source; why is a finding
};

struct PairedTables {
  CommonOptions options;                    // the command's, with patterns of names resolved
  std::unique_ptr<SourceSnapshot> snapshot;
  const MergedSource* merged = nullptr;     // snapshot, when the source is several files
  SourceCatalog catalog;
  const ArchiveSource* archive = nullptr;   // what `snapshot` reads, when that is an archive
  std::optional<TargetSession> target;
  TargetFacts facts;
  std::vector<TargetTable> target_tables;   // all of the schema
  RecordedRuns recorded;

  // tables: source, target, target_name, load_schema and load_name (the target's own), create =
  // false, reading, columns with types and rules, codecs. findings, not_loaded. No other field.
  Plan plan;
  std::vector<TablePair> pairs;             // one per plan.tables
  std::vector<const SourceTable*> without_partner;
  std::vector<const TargetTable*> only_in_target;
};

// Which columns that a recorded run did not load are named as unread: all, or all but those that
// the target computes.
enum class UnreadColumns : uint8_t { kAll, kNotComputed };

// Opens both sides and pairs them. `readers` is the number of connections to the source. Names are
// matched by the configuration, then by the newest run whose record fits, then exactly, then with
// ASCII case folded; a name that folds to several is not matched.
absl::StatusOr<std::unique_ptr<PairedTables>> OpenPairedTables(const CommonOptions& common,
                                                               const std::string& source,
                                                               const TargetSpec& target,
                                                               int readers, UnreadColumns columns,
                                                               EventSink& events,
                                                               CancelToken& cancel);

// The same for the rows of an archive, whose files were checked; it outlives the result. Values are
// those of the archive, in its types.
absl::StatusOr<std::unique_ptr<PairedTables>> PairArchive(const CommonOptions& common,
                                                          const ArchiveSource& archive,
                                                          const TargetSpec& target, int readers,
                                                          EventSink& events, CancelToken& cancel);

// How the source's table is read: these columns (positions among the declared ones).
TableReading ReadingOf(const PairedTables& pairs, const SourceTable& table,
                       std::vector<int> columns, const std::string& where);

// Whether --include and --exclude select the table.
bool IsIncluded(const CommonOptions& common, absl::string_view table);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_PAIRED_TABLES_H_
