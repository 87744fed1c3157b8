// SQLite's comparison rules, applied before anything is compared in PostgreSQL; private to
// engine/plan/translate.
//
// Reference: https://www.sqlite.org/datatype3.html, sections 4.2 (type conversions prior to
// comparison) and 7.1 (which collation is used).
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_COMPARISON_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_COMPARISON_H_

#include <string>

#include "absl/status/statusor.h"
#include "engine/plan/translate/typed_sql.h"
#include "engine/sqlite/sql/ast.h"

namespace lite2pg {

// Two operands that PostgreSQL compares as SQLite compares the originals.
struct ComparisonOperands {
  std::string left, right;
};

// `ordering`: the operator looks at more than equality. Refuses what SQLite would compare across
// storage classes, and orders that PostgreSQL does not have. REQUIRES: neither is kNull.
absl::StatusOr<ComparisonOperands> PrepareComparison(const TypedSql& left, const TypedSql& right,
                                                     bool ordering, TranslationState* state);

// `left op right` for =, <>, <, <=, >, >=, IS and IS NOT.
absl::StatusOr<TypedSql> Compare(const TypedSql& left, SqlOperator op, const TypedSql& right,
                                 TranslationState* state);

// One value in the form that orders and compares under `value`'s own collation: for ORDER BY,
// min(), max() and indexes.
absl::StatusOr<std::string> SortKey(const TypedSql& value, TranslationState* state);

// `text` (SQL of a text value) under a collation of SQLite; for equality only unless `ordering`.
absl::StatusOr<std::string> Collated(const TypedSql& value, absl::string_view collation,
                                     bool ordering, TranslationState* state);

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_COMPARISON_H_
