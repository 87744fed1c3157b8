// Objects whose SQL has to be translated: defaults, checks, generated columns, indexes with
// expressions or predicates, views.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATED_OBJECTS_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATED_OBJECTS_H_

#include "absl/status/status.h"
#include "engine/plan/plan.h"
#include "engine/plan/selection.h"
#include "engine/postgres/identifier.h"

namespace lite2pg {

// Adds what can be translated to plan->objects and the columns' defaults; reports the rest in
// plan->decided_objects and the findings, with its SQL.
absl::Status AddTranslatedObjects(const PlanInputs& inputs, NameTable* names, Plan* plan);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATED_OBJECTS_H_
