#include "engine/plan/translate/translate.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/assignment.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/expression_translator.h"
#include "engine/plan/translate/resolver.h"
#include "engine/plan/translate/time_functions.h"

namespace lite2pg {
namespace {

Translation Finish(absl::StatusOr<std::string> sql, const TranslationState& state) {
  Translation result;
  result.ok = sql.ok();
  if (sql.ok()) {
    result.sql = *std::move(sql);
    result.exactness = state.exactness();
  } else {
    result.reason = std::string(sql.status().message());
  }
  return result;
}

absl::StatusOr<std::string> DefaultSql(const Expr& expr, const PgType& target, Affinity affinity,
                                       const ReadingRules& rules, TranslationState* state) {
  ASSIGN_OR_RETURN(const std::optional<NowValue> now, ReadNow(expr));
  const bool temporal = target.oid == kOidDate || target.oid == kOidTime ||
                        target.oid == kOidTimestamp || target.oid == kOidTimestamptz;
  if (now.has_value() && temporal) return NowAsTarget(*now, target, rules);
  DefaultHost host;
  ExpressionTranslator translator(&host, state);
  translator.AllowVolatile();
  ASSIGN_OR_RETURN(const TypedSql value, translator.Translate(expr));
  if (value.literal) return AssignLiteral(value, target, affinity, rules);
  return AssignTo(value, target, affinity, state);
}

// An index term: the column itself where BINARY compares as PostgreSQL does, else the expression
// under which equal means equal.
absl::StatusOr<std::string> IndexTermSql(const Expr& expr, const TranslationRelation& table,
                                         TranslationState* state) {
  TableHost host(table);
  ExpressionTranslator translator(&host, state);
  ASSIGN_OR_RETURN(const TypedSql value, translator.Translate(expr));
  if (value.literal || value.constant.has_value()) return Refuse("an index on a constant");
  if (value.kind == ValueKind::kText && !IsBinary(value.collation)) {
    ASSIGN_OR_RETURN(const std::string key, Collated(value, value.collation, false, state));
    return absl::StrCat("(", key, ")");
  }
  // A collation changes nothing for values that are not text; of the others we do not know.
  if (value.kind == ValueKind::kOpaque && !IsBinary(value.collation)) {
    return Refuse(absl::StrCat("an index under ", EscapeName(value.collation),
                               " on a column that is not text in the target"));
  }
  if (value.column != nullptr && value.affinity.has_value()) {
    return QuoteIdentifier(value.column->target_name);
  }
  const std::string sql = WithoutNan(value).sql;
  return absl::StrCat("(", sql, ")");
}

}  // namespace

absl::string_view ExactnessPhrase(Exactness exactness) {
  switch (exactness) {
    case Exactness::kExact: return "the same for every input";
    case Exactness::kEqualOrError:
      return "the same, or an error where SQLite goes on beyond a type's range";
    case Exactness::kOrderOpen: return "the same but for an order that SQLite leaves open too";
    case Exactness::kRounding: return "the same but for rounding, of floating-point numbers and of integers beyond 2^53";
  }
  return "";
}

Translation TranslateDefault(const Expr& expr, const PgType& target, Affinity affinity,
                             const ReadingRules& rules) {
  TranslationState state(false);
  // A domain's default is one of what it is over; its own checks see it when it is used.
  const PgType& base = target.kind == TypeKind::kDomain && target.base ? *target.base : target;
  return Finish(DefaultSql(expr, base, affinity, rules, &state), state);
}

Translation TranslateCheck(const Expr& expr, const TranslationRelation& table,
                           const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  TableHost host(table);
  ExpressionTranslator translator(&host, &state);
  const absl::StatusOr<TypedSql> value = translator.Translate(expr);
  if (!value.ok()) return Finish(value.status(), state);
  Translation result = Finish(AsCondition(*value), state);
  // A CHECK is satisfied by NULL as well, in both.
  if (result.ok && value->constant.has_value() && *value->constant) {
    result.sql = "TRUE";
    result.always_true = true;
  }
  return result;
}

Translation TranslateIndexPredicate(const Expr& expr, const TranslationRelation& table,
                                    const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  TableHost host(table);
  ExpressionTranslator translator(&host, &state);
  return Finish(translator.TranslateCondition(expr), state);
}

Translation TranslateIndexExpression(const Expr& expr, const TranslationRelation& table,
                                     const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  return Finish(IndexTermSql(expr, table, &state), state);
}

Translation TranslateGenerated(const Expr& expr, const PgType& target, Affinity affinity,
                               const TranslationRelation& table,
                               const TranslationContext& context) {
  TranslationState state(context.source_utf16);
  TableHost host(table);
  host.RefuseGenerated();
  ExpressionTranslator translator(&host, &state);
  const absl::StatusOr<TypedSql> value = translator.Translate(expr);
  if (!value.ok()) return Finish(value.status(), state);
  if (value->literal) return Finish(AssignLiteral(*value, target, affinity, {}), state);
  return Finish(AssignTo(*value, target, affinity, &state), state);
}

}  // namespace lite2pg
