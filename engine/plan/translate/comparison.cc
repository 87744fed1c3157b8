#include "engine/plan/translate/comparison.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr double kExactBound = 9007199254740992.0;  // 2^53

bool HasNumericAffinity(const TypedSql& value) {
  return value.affinity == Affinity::kInteger || value.affinity == Affinity::kReal ||
         value.affinity == Affinity::kNumeric;
}

bool IsTextLiteral(const TypedSql& value) {
  return value.kind == ValueKind::kText && value.literal;
}

// Number against text, the two that affinity can bring together.
absl::Status ConvertNumberAndText(TypedSql* number, TypedSql* text) {
  if (HasNumericAffinity(*number)) {
    // Numeric affinity reads the other side as a number, if it looks like one. Only of a literal
    // can that be told.
    if (!IsTextLiteral(*text) || text->affinity.has_value()) {
      return Refuse("a number compared with text that may read as a number");
    }
    std::optional<TypedSql> parsed = NumberInText(text->text);
    if (!parsed.has_value()) {
      return Refuse("a number compared with text, which SQLite orders by storage class");
    }
    *text = *std::move(parsed);
    return absl::OkStatus();
  }
  if (text->affinity == Affinity::kText && !number->affinity.has_value()) {
    ASSIGN_OR_RETURN(*number, AsText(*number));
    return absl::OkStatus();
  }
  return Refuse("a number compared with text, which SQLite orders by storage class");
}

// Text against text: numeric affinity on one side would turn text of the other into a number.
absl::Status CheckTextAgainstText(const TypedSql& left, const TypedSql& right) {
  for (const auto& [numeric, other] : {std::pair(&left, &right), std::pair(&right, &left)}) {
    if (!HasNumericAffinity(*numeric) || HasNumericAffinity(*other)) continue;
    // A column of numeric affinity holds text only if it does not read as a number; so a literal
    // that does not either is compared as it stands.
    if (IsTextLiteral(*other) && !NumberInText(other->text).has_value()) continue;
    return Refuse("text in a column of numeric affinity compared with text that may be a number");
  }
  return absl::OkStatus();
}

// The collation by SQLite's precedence: an explicit one, left before right; then a column's.
std::string ComparisonCollation(const TypedSql& left, const TypedSql& right) {
  if (left.explicit_collation) return left.collation;
  if (right.explicit_collation) return right.collation;
  if (!left.collation.empty()) return left.collation;
  return right.collation;
}

absl::StatusOr<ComparisonOperands> CompareText(const TypedSql& left, const TypedSql& right,
                                               bool ordering, TranslationState* state) {
  for (const TypedSql* value : {&left, &right}) {
    // Inside a CASE, say, or a function: SQLite would still compare under it.
    if (value->inner_collation && !value->explicit_collation) {
      return Refuse("COLLATE inside an expression");
    }
  }
  RETURN_IF_ERROR(CheckTextAgainstText(left, right));
  const std::string collation = ComparisonCollation(left, right);
  ComparisonOperands operands;
  ASSIGN_OR_RETURN(operands.left, Collated(left, collation, ordering, state));
  ASSIGN_OR_RETURN(operands.right, Collated(right, collation, ordering, state));
  return operands;
}

// Booleans compare with 0 and 1 as booleans, so that an index on the column stays usable.
absl::StatusOr<ComparisonOperands> CompareBoolean(const TypedSql& left, const TypedSql& right,
                                                  TranslationState* state) {
  const auto as_boolean = [](const TypedSql& value) -> std::string {
    if (value.kind == ValueKind::kBoolean) return value.sql;
    const bool digit = value.kind == ValueKind::kInteger && value.literal &&
                       (value.integer == 0 || value.integer == 1);
    return digit ? (value.integer == 1 ? "true" : "false") : "";
  };
  ComparisonOperands operands{as_boolean(left), as_boolean(right)};
  if (!operands.left.empty() && !operands.right.empty()) return operands;
  const auto widen = [](const TypedSql& value) -> absl::StatusOr<TypedSql> {
    if (value.kind == ValueKind::kBoolean) return AsInteger(value);
    return value;
  };
  ASSIGN_OR_RETURN(const TypedSql left_number, widen(left));
  ASSIGN_OR_RETURN(const TypedSql right_number, widen(right));
  return PrepareComparison(left_number, right_number, true, state);
}

