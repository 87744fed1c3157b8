// What a sync leaves in the ledger: the record that a copy of the same state would have left.
#include <string>
#include <utility>
#include <vector>

#include "engine/base/stage.h"
#include "engine/base/status_macros.h"
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
  // How values are written may differ in what has come since, and in rows that were written anew
  // without another value: looked at again where rows came.
  std::vector<size_t> looked_at;
  for (size_t i = 0; i < pairs_->plan.tables.size(); ++i) {
    const TableRecord* known = pairs_->pairs[i].record;
    if (known != nullptr) KeepForms(*known, &record.tables[i]);
    if (known == nullptr || tables_->touched(i)) looked_at.push_back(i);
  }
  RETURN_IF_ERROR(DescribeForms(looked_at, &record));
  SetPlanResults(report_, &record);
  for (size_t i = 0; i < guards_.size(); ++i) guards_[i].Record(written_[i], &record.tables[i]);
  return record;
}

// How values are written in `tables`.
absl::Status SyncSession::DescribeForms(const std::vector<size_t>& tables,
                                        PlanRecord* record) {
  if (tables.empty()) return absl::OkStatus();
  std::vector<ScanTask> tasks;
  for (const size_t i : tables) {
    const TablePlan& table = pairs_->plan.tables[i];
    ScanTask task;
    task.reading = table.reading;
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
