// Values as a column of the target stores them; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_ASSIGNMENT_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_ASSIGNMENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "engine/plan/translate/typed_sql.h"

namespace lite2pg {

// SQL of type `target` (or assignable to it without loss) for what SQLite would store of `value`
// in a column of `affinity` and what copying that would make of it.
absl::StatusOr<std::string> AssignTo(const TypedSql& value, const PgType& target,
                                     Affinity affinity, TranslationState* state);

// The same for literals: the column's own codec decides and gives PostgreSQL's text of the value.
// REQUIRES: value.literal.
absl::StatusOr<std::string> AssignLiteral(const TypedSql& value, const PgType& target,
                                          Affinity affinity, const ReadingRules& rules);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_ASSIGNMENT_H_
