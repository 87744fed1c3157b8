// The second half of planning: from what the scan has proved to the Plan.
#ifndef LITE2PG_ENGINE_PLAN_PLANNER_H_
#define LITE2PG_ENGINE_PLAN_PLANNER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/plan/plan.h"
#include "engine/plan/selection.h"

namespace lite2pg {

// REQUIRES: scans.size() == selection.tables.size(). Everything that a user must know is a finding
// of the plan; plan.blocked() tells whether a copy would stop. Errors only for defects.
absl::StatusOr<Plan> MakePlan(const PlanInputs& inputs, Selection selection,
                              std::vector<TableScan> scans);

// The statements that make the bare tables of `plan` that it creates, in order.
std::vector<std::string> PreDataStatements(const Plan& plan);
// The one of them that makes `table`. REQUIRES: table.create.
std::string CreateTableStatement(const TablePlan& table);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_PLANNER_H_
