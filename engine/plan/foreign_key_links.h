// The foreign keys by which rows may have to be set aside: with --orphans reject those that point
// nowhere, and always those that point to a row that is set aside.
#ifndef LITE2PG_ENGINE_PLAN_FOREIGN_KEY_LINKS_H_
#define LITE2PG_ENGINE_PLAN_FOREIGN_KEY_LINKS_H_

#include "engine/plan/plan.h"
#include "engine/plan/selection.h"

namespace lite2pg {

// Fills plan->links: keys of created tables, and keys of the application's from tables that are
// loaded. Does nothing when every bad row stops the run. Call when plan->objects and
// plan->existing are complete.
void PlanForeignKeyLinks(const PlanInputs& inputs, Plan* plan);

// Whether a value without a faithful form may set its row aside.
bool MayReject(const PlanInputs& inputs, const Plan& plan);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_FOREIGN_KEY_LINKS_H_
