// + - * / % and the bitwise operators.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status_macros.h"
#include "engine/plan/translate/expression_translator.h"

namespace lite2pg {
namespace {

constexpr double kInt64Bound = 9223372036854775808.0;
constexpr double kInt32Max = 2147483647.0;

absl::string_view OperatorText(SqlOperator op) {
  switch (op) {
    case SqlOperator::kAdd: return " + ";
    case SqlOperator::kSubtract: return " - ";
    case SqlOperator::kMultiply: return " * ";
    case SqlOperator::kDivide: return " / ";
    case SqlOperator::kModulo: return " % ";
    case SqlOperator::kBitAnd: return " & ";
    case SqlOperator::kBitOr: return " | ";
    case SqlOperator::kShiftLeft: return " << ";
    default: return " >> ";
  }
}

struct Interval {
  double low, high;
};

// Bounds of an integer result. They only decide whether a width is enough, so the rounding of
// doubles is taken care of by the caller's margin.
Interval BoundsOf(SqlOperator op, const TypedSql& l, const TypedSql& r) {
  switch (op) {
    case SqlOperator::kAdd: return {l.low + r.low, l.high + r.high};
    case SqlOperator::kSubtract: return {l.low - r.high, l.high - r.low};
    case SqlOperator::kMultiply: {
      const double products[] = {l.low * r.low, l.low * r.high, l.high * r.low, l.high * r.high};
      return {*std::min_element(products, products + 4), *std::max_element(products, products + 4)};
    }
    case SqlOperator::kDivide: {
      const double most = std::max(std::fabs(l.low), std::fabs(l.high));
      return {l.low >= 0 && r.low >= 0 ? 0 : -most, most};
    }
    default: {  // kModulo: the sign of the dividend, smaller than the divisor
      const double most = std::max(std::fabs(r.low), std::fabs(r.high)) - 1;
      return {l.low >= 0 ? 0 : -most, l.high <= 0 ? 0 : most};
    }
  }
}

// Text that always reads as an integer (strftime('%s')) may be computed with.
TypedSql IntegerInside(const TypedSql& value) {
  if (value.kind != ValueKind::kText || value.integer_sql.empty()) return value;
  return IntegerValue(value.integer_sql, -kInt64Bound, kInt64Bound, 64);
}

bool IsZero(const TypedSql& value) {
  return value.literal && (value.kind == ValueKind::kInteger ? value.integer == 0
                                                             : value.real == 0);
}

}  // namespace

absl::StatusOr<TypedSql> ExpressionTranslator::Arithmetic(SqlOperator op, const TypedSql& left_in,
                                                          const TypedSql& right_in) {
  const TypedSql left = IntegerInside(left_in), right = IntegerInside(right_in);
  for (const TypedSql* value : {&left, &right}) {
    if (value->kind == ValueKind::kText) return Refuse("arithmetic on text");
    if (value->kind == ValueKind::kBlob) return Refuse("arithmetic on a blob");
    if (value->kind == ValueKind::kOpaque) {
      return Refuse("arithmetic on a value whose stored form is not known to be a number");
    }
  }
  if (left.kind == ValueKind::kNull || right.kind == ValueKind::kNull) return NullValue();
  const auto is_integer = [](const TypedSql& value) {
    return value.kind == ValueKind::kInteger || value.kind == ValueKind::kBoolean;
  };
  switch (op) {
    case SqlOperator::kAdd:
    case SqlOperator::kSubtract:
    case SqlOperator::kMultiply:
    case SqlOperator::kDivide:
    case SqlOperator::kModulo: break;
    default: return Bitwise(op, left, right);
  }
  if (is_integer(left) && is_integer(right)) {
    ASSIGN_OR_RETURN(TypedSql l, AsInteger(left));
    ASSIGN_OR_RETURN(const TypedSql r, AsInteger(right));
    return IntegerArithmetic(op, std::move(l), r);
  }
  if (op == SqlOperator::kModulo) return Refuse("% of real numbers");
  return FloatArithmetic(op, left, right);
}

absl::StatusOr<TypedSql> ExpressionTranslator::IntegerArithmetic(SqlOperator op, TypedSql left,
                                                                 const TypedSql& right) {
  const bool divides = op == SqlOperator::kDivide || op == SqlOperator::kModulo;
  if (divides && IsZero(right)) return NullValue();  // NULL in SQLite
  const Interval bounds = BoundsOf(op, left, right);
  const double most = std::max(std::fabs(bounds.low), std::fabs(bounds.high));
  int bits = std::max(left.bits, right.bits);
  // PostgreSQL computes in the wider operand's type, SQLite always in 64 bits.
  if (bits < 32) {
    left.sql = absl::StrCat(left.sql, "::integer");
    bits = 32;
  }
  if (bits < 64 && most > kInt32Max) {
    left.sql = absl::StrCat(left.sql, "::bigint");
    bits = 64;
  }
  // Beyond 64 bits SQLite goes on with a REAL, PostgreSQL ends in an error. Near the bound the
  // doubles above are not exact, which errs on the safe side. A quotient leaves the range only for
  // the smallest integer divided by -1.
  const bool overflows = op == SqlOperator::kDivide
                             ? left.low <= -kInt64Bound && right.low <= -1 && right.high >= -1
                             : op != SqlOperator::kModulo && most >= kInt64Bound;
  if (overflows) state_->Note(Exactness::kEqualOrError);
  const std::string divisor =
      divides && !right.literal ? absl::StrCat("NULLIF(", right.sql, ", 0)") : right.sql;
  return IntegerValue(absl::StrCat("(", left.sql, OperatorText(op), divisor, ")"), bounds.low,
                      bounds.high, bits);
}

absl::StatusOr<TypedSql> ExpressionTranslator::FloatArithmetic(SqlOperator op,
                                                               const TypedSql& left,
                                                               const TypedSql& right) {
  const auto is_real = [](const TypedSql& value) {
    return (value.kind == ValueKind::kFloat || value.kind == ValueKind::kNumeric) &&
           value.number_class == NumberClass::kReal;
  };
  const bool real = is_real(left) || is_real(right);
  if (op == SqlOperator::kDivide) {
    if (IsZero(right)) return NullValue();
    // 5 and 5.0 divide differently, and a column of numbers may hold either.
    if (!real) return Refuse("a division where either number may be stored as an integer");
  }
  ASSIGN_OR_RETURN(const TypedSql l, AsFloat(left, state_));
  ASSIGN_OR_RETURN(const TypedSql r, AsFloat(right, state_));
  // Beyond the range of doubles SQLite has Inf or 0 where PostgreSQL has an error. Integers that
  // SQLite would add as integers are exact in both up to 2^53.
  state_->Note(real ? Exactness::kEqualOrError : Exactness::kRounding);
  const std::string divisor = op == SqlOperator::kDivide && !r.literal
                                  ? absl::StrCat("NULLIF(", r.sql, ", 0::float8)")
                                  : r.sql;
  TypedSql result = FloatValue(absl::StrCat("(", l.sql, OperatorText(op), divisor, ")"),
                               real ? NumberClass::kReal : NumberClass::kEither);
  const bool l_infinite = l.maybe_infinite, r_infinite = r.maybe_infinite;
  const auto nonzero_literal = [](const TypedSql& v) {
    return v.literal && v.kind == ValueKind::kFloat && v.real != 0;
  };
  // NaN comes from Inf - Inf, 0 * Inf and Inf / Inf only.
  bool nan = l_infinite && r_infinite;
  if (op == SqlOperator::kMultiply) {
    nan = (l_infinite && !nonzero_literal(r)) || (r_infinite && !nonzero_literal(l));
  }
  result.maybe_nan = nan || l.maybe_nan || r.maybe_nan;
  // Finite operands give a finite result or an error.
  result.maybe_infinite = l_infinite || (r_infinite && op != SqlOperator::kDivide);
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Bitwise(SqlOperator op, const TypedSql& left,
                                                       const TypedSql& right) {
  if (left.kind == ValueKind::kFloat || left.kind == ValueKind::kNumeric ||
      right.kind == ValueKind::kFloat || right.kind == ValueKind::kNumeric) {
    return Refuse("a bit operation on real numbers");
  }
  ASSIGN_OR_RETURN(const TypedSql l, AsInteger(left));
  ASSIGN_OR_RETURN(const TypedSql r, AsInteger(right));
  const bool shift = op == SqlOperator::kShiftLeft || op == SqlOperator::kShiftRight;
  if (shift && (!r.literal || r.integer < 0 || r.integer > 63)) {
    // Negative counts shift the other way in SQLite, large ones wrap around in PostgreSQL.
    return Refuse("a shift by anything but a literal from 0 to 63");
  }
  double low = -kInt64Bound, high = kInt64Bound;
  if (op == SqlOperator::kBitAnd && (l.low >= 0 || r.low >= 0)) {
    // No larger than an operand that has no sign bit.
    low = 0;
    high = l.low >= 0 ? l.high : r.high;
    if (r.low >= 0) high = std::min(high, r.high);
  }
  const absl::string_view count_type = shift ? "::integer" : "";
  return IntegerValue(absl::StrCat("(", l.sql, "::bigint", OperatorText(op), r.sql, count_type,
                                   ")"),
                      low, high, 64);
}

}  // namespace lite2pg
