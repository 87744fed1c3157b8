// The sequences stage: one row of the report per sequence, a finding for each that is used up.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/command/copy_report.h"
#include "engine/postgres/sequences.h"

namespace lite2pg {

absl::Status SetSequences(PgConnection& connection, const Plan& plan, Report* report) {
  std::vector<SequenceRequest> requests;
  for (const SequencePlan& sequence : plan.sequences) {
    const TablePlan& table = plan.tables[static_cast<size_t>(sequence.table)];
    SequenceRequest request;
    request.schema = table.merge ? table.target.schema : table.load_schema;
    request.table = table.merge ? table.target.name : table.load_name;
    request.column = sequence.column;
    request.sequence = sequence.sequence;
    request.source_sequence = sequence.source_sequence;
    requests.push_back(std::move(request));
  }
  ASSIGN_OR_RETURN(const std::vector<SequenceResult> results,
                   SetColumnSequences(connection, requests));
  LITE2PG_FAILPOINT("sequences.set");
  for (size_t i = 0; i < results.size(); ++i) {
    const SequenceResult& set = results[i];
    const SequencePlan& sequence = plan.sequences[i];
    const TablePlan& table = plan.tables[static_cast<size_t>(sequence.table)];
    if (set.name.empty()) continue;
    SequenceReport row;
    row.name = set.name;
    row.table = table.target_name;
    row.column = sequence.column;
    row.last_value = set.last_value;
    row.next_value = set.next_value;
    row.exhausted = set.exhausted;
    report->sequences.push_back(std::move(row));
    if (!set.exhausted) continue;
    report->findings.push_back(
        {Severity::kWarning, ErrorCode::kSequenceExhausted,
         absl::StrCat(table.source->name, ".", sequence.column),
         absl::StrCat("the highest value in use is ", set.last_value,
                      "; the sequence has no next one, and an INSERT without a value will fail"),
         "choose the values yourself, or renumber the rows"});
  }
  return absl::OkStatus();
}

}  // namespace lite2pg
