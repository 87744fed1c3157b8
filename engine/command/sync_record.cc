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

// Takes over who made the table, and what stands where the source has NULL.
void KeepFills(const TableRecord& known, TableRecord* row) {
  row->created = known.created;
  for (ColumnRecord& column : row->columns) {
    for (const ColumnRecord& old : known.columns) {
      if (old.target_name != column.target_name) continue;
      column.fill = old.fill;
      column.fill_text = old.fill_text;
    }
  }
}

}  // namespace

// How values are written may have changed without a value that did, so that it is taken from what
// the source holds now.
PlanRecord SyncSession::NewRecord() const {
  PlanRecord record = MakePlanRecord(pairs_->plan, request_.common, ExistingRows::kRefuse);
  if (!pairs_->recorded.runs.empty()) {
    const PlanRecord& last = pairs_->recorded.runs[0].record;
    record.source_time_zone = last.source_time_zone;
    record.source_column = last.source_column;
    record.existing_rows = last.existing_rows;
  }
  record.source_schema = SourceSchemaToJson(MakeSourceSchema(pairs_->catalog));
  for (size_t i = 0; i < pairs_->plan.tables.size(); ++i) {
    const TablePlan& table = pairs_->plan.tables[i];
    TableRecord& row = record.tables[i];
    const TableRecord* known = pairs_->pairs[i].record;
    if (known != nullptr) KeepFills(*known, &row);
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const ColumnForms& column = forms_[i][c];
      row.columns[c].representation = RepresentationToJson(DescribeRepresentation(
          table.columns[c].type, table.columns[c].rules, column.counts, column.forms));
    }
  }
  SetPlanResults(report_, &record);
  for (size_t i = 0; i < guards_.size(); ++i) guards_[i].Record(written_[i], &record.tables[i]);
  return record;
}

absl::Status SyncSession::Record() {
  const PlanRecord record = NewRecord();
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
