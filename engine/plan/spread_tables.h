// Tables that a target spreads over servers or over time, as the configuration says.
#ifndef LITE2PG_ENGINE_PLAN_SPREAD_TABLES_H_
#define LITE2PG_ENGINE_PLAN_SPREAD_TABLES_H_

#include "engine/plan/plan.h"
#include "engine/plan/selection.h"

namespace lite2pg {

// Sets TablePlan::spread_sql of created tables, and notes what the target cannot do. What it does
// otherwise than PostgreSQL, and what follows for the run, becomes findings as well.
// REQUIRES: the tables' columns are planned.
void PlanSpreads(const PlanInputs& inputs, Plan* plan);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_SPREAD_TABLES_H_
