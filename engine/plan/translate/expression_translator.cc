#include "engine/plan/translate/expression_translator.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/patterns.h"
#include "engine/plan/translate/time_functions.h"

namespace lite2pg {
namespace {

bool IsTypeOf(const Expr& expr) {
  return expr.kind == ExprKind::kFunction && expr.args.size() == 1 &&
         absl::EqualsIgnoreCase(expr.text, "typeof");
}

// Functions and operators lose a COLLATE below them in most places, but not for SQLite's
// comparisons; rather than follow that, it is refused.
absl::Status RefuseInnerCollation(const TypedSql& value) {
  if (value.explicit_collation) return Refuse("COLLATE inside an expression");
  return absl::OkStatus();
}

}  // namespace

absl::Status ExpressionHost::BeginAggregate() { return Refuse("an aggregate function here"); }

absl::StatusOr<SubquerySql> ExpressionHost::Subquery(const Select&) {
  return Refuse("a subquery here");
}

absl::StatusOr<TypedSql> ExpressionTranslator::Translate(const Expr& expr) {
  if (depth_ >= kTranslateDepthMax) return Refuse("an expression nested too deeply");
  ++depth_;
  const bool group_key = host_->BeginGroupKey(expr);
  const int collations = collations_;
  absl::StatusOr<TypedSql> result = TranslateNode(expr);
  if (group_key) host_->EndGroupKey();
  --depth_;
  if (result.ok()) result->inner_collation = collations_ > collations;
  if (result.ok() && result->sql.size() > kTranslatedBytesMax) {
    return Refuse("an expression that becomes too long");
  }
  return result;
}

absl::StatusOr<std::string> ExpressionTranslator::TranslateCondition(const Expr& expr) {
  ASSIGN_OR_RETURN(const TypedSql value, Translate(expr));
  return AsCondition(value);
}

absl::StatusOr<TypedSql> ExpressionTranslator::TranslateNode(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNull:
    case ExprKind::kInteger:
    case ExprKind::kReal:
    case ExprKind::kString:
    case ExprKind::kBlob: return Literal(expr);
    case ExprKind::kCurrentTime:
      if (!allow_volatile_) return Refuse("the current time outside a default");
      return CurrentTimeText(expr);
    case ExprKind::kColumn: return host_->Column(expr);
    case ExprKind::kUnary: return Unary(expr);
    case ExprKind::kBinary: return Binary(expr);
    case ExprKind::kCollate: return Collate(expr);
    case ExprKind::kCast: return Cast(expr);
    case ExprKind::kCase: return Case(expr);
    case ExprKind::kFunction: return Function(expr);
    case ExprKind::kPattern: return Pattern(expr);
    case ExprKind::kBetween: return Between(expr);
    case ExprKind::kIn: return In(expr);
    case ExprKind::kIsNull: return IsNull(expr);
    case ExprKind::kExists: {
      ASSIGN_OR_RETURN(const SubquerySql query, host_->Subquery(*expr.select));
      return BooleanValue(absl::StrCat("EXISTS (", query.sql, ")"));
    }
    case ExprKind::kSubquery: {
      ASSIGN_OR_RETURN(SubquerySql query, host_->Subquery(*expr.select));
      if (query.columns.size() != 1) return Refuse("a subquery of several columns as one value");
      // SQLite takes the first row; PostgreSQL ends in an error when there is a second.
      if (!query.one_row) state_->Note(Exactness::kEqualOrError);
      TypedSql value = std::move(query.columns[0]);
      value.sql = absl::StrCat("(", query.sql, ")");
      value.literal = false;
      value.constant.reset();
      value.explicit_collation = false;
      value.collation.clear();
      return value;
    }
    case ExprKind::kRow: return Refuse("a row value");
  }
  return Refuse("an unknown kind of expression");
}

absl::StatusOr<TypedSql> ExpressionTranslator::Literal(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNull: return NullValue();
    case ExprKind::kString: return TextLiteral(expr.text);
    case ExprKind::kBlob: {
      TypedSql value;
      value.kind = ValueKind::kBlob;
      value.literal = true;
      value.text = expr.text;
      // The lexer lets only hexadecimal digits through.
      value.sql = absl::StrCat(QuoteLiteral(absl::StrCat("\\x", expr.text)), "::bytea");
      return value;
    }
    default: return ParseNumber(expr.text, false);
  }
}

