// What a sync leaves in the ledger: the record that a copy of the same state would have left.
#include <utility>
#include <vector>

#include "engine/base/stage.h"
#include "engine/base/status_macros.h"
#include "engine/command/sync_session.h"
#include "engine/plan/representation.h"
#include "engine/plan/source_schema.h"

namespace lite2pg {

absl::StatusOr<PlanRecord> SyncSession::NewRecord() {
  PlanRecord record = MakePlanRecord(pairs_->plan, request_.common, ExistingRows::kRefuse);
  if (!pairs_->recorded.runs.empty()) {
    const PlanRecord& last = pairs_->recorded.runs[0].record;
    record.source_time_zone = last.source_time_zone;
    record.source_column = last.source_column;
    record.existing_rows = last.existing_rows;
  }
  record.source_schema = SourceSchemaToJson(MakeSourceSchema(pairs_->catalog));
  // How values are written may differ in what has come since: looked at again where rows came.
  std::vector<ScanTask> tasks;
  std::vector<size_t> scanned;
  for (size_t i = 0; i < pairs_->plan.tables.size(); ++i) {
    const TablePlan& table = pairs_->plan.tables[i];
    const TableRecord* known = pairs_->pairs[i].record;
    TableRecord& row = record.tables[i];
    if (known != nullptr) {
      row.created = known->created;
      for (ColumnRecord& column : row.columns) {
        for (const ColumnRecord& old : known->columns) {
          if (old.target_name != column.target_name) continue;
          column.fill = old.fill;
          column.fill_text = old.fill_text;
          column.representation = old.representation;
        }
      }
      if (!tables_->touched(i)) continue;
    }
    ScanTask task;
    task.reading = table.reading;
    for (const ColumnPlan& column : table.columns) {
      ASSIGN_OR_RETURN(Candidate candidate, FixedCandidate(column.type, column.rules));
      task.candidates.push_back({std::move(candidate)});
    }
    tasks.push_back(std::move(task));
    scanned.push_back(i);
  }
  RETURN_IF_ERROR(DescribeForms(tasks, scanned, &record));
  SetPlanResults(report_, &record);
  for (size_t i = 0; i < guards_.size(); ++i) guards_[i].Record(written_[i], &record.tables[i]);
  return record;
}

// How values are written, in every table that was looked at again.
absl::Status SyncSession::DescribeForms(const std::vector<ScanTask>& tasks,
                                        const std::vector<size_t>& scanned, PlanRecord* record) {
  if (tasks.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<ScannedTable> scans,
                   ScanTables(tasks, *pairs_->snapshot, events_, cancel_));
  for (size_t k = 0; k < scans.size(); ++k) {
    RETURN_IF_ERROR(scans[k].status);
    const TablePlan& table = pairs_->plan.tables[scanned[k]];
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const ColumnScan& scan = scans[k].scan.columns[c];
      record->tables[scanned[k]].columns[c].representation =
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
  run.report_json = ReportToJson(report_);
  run.tool_version = LITE2PG_VERSION;
  run.stage = std::string(StageName(Stage::kPublish));
  run.outcome = report_.outcome;
  return ledger_->InsertRun(*writer_, run);
}

}  // namespace lite2pg
