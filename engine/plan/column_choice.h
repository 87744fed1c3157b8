// Which candidate a column gets, and what the user is told about it.
#ifndef LITE2PG_ENGINE_PLAN_COLUMN_CHOICE_H_
#define LITE2PG_ENGINE_PLAN_COLUMN_CHOICE_H_

#include <string>
#include <vector>

#include "engine/plan/table_scan.h"
#include "engine/report/report.h"

namespace lite2pg {

// What becomes of rows whose value the only candidate of a column refuses.
struct BadValuePolicy {
  bool reject = false;             // set aside; otherwise the copy must not begin
  uint64_t rows_max = UINT64_MAX;  // so many at most
};

// Index of the candidate for the column. A column of an existing table, or with a configured type,
// has one candidate; values that it refused then become a finding, blocking unless `policy` lets
// their rows be set aside. `reason` says why.
size_t ChooseCandidate(const SourceColumn& column, const std::vector<Candidate>& candidates,
                       const ColumnScan& scan, const std::string& object, bool existing,
                       const BadValuePolicy& policy, std::vector<Finding>* findings,
                       std::string* reason);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_COLUMN_CHOICE_H_