absl::StatusOr<TypedSql> ExpressionTranslator::Unary(const Expr& expr) {
  const Expr& operand = *expr.args[0];
  if (expr.op == SqlOperator::kNegate) return Negation(operand);
  ASSIGN_OR_RETURN(TypedSql value, Translate(operand));
  switch (expr.op) {
    case SqlOperator::kPlus:
      // Does nothing but take the affinity away; the collation stays.
      value.affinity.reset();
      value.truth_word = false;
      value.column = value.kind == ValueKind::kOpaque ? value.column : nullptr;
      return value;
    case SqlOperator::kNot: {
      ASSIGN_OR_RETURN(std::string condition, AsCondition(value));
      TypedSql result = BooleanValue(absl::StrCat("(NOT ", condition, ")"));
      if (value.constant.has_value()) {
        if (!value.constant_or_null) return ConstantBoolean(!*value.constant);
        result.constant = !*value.constant;
        result.constant_or_null = true;
      }
      return result;
    }
    case SqlOperator::kBitNot: {
      if (value.kind == ValueKind::kNull) return NullValue();
      ASSIGN_OR_RETURN(const TypedSql integer, AsInteger(value));
      return IntegerValue(absl::StrCat("(~ ", integer.sql, "::bigint)"), -1 - integer.high,
                          -1 - integer.low, 64);
    }
    default: return Refuse("an unknown operator");
  }
}

absl::StatusOr<TypedSql> ExpressionTranslator::Negation(const Expr& operand) {
  // Together with its sign a literal may be the smallest integer, which has no positive form.
  if (operand.kind == ExprKind::kInteger || operand.kind == ExprKind::kReal) {
    return ParseNumber(operand.text, true);
  }
  ASSIGN_OR_RETURN(const TypedSql value, Translate(operand));
  RETURN_IF_ERROR(RefuseInnerCollation(value));
  if (value.kind == ValueKind::kNull) return NullValue();
  if (value.literal && value.kind == ValueKind::kText) {
    // DEFAULT -'5'.
    std::optional<TypedSql> number = NumberInText(value.text);
    if (!number.has_value()) return Refuse("text used as a number");
    return Arithmetic(SqlOperator::kSubtract, IntegerLiteral(0), *number);
  }
  if (value.kind == ValueKind::kFloat) {
    TypedSql result = FloatValue(absl::StrCat("(- ", value.sql, ")"), value.number_class);
    result.maybe_nan = value.maybe_nan;
    result.maybe_infinite = value.maybe_infinite;
    return result;
  }
  if (value.kind == ValueKind::kNumeric) {
    TypedSql result = value;
    result.sql = absl::StrCat("(- ", value.sql, ")");
    result.affinity.reset();
    result.collation.clear();
    result.column = nullptr;
    return result;
  }
  return Arithmetic(SqlOperator::kSubtract, IntegerLiteral(0), value);
}

