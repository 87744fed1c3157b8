// Aggregate functions, in views only.
#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/expression_translator.h"

namespace lite2pg {

bool ExpressionTranslator::IsAggregate(const std::string& name, const Expr& expr) {
  if (name == "min" || name == "max") return expr.args.size() == 1;
  return name == "count" || name == "sum" || name == "avg" || name == "total" ||
         name == "group_concat" || name == "string_agg";
}

absl::StatusOr<TypedSql> ExpressionTranslator::Aggregate(const std::string& name,
                                                         const Expr& expr) {
  if (!expr.call->order_by.empty()) return Refuse("an ORDER BY inside an aggregate");
  RETURN_IF_ERROR(host_->BeginAggregate());
  absl::StatusOr<TypedSql> result = [&]() -> absl::StatusOr<TypedSql> {
    std::string filter;
    if (expr.call->filter != nullptr) {
      ASSIGN_OR_RETURN(const std::string condition, TranslateCondition(*expr.call->filter));
      filter = absl::StrCat(" FILTER (WHERE ", condition, ")");
    }
    return AggregateOf(name, expr, filter);
  }();
  host_->EndAggregate();
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::AggregateOf(const std::string& name,
                                                           const Expr& expr,
                                                           absl::string_view filter) {
  constexpr double kCountMax = 9e15;
  const bool count = name == "count";
  if (count && (expr.star || expr.args.empty())) {
    return IntegerValue(absl::StrCat("count(*)", filter), 0, kCountMax, 64);
  }
  if (expr.star || expr.args.empty() || expr.args.size() > 2) {
    return Refuse(absl::StrCat(name, "() called in this way"));
  }
  ASSIGN_OR_RETURN(TypedSql value, Translate(*expr.args[0]));
  if (value.explicit_collation) return Refuse("COLLATE inside an expression");
  value = WithoutNan(std::move(value));
  if (value.kind == ValueKind::kNull) return Refuse("an aggregate of NULL");
  const absl::string_view distinct = expr.call->distinct ? "DISTINCT " : "";
  if (expr.call->distinct && !HasFaithfulEquality(value)) {
    return Refuse("DISTINCT over values that do not compare as in SQLite");
  }
  const auto call = [&](absl::string_view function, absl::string_view argument) {
    return absl::StrCat(function, "(", distinct, argument, ")", filter);
  };
  if (name == "group_concat" || name == "string_agg") {
    ASSIGN_OR_RETURN(const TypedSql text, AsText(value));
    TypedSql separator;
    ASSIGN_OR_RETURN(separator, TextLiteral(","));
    if (expr.args.size() == 2) {
      ASSIGN_OR_RETURN(separator, Translate(*expr.args[1]));
      if (separator.kind != ValueKind::kText || !separator.literal) {
        return Refuse("group_concat() with a separator that is not a literal");
      }
    }
    // Neither promises an order of the parts.
    state_->Note(Exactness::kOrderOpen);
    TypedSql result =
        TextValue(call("string_agg", absl::StrCat(text.sql, ", ", separator.sql)));
    return result;
  }
  if (expr.args.size() != 1) return Refuse(absl::StrCat(name, "() called in this way"));
  if (count) return IntegerValue(call("count", value.sql), 0, kCountMax, 64);
  if (name == "min" || name == "max") {
    if (value.kind == ValueKind::kBlob) return Refuse("min() and max() of blobs");
    if (value.kind == ValueKind::kText && !IsBinary(value.collation)) {
      return Refuse("min() and max() under a collation");
    }
    TypedSql result = value;
    if (value.kind == ValueKind::kBoolean) {
      ASSIGN_OR_RETURN(result, AsInteger(value));
    }
    ASSIGN_OR_RETURN(const std::string key, SortKey(result, state_));
    result.sql = call(name, key);
    result.literal = false;
    result.affinity.reset();
    result.collation.clear();
    return result;
  }
  if (value.kind == ValueKind::kBoolean) {
    ASSIGN_OR_RETURN(value, AsInteger(value));
  }
  if (!IsNumber(value)) return Refuse(absl::StrCat(name, "() of anything but numbers"));
  if (name == "sum" && value.kind == ValueKind::kInteger) {
    // SQLite adds in 64 bits and ends in an error beyond them, as the cast does.
    state_->Note(Exactness::kEqualOrError);
    return BigintValue(absl::StrCat("(", call("sum", value.sql), ")::bigint"));
  }
  ASSIGN_OR_RETURN(const TypedSql real, AsFloat(value, state_));
  // Sums of doubles depend on the order of the rows, in both.
  state_->Note(Exactness::kRounding);
  const std::string sum = call(name == "avg" ? "avg" : "sum", WithoutNan(real).sql);
  // A column that may hold integers only is summed as integers by SQLite, and then no REAL.
  const bool always_real = name != "sum" || real.number_class == NumberClass::kReal;
  TypedSql result = FloatValue(
      name == "total" ? absl::StrCat("COALESCE(", sum, ", 0::float8)") : sum,
      always_real ? NumberClass::kReal : NumberClass::kEither);
  result.maybe_nan = real.maybe_infinite;
  return result;
}

}  // namespace lite2pg