absl::StatusOr<ComparisonOperands> CompareNumbers(const TypedSql& left, const TypedSql& right,
                                                  TranslationState* state) {
  const auto is_float = [](const TypedSql& value) {
    return value.kind == ValueKind::kFloat && !value.literal;
  };
  const bool both_literal = left.literal && right.literal;
  if (is_float(left) || is_float(right) || both_literal) {
    ASSIGN_OR_RETURN(const TypedSql l, AsFloat(left, state));
    ASSIGN_OR_RETURN(const TypedSql r, AsFloat(right, state));
    return ComparisonOperands{WithoutNan(l).sql, WithoutNan(r).sql};
  }
  // What remains are integers, numerics and literals: compared as decimals, exactly. SQLite
  // compares an INTEGER with a REAL exactly as well, and a double with its neighbours in the order
  // of their shortest decimals.
  const auto as_decimal = [&](const TypedSql& value,
                              const TypedSql& other) -> absl::StatusOr<std::string> {
    if (value.kind != ValueKind::kFloat) return value.sql;
    if (std::isinf(value.real)) return Refuse("a number beyond the range of a double");
    const bool wide_integer = other.kind == ValueKind::kInteger &&
                              (other.high > kExactBound || other.low < -kExactBound);
    if (wide_integer && std::fabs(value.real) > kExactBound) state->Note(Exactness::kRounding);
    return DecimalOf(value.real);
  };
  ComparisonOperands operands;
  ASSIGN_OR_RETURN(operands.left, as_decimal(left, right));
  ASSIGN_OR_RETURN(operands.right, as_decimal(right, left));
  return operands;
}

// The form of a text literal; kUnknown for text that is no date or time in either form. 24:00:00
// sorts before the next day as text, but is the same as its midnight.
TemporalText FormOf(const TypedSql& literal) {
  DateTimeText parsed;
  const std::string& text = literal.text;
  if (!IsTextLiteral(literal) || ParseDateTime(text, &parsed) != Outcome::kOk) {
    return TemporalText::kUnknown;
  }
  if (text.size() == 10 && parsed.shape == DateTimeShape::kDate) return TemporalText::kDate;
  const bool date_time = text.size() == 19 && text[10] == ' ' && text.substr(11, 2) != "24" &&
                         parsed.shape == DateTimeShape::kDateTime;
  return date_time ? TemporalText::kDateTime : TemporalText::kUnknown;
}

// `text`, a date or time in the column's form, as the column's type.
std::string TemporalSql(const TranslationColumn& column, absl::string_view text) {
  const bool with_zone = column.type.oid == kOidTimestamptz;
  return absl::StrCat(QuoteLiteral(absl::StrCat(text, with_zone ? "+00" : "")), "::",
                      column.type.sql_name);
}

// A text literal in exactly the form that all values of the column have, as the column's type.
absl::StatusOr<std::string> TemporalLiteral(const TypedSql& column, const TypedSql& literal) {
  if (FormOf(literal) != TemporalOf(column)) {
    return Refuse("a date or time compared with text that is not written as the column's values");
  }
  return TemporalSql(*column.column, literal.text);
}

// A column of dates ordered against a date with a time, or the other way round: as texts, the
// shorter one comes first when it is the beginning of the longer. nullopt for anything else.
std::optional<TypedSql> CompareUnevenTemporal(const TypedSql& left, SqlOperator op,
                                              const TypedSql& right) {
  const bool swapped = TemporalOf(left) == TemporalText::kUnknown;
  const TypedSql& column = swapped ? right : left;
  const TypedSql& literal = swapped ? left : right;
  const TemporalText form = TemporalOf(column), literal_form = FormOf(literal);
  if (form == TemporalText::kUnknown || literal_form == TemporalText::kUnknown ||
      form == literal_form || !IsBinary(column.collation) || !IsBinary(literal.collation)) {
    return std::nullopt;
  }
  const bool greater = op == SqlOperator::kGreater || op == SqlOperator::kGreaterEqual;
  const bool less = op == SqlOperator::kLess || op == SqlOperator::kLessEqual;
  if (!greater && !less) return std::nullopt;
  const bool column_above = greater != swapped;
  // No two such texts are equal: a date sorts before all times of its day.
  if (form == TemporalText::kDate) {
    return BooleanValue(absl::StrCat("(", column.sql, column_above ? " > " : " <= ",
                                     TemporalSql(*column.column, literal.text.substr(0, 10)),
                                     ")"));
  }
  return BooleanValue(absl::StrCat("(", column.sql, column_above ? " >= " : " < ",
                                   TemporalSql(*column.column,
                                               absl::StrCat(literal.text, " 00:00:00")),
                                   ")"));
}

absl::StatusOr<ComparisonOperands> CompareTemporal(const TypedSql& left, const TypedSql& right) {
  const auto known = [](const TypedSql& value) {
    return TemporalOf(value) != TemporalText::kUnknown;
  };
  if (!IsBinary(left.collation) || !IsBinary(right.collation)) {
    return Refuse("a date or time compared under a collation");
  }
  ComparisonOperands operands{left.sql, right.sql};
  if (known(left) && known(right)) {
    const bool alike = left.column->temporal == right.column->temporal &&
                       left.column->type.oid == right.column->type.oid;
    if (!alike) return Refuse("dates or times of different forms compared as text");
    return operands;
  }
  if (known(left) && IsTextLiteral(right)) {
    ASSIGN_OR_RETURN(operands.right, TemporalLiteral(left, right));
    return operands;
  }
  if (known(right) && IsTextLiteral(left)) {
    ASSIGN_OR_RETURN(operands.left, TemporalLiteral(right, left));
    return operands;
  }
  const TypedSql& opaque = left.kind == ValueKind::kOpaque ? left : right;
  return Refuse(absl::StrCat("a comparison with ",
                             opaque.column == nullptr ? "a value"
                                                      : EscapeName(opaque.column->source_name),
                             ", of which the stored form and the target's type do not show that "
                             "the two compare alike"));
}

}  // namespace