absl::StatusOr<TypedSql> ExpressionTranslator::Binary(const Expr& expr) {
  switch (expr.op) {
    case SqlOperator::kAnd:
    case SqlOperator::kOr: return Junction(expr);
    case SqlOperator::kEqual:
    case SqlOperator::kNotEqual:
    case SqlOperator::kIs:
    case SqlOperator::kIsNot:
    case SqlOperator::kLess:
    case SqlOperator::kLessEqual:
    case SqlOperator::kGreater:
    case SqlOperator::kGreaterEqual: return Comparison(expr);
    case SqlOperator::kArrow:
    case SqlOperator::kArrowText: return Refuse("-> and ->>, which type their results otherwise");
    default: break;
  }
  ASSIGN_OR_RETURN(const TypedSql left, Translate(*expr.args[0]));
  ASSIGN_OR_RETURN(const TypedSql right, Translate(*expr.args[1]));
  RETURN_IF_ERROR(RefuseInnerCollation(left));
  RETURN_IF_ERROR(RefuseInnerCollation(right));
  absl::StatusOr<TypedSql> result = expr.op == SqlOperator::kConcat
                                        ? Concatenation(left, right)
                                        : Arithmetic(expr.op, left, right);
  if (result.ok()) result->is_volatile = left.is_volatile || right.is_volatile;
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Junction(const Expr& expr) {
  // Long chains lean to the left; walking them down in a loop keeps the recursion flat.
  std::vector<const Expr*> operands;
  const Expr* node = &expr;
  while (node->kind == ExprKind::kBinary && node->op == expr.op) {
    operands.push_back(node->args[1].get());
    node = node->args[0].get();
  }
  operands.push_back(node);
  const bool is_and = expr.op == SqlOperator::kAnd;
  std::vector<std::string> parts;
  bool all_true = true, any_or_null = false, decided = false, decided_or_null = true;
  for (auto it = operands.rbegin(); it != operands.rend(); ++it) {
    ASSIGN_OR_RETURN(const TypedSql value, Translate(**it));
    ASSIGN_OR_RETURN(std::string condition, AsCondition(value));
    const bool known = value.constant.has_value();
    any_or_null |= value.constant_or_null;
    all_true &= known && *value.constant;
    if (known && *value.constant != is_and) {
      // FALSE decides an AND, TRUE an OR; one that may be NULL leaves FALSE or TRUE out.
      decided = true;
      decided_or_null &= value.constant_or_null;
    }
    const bool neutral = known && !value.constant_or_null && *value.constant == is_and;
    if (!neutral) parts.push_back(std::move(condition));
  }
  if (decided && !decided_or_null) return ConstantBoolean(!is_and);
  if (parts.empty()) return ConstantBoolean(is_and);
  TypedSql result = BooleanValue(
      parts.size() == 1 ? parts[0]
                        : absl::StrCat("(", absl::StrJoin(parts, is_and ? " AND " : " OR "), ")"));
  if (decided) {
    result.constant = !is_and;
    result.constant_or_null = true;
  } else if (is_and && all_true) {
    result.constant = true;
    result.constant_or_null = any_or_null;
  }
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Comparison(const Expr& expr) {
  const Expr& a = *expr.args[0];
  const Expr& b = *expr.args[1];
  const bool equality = expr.op == SqlOperator::kEqual || expr.op == SqlOperator::kIs;
  const bool inequality = expr.op == SqlOperator::kNotEqual || expr.op == SqlOperator::kIsNot;
  if (equality || inequality) {
    if (IsTypeOf(a) && b.kind == ExprKind::kString) {
      return TypeOfTest(*a.args[0], {&b}, inequality);
    }
    if (IsTypeOf(b) && a.kind == ExprKind::kString) {
      return TypeOfTest(*b.args[0], {&a}, inequality);
    }
  }
  ASSIGN_OR_RETURN(const TypedSql left, Translate(a));
  ASSIGN_OR_RETURN(const TypedSql right, Translate(b));
  const bool is = expr.op == SqlOperator::kIs || expr.op == SqlOperator::kIsNot;
  if (is && b.kind == ExprKind::kColumn && right.truth_word) {
    // x IS TRUE asks whether x is true, whatever number x is.
    ASSIGN_OR_RETURN(const std::string condition, AsCondition(left));
    return BooleanValue(absl::StrCat("(", condition, " IS ",
                                     expr.op == SqlOperator::kIsNot ? "NOT " : "",
                                     right.integer == 1 ? "TRUE)" : "FALSE)"));
  }
  return Compare(left, expr.op, right, state_);
}

absl::StatusOr<TypedSql> ExpressionTranslator::TypeOfTest(const Expr& argument,
                                                          const std::vector<const Expr*>& names,
                                                          bool negated) {
  ASSIGN_OR_RETURN(const TypedSql value, Translate(argument));
  const auto named = [&](absl::string_view name) {
    for (const Expr* expr : names) {
      if (expr->text == name) return true;
    }
    return false;
  };
  const auto fold = [&](bool result) { return ConstantBoolean(result != negated); };
  if (value.kind == ValueKind::kNull) return fold(named("null"));
  int possible = 0, met = 0;
  const auto meets = [&](absl::string_view name) {
    ++possible;
    met += named(name) ? 1 : 0;
  };
  switch (value.kind) {
    case ValueKind::kInteger:
    case ValueKind::kBoolean: meets("integer"); break;
    case ValueKind::kText: meets("text"); break;
    case ValueKind::kBlob: meets("blob"); break;
    case ValueKind::kFloat:
    case ValueKind::kNumeric:
      meets("real");
      if (value.number_class == NumberClass::kEither) meets("integer");
      break;
    default: return Refuse("typeof() of a value whose stored form is not known");
  }
  if (met != 0 && met != possible) {
    return Refuse("typeof() that tells integers from reals in a column of numbers");
  }
  // What is left to ask is whether the value is NULL.
  const bool when_present = met == possible, when_null = named("null");
  if (when_present == when_null || value.literal) return fold(when_present);
  return BooleanValue(absl::StrCat("(", WithoutNan(value).sql, " IS ",
                                   (when_null != negated) ? "NULL)" : "NOT NULL)"));
}

absl::StatusOr<TypedSql> ExpressionTranslator::Concatenation(const TypedSql& left,
                                                             const TypedSql& right) {
  if (left.kind == ValueKind::kNull || right.kind == ValueKind::kNull) return NullValue();
  ASSIGN_OR_RETURN(const TypedSql l, AsText(left));
  ASSIGN_OR_RETURN(const TypedSql r, AsText(right));
  TypedSql result = TextValue(absl::StrCat("(", l.sql, " || ", r.sql, ")"));
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Collate(const Expr& expr) {
  ASSIGN_OR_RETURN(TypedSql value, Translate(*expr.args[0]));
  const std::string upper = absl::AsciiStrToUpper(expr.text);
  if (upper != "BINARY" && upper != "NOCASE" && upper != "RTRIM") {
    return Refuse(absl::StrCat("the collation ", EscapeName(expr.text)));
  }
  if (value.truth_word) return Refuse("COLLATE after TRUE or FALSE");
  ++collations_;
  value.collation = upper;
  value.explicit_collation = true;
  return value;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Cast(const Expr& expr) {
  ASSIGN_OR_RETURN(const TypedSql value, Translate(*expr.args[0]));
  RETURN_IF_ERROR(RefuseInnerCollation(value));
  const Affinity affinity = AffinityOf(expr.text);
  TypedSql result = NullValue();
  const bool integer = value.kind == ValueKind::kInteger || value.kind == ValueKind::kBoolean;
  if (value.kind == ValueKind::kNull) {
    return result;
  } else if (affinity == Affinity::kText) {
    ASSIGN_OR_RETURN(result, AsText(value));
  } else if (affinity == Affinity::kBlob && value.kind == ValueKind::kBlob) {
    result = value;
  } else if (affinity == Affinity::kReal && IsNumber(value)) {
    ASSIGN_OR_RETURN(result, AsFloat(value, state_));
    result.number_class = NumberClass::kReal;
  } else if ((affinity == Affinity::kInteger || affinity == Affinity::kNumeric) && integer) {
    ASSIGN_OR_RETURN(result, AsInteger(value));
  } else if (affinity == Affinity::kInteger && !value.integer_sql.empty()) {
    result = BigintValue(value.integer_sql);
  } else if (affinity == Affinity::kInteger && value.kind == ValueKind::kFloat) {
    // Both cut towards zero; SQLite then stops at the ends of the range, PostgreSQL refuses.
    state_->Note(Exactness::kEqualOrError);
    result = BigintValue(absl::StrCat("trunc(", WithoutNan(value).sql, ")::bigint"));
  } else {
    return Refuse("a CAST whose result the two compute otherwise");
  }
  result.literal = false;
  result.affinity = affinity;
  result.collation = value.collation;
  result.column = nullptr;
  result.is_volatile = value.is_volatile;
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Case(const Expr& expr) {
  std::optional<TypedSql> base;
  size_t at = 0;
  if (expr.has_base) {
    ASSIGN_OR_RETURN(base, Translate(*expr.args[at++]));
    if (base->is_volatile) return Refuse("a random value written twice");
  }
  const size_t pairs = (expr.args.size() - at - (expr.has_else ? 1 : 0)) / 2;
  std::vector<std::string> conditions;
  Values results;
  for (size_t i = 0; i < pairs; ++i) {
    ASSIGN_OR_RETURN(TypedSql when, Translate(*expr.args[at++]));
    if (base.has_value()) {
      ASSIGN_OR_RETURN(when, Compare(*base, SqlOperator::kEqual, when, state_));
    }
    ASSIGN_OR_RETURN(conditions.emplace_back(), AsCondition(when));
    ASSIGN_OR_RETURN(results.emplace_back(), Translate(*expr.args[at++]));
  }
  if (expr.has_else) {
    ASSIGN_OR_RETURN(results.emplace_back(), Translate(*expr.args[at]));
  }
  ASSIGN_OR_RETURN(TypedSql result, UnifyKinds(&results, state_));
  std::string sql = "CASE";
  for (size_t i = 0; i < pairs; ++i) {
    absl::StrAppend(&sql, " WHEN ", conditions[i], " THEN ", results[i].sql);
  }
  if (expr.has_else) absl::StrAppend(&sql, " ELSE ", results.back().sql);
  result.sql = absl::StrCat("(", sql, " END)");
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Pattern(const Expr& expr) {
  const bool like = expr.op == SqlOperator::kLike;
  if (!like && expr.op != SqlOperator::kGlob) {
    return Refuse("REGEXP and MATCH, which SQLite leaves to the application");
  }
  ASSIGN_OR_RETURN(const TypedSql value, Translate(*expr.args[0]));
  if (value.kind == ValueKind::kNull) return BooleanValue("NULL::boolean");
  ASSIGN_OR_RETURN(const TypedSql text, AsText(value));
  ASSIGN_OR_RETURN(const TypedSql pattern, Translate(*expr.args[1]));
  if (pattern.kind != ValueKind::kText || !pattern.literal) {
    return Refuse("a pattern that is not a literal");
  }
  std::optional<std::string> escape;
  if (expr.args.size() > 2) {
    ASSIGN_OR_RETURN(const TypedSql character, Translate(*expr.args[2]));
    if (!like || character.kind != ValueKind::kText || !character.literal) {
      return Refuse("an ESCAPE that is not a literal");
    }
    escape = character.text;
  }
  const absl::string_view no = expr.negated ? "NOT " : "";
  if (like) {
    ASSIGN_OR_RETURN(const LikePattern result, TranslateLike(pattern.text, escape));
    // Without letters there is no case to ignore.
    const std::string operand =
        result.fold ? absl::StrCat("lower(", text.sql, " COLLATE \"C\")") : text.sql;
    return BooleanValue(absl::StrCat("(", operand, " ", no, "LIKE ", QuoteLiteral(result.pattern),
                                     "::text)"));
  }
  ASSIGN_OR_RETURN(const GlobPattern result, TranslateGlob(pattern.text));
  if (!result.regular_expression) {
    return BooleanValue(absl::StrCat("(", text.sql, " ", no, "LIKE ",
                                     QuoteLiteral(result.pattern), "::text)"));
  }
  return BooleanValue(absl::StrCat("(", text.sql, " COLLATE \"C\" ", expr.negated ? "!~ " : "~ ",
                                   QuoteLiteral(result.pattern), "::text)"));
}

absl::StatusOr<TypedSql> ExpressionTranslator::Between(const Expr& expr) {
  ASSIGN_OR_RETURN(const TypedSql value, Translate(*expr.args[0]));
  if (value.is_volatile) return Refuse("a random value written twice");
  ASSIGN_OR_RETURN(const TypedSql low, Translate(*expr.args[1]));
  ASSIGN_OR_RETURN(const TypedSql high, Translate(*expr.args[2]));
  // Each bound may need its own conversion of the value, so it is written twice.
  ASSIGN_OR_RETURN(const TypedSql above, Compare(value, SqlOperator::kGreaterEqual, low, state_));
  ASSIGN_OR_RETURN(const TypedSql below, Compare(value, SqlOperator::kLessEqual, high, state_));
  return BooleanValue(
      absl::StrCat(expr.negated ? "(NOT (" : "(", above.sql, " AND ", below.sql,
                   expr.negated ? "))" : ")"));
}

absl::StatusOr<TypedSql> ExpressionTranslator::In(const Expr& expr) {
  if (expr.in_kind == InKind::kTable) return Refuse("IN with a table's name");
  if (expr.in_kind == InKind::kSelect) return InSelect(expr);
  if (IsTypeOf(*expr.args[0]) && expr.args.size() > 1) {
    std::vector<const Expr*> names;
    for (size_t i = 1; i < expr.args.size(); ++i) {
      if (expr.args[i]->kind == ExprKind::kString) names.push_back(expr.args[i].get());
    }
    if (names.size() + 1 == expr.args.size()) {
      return TypeOfTest(*expr.args[0]->args[0], names, expr.negated);
    }
  }
  ASSIGN_OR_RETURN(const TypedSql left, Translate(*expr.args[0]));
  // SQLite reads that as the word TRUE or FALSE, which IS then treats in its own way.
  if (expr.args.size() == 1) return Refuse("IN with an empty list");
  return InList(left, expr);
}

absl::StatusOr<TypedSql> ExpressionTranslator::InList(const TypedSql& left, const Expr& expr) {
  std::vector<std::string> lefts, rights;
  for (size_t i = 1; i < expr.args.size(); ++i) {
    ASSIGN_OR_RETURN(TypedSql item, Translate(*expr.args[i]));
    if (item.kind == ValueKind::kNull || left.kind == ValueKind::kNull) {
      lefts.push_back(lefts.empty() ? "" : lefts.back());
      rights.push_back("NULL");
      continue;
    }
    // The items of a list have no affinity and no collation of their own.
    item.affinity.reset();
    item.collation.clear();
    item.explicit_collation = false;
    ASSIGN_OR_RETURN(const ComparisonOperands operands,
                     PrepareComparison(left, item, false, state_));
    lefts.push_back(operands.left);
    rights.push_back(operands.right);
  }
  std::string side;
  for (const std::string& candidate : lefts) {
    if (candidate.empty()) continue;
    if (side.empty()) side = candidate;
    // For instance a boolean compared with 1 and with 2.
    if (side != candidate) return Refuse("IN with a list of values of different types");
  }
  if (side.empty()) return BooleanValue("NULL::boolean");
  return BooleanValue(absl::StrCat("(", side, expr.negated ? " NOT IN (" : " IN (",
                                   absl::StrJoin(rights, ", "), "))"));
}

absl::StatusOr<TypedSql> ExpressionTranslator::InSelect(const Expr& expr) {
  ASSIGN_OR_RETURN(const TypedSql left, Translate(*expr.args[0]));
  ASSIGN_OR_RETURN(const SubquerySql query, host_->Subquery(*expr.select));
  if (query.columns.size() != 1) return Refuse("IN with a SELECT of several columns");
  TypedSql column = query.columns[0];
  if (left.kind == ValueKind::kNull || column.kind == ValueKind::kNull) {
    return Refuse("IN between NULL and a SELECT");
  }
  // Its values cannot be rewritten from outside, so they must compare as they are. A literal there
  // is treated as any value.
  column.literal = false;
  column.sql = "x";
  ASSIGN_OR_RETURN(const ComparisonOperands operands,
                   PrepareComparison(left, column, false, state_));
  if (operands.right != "x") return Refuse("IN with a SELECT whose values need a conversion");
  return BooleanValue(absl::StrCat("(", operands.left, expr.negated ? " NOT IN (" : " IN (",
                                   query.sql, "))"));
}

absl::StatusOr<TypedSql> ExpressionTranslator::IsNull(const Expr& expr) {
  ASSIGN_OR_RETURN(const TypedSql value, Translate(*expr.args[0]));
  if (value.kind == ValueKind::kNull) return ConstantBoolean(!expr.negated);
  if (value.literal) return ConstantBoolean(expr.negated);
  return BooleanValue(absl::StrCat("(", WithoutNan(value).sql, " IS ",
                                   expr.negated ? "NOT NULL)" : "NULL)"));
}

}  // namespace lite2pg
