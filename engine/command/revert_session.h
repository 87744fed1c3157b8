// The stages of a revert, one method each; revert.cc lists them in order.
#ifndef LITE2PG_ENGINE_COMMAND_REVERT_SESSION_H_
#define LITE2PG_ENGINE_COMMAND_REVERT_SESSION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/atomic_file.h"
#include "engine/base/cancel.h"
#include "engine/command/request.h"
#include "engine/command/revert_plan.h"
#include "engine/command/target_session.h"
#include "engine/plan/value_restorer.h"
#include "engine/report/event.h"
#include "engine/report/report.h"
#include "engine/report/resources.h"
#include "engine/sqlite/catalog.h"
#include "engine/sqlite/database_writer.h"

namespace lite2pg {

// One run. Call the stages in the order of their declaration; after an error only TakeReport(). The
// file has its name only after Publish(); before, it has another one beside it, and goes with this
// object. One thread.
class RevertSession {
 public:
  RevertSession(const RevertRequest& request, EventSink& events, CancelToken& cancel);

  absl::Status Inspect();   // one snapshot of PostgreSQL, from which everything is read
  absl::Status Plan();
  absl::Status PreData();   // the file and its tables
  absl::Status Data();
  absl::Status PostData();  // indexes, views, triggers, sequences
  absl::Status Verify();    // the file is read back by the copy's own encoders
  absl::Status Publish();

  // Runs a stage and measures it for the report.
  absl::Status Timed(Stage stage, absl::Status (RevertSession::*method)());
  Report TakeReport(const absl::Status& status);

 private:
  struct Loaded {
    Digest target;               // of the tuples that COPY gave
    Digest stored;               // of the values as they were put in
    uint64_t rows = 0;
    std::vector<uint64_t> other_forms;   // per column
    std::vector<std::string> examples;   // of those
    bool loose = false;          // the table's own declaration did not take its rows as they are
  };

  absl::Status LeaveOutPartitions(const std::string& schema);
  absl::StatusOr<bool> IsDeclared(const RevertTable& table, const RevertColumn& column);
  absl::Status CheckDestination() const;
  absl::Status DeclareTable(const RevertTable& table);
  absl::Status ReadCatalogOfFile();
  void LeaveGeneratedColumns();
  const SourceTable* TableOfFile(const std::string& name) const;
  absl::Status LoadTable(const RevertTable& table, Loaded* loaded);
  absl::StatusOr<bool> TryTable(const RevertTable& table, Loaded* loaded);
  absl::StatusOr<bool> LoadLoosely(const RevertTable& table, Loaded* loaded);
  absl::Status CopyRows(const RevertTable& table, Loaded* loaded);
  absl::Status AddTuple(const RevertTable& table, absl::string_view tuple, Loaded* loaded);
  absl::Status SetSequences();
  absl::Status CheckFile();
  absl::StatusOr<Digest> ReadBack(SqliteConnection& file, const SourceCatalog& catalog,
                                  const RevertTable& table);
  void NoteOtherForms(const RevertTable& table, const Loaded& loaded);
  void FillTables();

  const RevertRequest& request_;
  EventSink& events_;
  CancelToken& cancel_;
  Report report_;
  ResourceMeter meter_;

  std::optional<TargetSession> target_;
  std::optional<PgConnection> connection_;
  RevertRecords records_;
  std::vector<TargetTable> target_tables_;
  RevertPlan plan_;
  std::optional<AtomicFile> file_;
  std::optional<DatabaseWriter> writer_;
  SourceCatalog catalog_;              // of the new file, before its rows
  std::vector<Loaded> loaded_;
  std::vector<Digest> read_back_;
  // Of the table under way, and of its row.
  std::vector<ColumnCodec> codecs_;
  std::vector<std::string> texts_;
  std::vector<SourceValue> values_;
  std::vector<ValueRestorer> restorers_;
  FieldBuffer scratch_;
  bool published_ = false;
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_COMMAND_REVERT_SESSION_H_
