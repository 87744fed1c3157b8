// Names as SQLite resolves them; private to engine/plan/translate.
#ifndef LITE2PG_ENGINE_PLAN_TRANSLATE_RESOLVER_H_
#define LITE2PG_ENGINE_PLAN_TRANSLATE_RESOLVER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/plan/translate/expression_translator.h"

namespace lite2pg {

// Index of the column called `name` (ASCII case does not matter), of the row id's alias for the
// names of the row id, or -1.
int FindColumn(const TranslationRelation& relation, absl::string_view name);

// What a name that is no column's means: TRUE, FALSE, a string in double quotes; or a refusal.
absl::StatusOr<TypedSql> NameWithoutColumn(const Expr& expr);

// The columns of one table, unqualified: for CHECK, indexes and generated columns.
class TableHost : public ExpressionHost {
 public:
  explicit TableHost(const TranslationRelation& table) : table_(table) {}
  // Refuses generated columns, which PostgreSQL's generated columns cannot refer to.
  void RefuseGenerated() { refuse_generated_ = true; }

  absl::StatusOr<TypedSql> Column(const Expr& expr) override;

 private:
  const TranslationRelation& table_;
  bool refuse_generated_ = false;
};

// No columns at all: for defaults.
class DefaultHost : public ExpressionHost {
 public:
  absl::StatusOr<TypedSql> Column(const Expr& expr) override { return NameWithoutColumn(expr); }
};

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_PLAN_TRANSLATE_RESOLVER_H_
