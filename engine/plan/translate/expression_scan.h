// Questions about expression trees that need no types; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_EXPRESSION_SCAN_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_EXPRESSION_SCAN_H_

#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// Whether the result columns or HAVING call an aggregate, subqueries apart.
bool HasAggregate(const SelectCore& core);

// Whether two trees are written alike: names without regard to case, literals exactly. Trees with
// subqueries are never alike.
bool SameExpr(const Expr& a, const Expr& b);

// The expression of the result column that a bare name is the alias of, or null.
const Expr* AliasTarget(const Expr& expr, const SelectCore& core);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_EXPRESSION_SCAN_H_