absl::StatusOr<std::string> Collated(const TypedSql& value, absl::string_view collation,
                                     bool ordering, TranslationState* state) {
  if (ordering && state->utf16()) {
    return Refuse("text ordered as UTF-16, which the source database uses");
  }
  const std::string upper = absl::AsciiStrToUpper(collation);
  if (IsBinary(upper)) {
    return ordering ? absl::StrCat(value.sql, " COLLATE \"C\"") : value.sql;
  }
  if (upper == "NOCASE") {
    if (value.literal) {
      return absl::StrCat(QuoteLiteral(AsciiLower(value.text)), "::text");
    }
    // Under "C", lower() changes A to Z alone, and orders by bytes, as NOCASE does.
    return absl::StrCat("lower(", value.sql, " COLLATE \"C\")");
  }
  if (upper == "RTRIM") return absl::StrCat("rtrim(", value.sql, " COLLATE \"C\", ' ')");
  return Refuse(absl::StrCat("the collation ", EscapeName(collation)));
}

absl::StatusOr<ComparisonOperands> PrepareComparison(const TypedSql& left_in,
                                                     const TypedSql& right_in, bool ordering,
                                                     TranslationState* state) {
  TypedSql left = left_in, right = right_in;
  if (left.kind == ValueKind::kOpaque || right.kind == ValueKind::kOpaque) {
    return CompareTemporal(left, right);
  }
  const auto is_boolean_or_number = [](const TypedSql& value) {
    return IsNumber(value) || value.kind == ValueKind::kBoolean;
  };
  if (is_boolean_or_number(left) && right.kind == ValueKind::kText) {
    RETURN_IF_ERROR(ConvertNumberAndText(&left, &right));
  } else if (is_boolean_or_number(right) && left.kind == ValueKind::kText) {
    RETURN_IF_ERROR(ConvertNumberAndText(&right, &left));
  }
  if (left.kind == ValueKind::kText && right.kind == ValueKind::kText) {
    return CompareText(left, right, ordering, state);
  }
  if (left.kind == ValueKind::kBlob && right.kind == ValueKind::kBlob) {
    return ComparisonOperands{left.sql, right.sql};
  }
  if (left.kind == ValueKind::kBoolean || right.kind == ValueKind::kBoolean) {
    if (is_boolean_or_number(left) && is_boolean_or_number(right)) {
      return CompareBoolean(left, right, state);
    }
  } else if (IsNumber(left) && IsNumber(right)) {
    return CompareNumbers(left, right, state);
  }
  return Refuse("values of different storage classes compared");
}

absl::StatusOr<TypedSql> Compare(const TypedSql& left, SqlOperator op, const TypedSql& right,
                                 TranslationState* state) {
  const bool null_safe = op == SqlOperator::kIs || op == SqlOperator::kIsNot;
  if (left.kind == ValueKind::kNull || right.kind == ValueKind::kNull) {
    if (!null_safe) return BooleanValue("NULL::boolean");
    const TypedSql& other = left.kind == ValueKind::kNull ? right : left;
    return BooleanValue(absl::StrCat("(", WithoutNan(other).sql, " IS ",
                                     op == SqlOperator::kIs ? "NULL)" : "NOT NULL)"));
  }
  if (const std::optional<TypedSql> uneven = CompareUnevenTemporal(left, op, right)) {
    return *uneven;
  }
  absl::string_view text;
  bool ordering = true;
  switch (op) {
    case SqlOperator::kEqual: text = " = ", ordering = false; break;
    case SqlOperator::kNotEqual: text = " <> ", ordering = false; break;
    case SqlOperator::kIs: text = " IS NOT DISTINCT FROM ", ordering = false; break;
    case SqlOperator::kIsNot: text = " IS DISTINCT FROM ", ordering = false; break;
    case SqlOperator::kLess: text = " < "; break;
    case SqlOperator::kLessEqual: text = " <= "; break;
    case SqlOperator::kGreater: text = " > "; break;
    case SqlOperator::kGreaterEqual: text = " >= "; break;
    default: return Refuse("an unknown comparison");
  }
  ASSIGN_OR_RETURN(const ComparisonOperands operands,
                   PrepareComparison(left, right, ordering, state));
  TypedSql result = BooleanValue(absl::StrCat("(", operands.left, text, operands.right, ")"));
  result.is_volatile = left.is_volatile || right.is_volatile;
  return result;
}

absl::StatusOr<std::string> SortKey(const TypedSql& value, TranslationState* state) {
  switch (value.kind) {
    case ValueKind::kText:
      if (value.inner_collation && !value.explicit_collation) {
        return Refuse("COLLATE inside an expression");
      }
      return Collated(value, value.collation, true, state);
    case ValueKind::kFloat: return WithoutNan(value).sql;
    case ValueKind::kOpaque:
      if (!HasFaithfulEquality(value)) {
        return Refuse("an order of values whose stored form is not known");
      }
      return value.sql;
    default: return value.sql;
  }
}

}  // namespace lite2pg
