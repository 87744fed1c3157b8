// The foreign keys whose rows --orphans reject looks at.
#ifndef LITE2PG_ENGINE_PLAN_FOREIGN_KEY_LINKS_H_
#define LITE2PG_ENGINE_PLAN_FOREIGN_KEY_LINKS_H_

#include "engine/plan/plan.h"
#include "engine/plan/selection.h"

namespace lite2pg {

// Fills plan->links: keys of created tables, and keys of the application's from tables that are
// loaded. Does nothing for other policies. Call when plan->objects and plan->existing are complete.
void PlanForeignKeyLinks(const PlanInputs& inputs, Plan* plan);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_FOREIGN_KEY_LINKS_H_
