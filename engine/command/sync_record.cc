// What a sync leaves in the ledger: the record that a copy of the same state would have left.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/stage.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/sync_session.h"
#include "engine/plan/representation.h"
#include "engine/plan/source_schema.h"

namespace lite2pg {
namespace {

// Takes over what is known of the same columns; "" where a column's type has changed since.
void KeepForms(const TableRecord& known, TableRecord* row) {
  row->created = known.created;
  for (ColumnRecord& column : row->columns) {
    column.representation.clear();
    for (const ColumnRecord& old : known.columns) {
      if (old.target_name != column.target_name) continue;
      column.fill = old.fill;
      column.fill_text = old.fill_text;
      if (old.source_name == column.source_name && old.type_name == column.type_name &&
          old.typmod == column.typmod && old.rules == column.rules) {
        column.representation = old.representation;
      }
    }
  }
}

bool AllKnown(const TableRecord& row) {
  return std::none_of(row.columns.begin(), row.columns.end(),
                      [](const ColumnRecord& column) { return column.representation.empty(); });
}

// Whether what is known of a column's values stays true when others join them that ask for `added`:
// the same rules, by which all come back; or such as did not bring all back before either, which is
// looked into again only where that costs little.
bool StaysTrue(const std::string& known, const std::string& added, bool large) {
  const absl::StatusOr<Representation> a = RepresentationFromJson(known);
  const absl::StatusOr<Representation> b = RepresentationFromJson(added);
  if (known.empty() || !a.ok() || !b.ok()) return false;
  return a->exact ? known == added : large && a->storage == b->storage;
}

}  // namespace

absl::StatusOr<PlanRecord> SyncSession::NewRecord() {
  PlanRecord record = MakePlanRecord(pairs_->plan, request_.common, ExistingRows::kRefuse);
  if (!pairs_->recorded.runs.empty()) {
    const PlanRecord& last = pairs_->recorded.runs[0].record;
    record.source_time_zone = last.source_time_zone;
    record.source_column = last.source_column;
    record.existing_rows = last.existing_rows;
  }
  record.source_schema = SourceSchemaToJson(MakeSourceSchema(pairs_->catalog));
  // How values are written may differ in what has come since. Where that cannot be told by what
  // came alone, the table is read as a whole.
  std::vector<size_t> of_few, whole;
  for (size_t i = 0; i < pairs_->plan.tables.size(); ++i) {
    const TableRecord* known = pairs_->pairs[i].record;
    if (known != nullptr) KeepForms(*known, &record.tables[i]);
    const Brought& brought = brought_[i];
    if (known == nullptr || brought.others || !AllKnown(record.tables[i])) {
      whole.push_back(i);
    } else if (!brought.keys.empty()) {
      of_few.push_back(i);
    }
  }
  PlanRecord added = record;
  RETURN_IF_ERROR(DescribeForms(of_few, /*only_brought=*/true, &added));
  for (const size_t i : of_few) {
    const std::vector<ColumnRecord>& columns = record.tables[i].columns;
    const bool large = IsLarge(pairs_->plan.tables[i]);
    bool stay_true = true;
    for (size_t c = 0; c < columns.size(); ++c) {
      stay_true &= StaysTrue(columns[c].representation,
                             added.tables[i].columns[c].representation, large);
    }
    if (!stay_true) whole.push_back(i);
  }
  RETURN_IF_ERROR(DescribeForms(whole, /*only_brought=*/false, &record));
  SetPlanResults(report_, &record);
  for (size_t i = 0; i < guards_.size(); ++i) guards_[i].Record(written_[i], &record.tables[i]);
  return record;
}

// How values are written in `tables`: in all their rows, or in those alone that were brought over.
absl::Status SyncSession::DescribeForms(const std::vector<size_t>& tables, bool only_brought,
                                        PlanRecord* record) {
  if (tables.empty()) return absl::OkStatus();
  std::vector<ScanTask> tasks;
  for (const size_t i : tables) {
    const TablePlan& table = pairs_->plan.tables[i];
    ScanTask task;
    task.reading = table.reading;
    if (only_brought) task.reading.where_sql = WhereBrought(i);
    for (const ColumnPlan& column : table.columns) {
      ASSIGN_OR_RETURN(Candidate candidate, FixedCandidate(column.type, column.rules));
      task.candidates.push_back({std::move(candidate)});
    }
    tasks.push_back(std::move(task));
  }
  ASSIGN_OR_RETURN(const std::vector<ScannedTable> scans,
                   ScanTables(tasks, *pairs_->snapshot, events_, cancel_));
  for (size_t k = 0; k < scans.size(); ++k) {
    RETURN_IF_ERROR(scans[k].status);
    const TablePlan& table = pairs_->plan.tables[tables[k]];
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const ColumnScan& scan = scans[k].scan.columns[c];
      record->tables[tables[k]].columns[c].representation =
          RepresentationToJson(DescribeRepresentation(table.columns[c].type,
                                                      table.columns[c].rules, scan.counts,
                                                      scan.forms));
    }
  }
  return absl::OkStatus();
}

std::string SyncSession::WhereBrought(size_t table) const {
  const TablePlan& plan = pairs_->plan.tables[table];
  const ColumnPlan& key = plan.columns[pairs_->pairs[table].key[0]];
  const std::string condition =
      absl::StrCat(QuoteSqliteIdentifier(key.source_name), " IN (",
                   absl::StrJoin(brought_[table].keys, ","), ")");
  const std::string& where = plan.reading.where_sql;
  return where.empty() ? condition : absl::StrCat("(", where, "\n) AND ", condition);
}

absl::Status SyncSession::Record() {
  ASSIGN_OR_RETURN(const PlanRecord record, NewRecord());
  RunRecord run;
  run.run_id = run_id_;
  run.state = "done";
  run.command = "sync";
  run.source_path = pairs_->catalog.path;
  run.source_fingerprint = report_.source.fingerprint;
  run.target_schema = request_.common.target_schema;
  run.options_json = "{}";
  run.plan_json = PlanRecordToJson(record);
  run.report_json = ReportToJson(report_, JsonLayout::kCompact);
  run.tool_version = LITE2PG_VERSION;
  run.stage = std::string(StageName(Stage::kPublish));
  run.outcome = report_.outcome;
  return ledger_->InsertRun(*writer_, run);
}

}  // namespace lite2pg
