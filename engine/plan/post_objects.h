// Keys, indexes, checks, foreign keys, generated columns, defaults and views: what post-data makes.
#ifndef LITE2PG_ENGINE_PLAN_POST_OBJECTS_H_
#define LITE2PG_ENGINE_PLAN_POST_OBJECTS_H_

#include <string>

#include "absl/status/status.h"
#include "engine/plan/plan.h"
#include "engine/plan/selection.h"
#include "engine/postgres/identifier.h"

namespace lite2pg {

// A name of the source as --identifiers wants it.
std::string SpelledName(const PlanInputs& inputs, const std::string& name);

// Fills plan->objects, the columns' default_sql and generated_sql, and reports what has no
// translation. `names` gives unique names for indexes.
absl::Status AddPostObjects(const PlanInputs& inputs, NameTable* names, Plan* plan);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_POST_OBJECTS_H_
