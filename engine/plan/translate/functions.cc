// SQLite's scalar functions that have an equal in PostgreSQL.
//
// Reference: https://www.sqlite.org/lang_corefunc.html.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coercion/json.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"
#include "engine/plan/translate/comparison.h"
#include "engine/plan/translate/expression_translator.h"
#include "engine/plan/translate/time_functions.h"

namespace lite2pg {
namespace {

enum class Family : uint8_t { kText, kNumber, kChoice, kTypeOf, kJson, kRandom };

struct FunctionRow {
  absl::string_view name;
  size_t args_min, args_max;
  Family family;
  bool strict;  // NULL for any NULL argument
};

constexpr size_t kMany = 100;  // SQLite's own limit is 127 (SQLITE_MAX_FUNCTION_ARG)

// The allow-list.
constexpr FunctionRow kFunctions[] = {
    {"length", 1, 1, Family::kText, true},
    {"octet_length", 1, 1, Family::kText, true},
    {"upper", 1, 1, Family::kText, true},
    {"lower", 1, 1, Family::kText, true},
    {"trim", 1, 2, Family::kText, true},
    {"ltrim", 1, 2, Family::kText, true},
    {"rtrim", 1, 2, Family::kText, true},
    {"substr", 2, 3, Family::kText, true},
    {"substring", 2, 3, Family::kText, true},
    {"replace", 3, 3, Family::kText, false},
    {"instr", 2, 2, Family::kText, true},
    {"hex", 1, 1, Family::kText, false},
    {"abs", 1, 1, Family::kNumber, true},
    {"sign", 1, 1, Family::kNumber, true},
    {"round", 1, 2, Family::kNumber, true},
    {"coalesce", 2, kMany, Family::kChoice, false},
    {"ifnull", 2, 2, Family::kChoice, false},
    {"iif", 3, 3, Family::kChoice, false},
    {"if", 3, 3, Family::kChoice, false},
    {"nullif", 2, 2, Family::kChoice, false},
    {"min", 2, kMany, Family::kChoice, true},
    {"max", 2, kMany, Family::kChoice, true},
    {"likely", 1, 1, Family::kChoice, false},
    {"unlikely", 1, 1, Family::kChoice, false},
    {"likelihood", 2, 2, Family::kChoice, false},
    {"typeof", 1, 1, Family::kTypeOf, false},
    {"json_valid", 1, 1, Family::kJson, true},
    {"json", 1, 1, Family::kJson, true},
    {"json_array", 0, 0, Family::kJson, false},
    {"json_object", 0, 0, Family::kJson, false},
    {"random", 0, 0, Family::kRandom, false},
    {"randomblob", 1, 1, Family::kRandom, true},
    {"zeroblob", 1, 1, Family::kRandom, true},
};

const FunctionRow* FindFunction(absl::string_view name) {
  for (const FunctionRow& row : kFunctions) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

// 2^53, where the length of no text ever gets to.
constexpr double kLengthMax = 1e9;

std::string JoinSql(const std::vector<TypedSql>& values) {
  std::vector<std::string> parts;
  for (const TypedSql& value : values) parts.push_back(value.sql);
  return absl::StrJoin(parts, ", ");
}

}  // namespace

absl::StatusOr<TypedSql> ExpressionTranslator::Function(const Expr& expr) {
  const std::string name = absl::AsciiStrToLower(expr.text);
  if (expr.call->windowed) return Refuse("a window function");
  if (IsAggregate(name, expr)) return Aggregate(name, expr);
  if (expr.call->filter != nullptr || expr.call->distinct || expr.star ||
      !expr.call->order_by.empty()) {
    return Refuse(absl::StrCat("the function ", EscapeName(expr.text), "() called in this way"));
  }
  if (IsTimeFunction(name)) {
    const std::optional<std::string> constant = ConstantDateTime(expr);
    if (constant.has_value()) return TextLiteral(*constant);
    if (!allow_volatile_) return Refuse(absl::StrCat("the date function ", name, "()"));
    return CurrentTimeText(expr);
  }
  const FunctionRow* row = FindFunction(name);
  if (row == nullptr) {
    return Refuse(absl::StrCat("the function ", EscapeName(expr.text), "()"));
  }
  if (expr.args.size() < row->args_min || expr.args.size() > row->args_max) {
    return Refuse(absl::StrCat("the function ", name, "() with ", expr.args.size(), " arguments"));
  }
  Values args;
  bool is_volatile = false;
  for (const ExprPtr& arg : expr.args) {
    ASSIGN_OR_RETURN(TypedSql value, Translate(*arg));
    if (value.explicit_collation) return Refuse("COLLATE inside an expression");
    if (row->strict && value.kind == ValueKind::kNull) return NullValue();
    is_volatile |= value.is_volatile;
    args.push_back(WithoutNan(std::move(value)));
  }
  ASSIGN_OR_RETURN(TypedSql result, ScalarFunction(name, std::move(args)));
  result.is_volatile |= is_volatile;
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::ScalarFunction(const std::string& name,
                                                              Values args) {
  switch (FindFunction(name)->family) {
    case Family::kText: return TextFunction(name, args);
    case Family::kNumber: return NumberFunction(name, args);
    case Family::kChoice: return ChoiceFunction(name, std::move(args));
    case Family::kTypeOf: return TypeOf(args[0]);
    case Family::kJson: return JsonFunction(name, args);
    case Family::kRandom: break;
  }
  return RandomFunction(name, args);
}

absl::StatusOr<TypedSql> ExpressionTranslator::TextFunction(const std::string& name,
                                                            const Values& args) {
  const bool blob = args[0].kind == ValueKind::kBlob;
  if (name == "substr" || name == "substring") return Substr(args);
  if (name == "hex") {
    if (args[0].kind == ValueKind::kNull) return TextLiteral("");
    if (!blob) return Refuse("hex() of anything but a blob");
    if (!args[0].hex_sql.empty()) return TextValue(absl::StrCat("upper(", args[0].hex_sql, ")"));
    // hex(NULL) is the empty string.
    return TextValue(absl::StrCat("COALESCE(upper(encode(", args[0].sql, ", 'hex')), '')"));
  }
  if (name == "replace") {
    // With nothing to look for SQLite gives the text back without a look at the replacement.
    const TypedSql& wanted = args[1];
    if (wanted.kind != ValueKind::kText || !wanted.literal || wanted.text.empty()) {
      return Refuse("replace() of text that is not a literal");
    }
    if (args[0].kind == ValueKind::kNull || args[2].kind == ValueKind::kNull) return NullValue();
  }
  if (blob) {
    if (name != "length" && name != "octet_length") return Refuse("a text function of a blob");
    return IntegerValue(absl::StrCat("octet_length(", args[0].sql, ")"), 0, kLengthMax, 32);
  }
  Values texts;
  for (const TypedSql& arg : args) {
    ASSIGN_OR_RETURN(texts.emplace_back(), AsText(arg));
  }
  const std::string& text = texts[0].sql;
  if (name == "length") {
    return IntegerValue(absl::StrCat("char_length(", text, ")"), 0, kLengthMax, 32);
  }
  if (name == "octet_length") {
    if (state_->utf16()) return Refuse("octet_length() of UTF-16 text");
    return IntegerValue(absl::StrCat("octet_length(", text, ")"), 0, kLengthMax, 32);
  }
  if (name == "instr") {
    return IntegerValue(absl::StrCat("strpos(", JoinSql(texts), ")"), 0, kLengthMax, 32);
  }
  TypedSql result = TextValue("");
  if (name == "upper" || name == "lower") {
    // SQLite changes A to Z only, which is what these do under "C".
    result.sql = absl::StrCat(name, "(", text, " COLLATE \"C\")");
    return result;
  }
  const absl::string_view called = name == "trim" ? "btrim" : absl::string_view(name);
  // With one argument all three take spaces away and nothing else, in both.
  result.sql = absl::StrCat(called, "(", JoinSql(texts), ")");
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::Substr(const Values& args) {
  const TypedSql& start = args[1];
  if (start.kind != ValueKind::kInteger) return Refuse("substr() from a position not an integer");
  TypedSql result = TextValue("");
  const bool blob = args[0].kind == ValueKind::kBlob;
  std::string operand = args[0].sql;
  if (blob) {
    result.kind = ValueKind::kBlob;
  } else {
    ASSIGN_OR_RETURN(const TypedSql text, AsText(args[0]));
    operand = text.sql;
  }
  // PostgreSQL's positions are of type integer.
  const auto narrow = [](const TypedSql& value) {
    return value.bits > 32 ? absl::StrCat(value.sql, "::integer") : value.sql;
  };
  const bool fits = start.low >= INT32_MIN && start.high <= INT32_MAX;
  if (start.literal && start.integer < 0 && fits && args.size() == 2 && !blob) {
    // From the end: all of the text when it is shorter.
    result.sql = absl::StrCat("right(", operand, ", ", -start.integer, ")");
    return result;
  }
  // A start of 0 counts the place before the first character in both. Before that SQLite counts
  // from the end.
  if (!fits || start.low < 0) return Refuse("substr() from a position that may be negative");
  if (args.size() == 2) {
    result.sql = absl::StrCat("substr(", operand, ", ", narrow(start), ")");
    return result;
  }
  const TypedSql& count = args[2];
  // A negative count is characters before the start in SQLite, an error in PostgreSQL.
  if (count.kind != ValueKind::kInteger || count.low < 0 || count.high > kLengthMax) {
    return Refuse("substr() with a length that may be negative");
  }
  result.sql = absl::StrCat("substr(", operand, ", ", narrow(start), ", ", narrow(count), ")");
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::NumberFunction(const std::string& name,
                                                              const Values& args) {
  TypedSql number = args[0];
  if (number.kind == ValueKind::kBoolean) {
    ASSIGN_OR_RETURN(number, AsInteger(number));
  }
  if (!IsNumber(number)) return Refuse(absl::StrCat(name, "() of anything but a number"));
  const bool integer = number.kind == ValueKind::kInteger;
  if (name == "round") {
    // Halves: SQLite rounds the double's decimal expansion away from zero, PostgreSQL's
    // round(double precision) to even.
    if (!integer || args.size() > 1) return Refuse("round(), which rounds halves differently");
    ASSIGN_OR_RETURN(TypedSql result, AsFloat(number, state_));
    result.number_class = NumberClass::kReal;
    return result;
  }
  if (name == "sign") {
    return IntegerValue(absl::StrCat("sign(", number.sql, integer ? "::float8" : "",
                                     ")::integer"), -1, 1, 32);
  }
  TypedSql result = number;
  result.literal = false;
  result.affinity.reset();
  result.collation.clear();
  result.column = nullptr;
  if (!integer) {
    result.sql = absl::StrCat("abs(", number.sql, ")");
    return result;
  }
  // abs() of the smallest bigint is an error in both; that of a narrower type must not be.
  const absl::string_view widen = number.bits < 64 && !number.literal ? "::bigint" : "";
  const double most = std::max(-number.low, number.high);
  return IntegerValue(absl::StrCat("abs(", number.sql, widen, ")"),
                      number.low > 0 ? number.low : 0, most, widen.empty() ? number.bits : 64);
}

absl::StatusOr<TypedSql> ExpressionTranslator::ChoiceFunction(const std::string& name,
                                                              Values args) {
  if (name == "likely" || name == "unlikely" || name == "likelihood") {
    // Whether such a call keeps the affinity of a column depends on SQLite's version.
    if (args[0].kind != ValueKind::kBoolean || args[0].affinity.has_value()) {
      return Refuse(absl::StrCat(name, "() of anything but a condition"));
    }
    return args[0];
  }
  if (name == "min" || name == "max") return Extreme(name, std::move(args));
  if (name == "nullif") return NullIf(args);
  std::string condition;
  if (name == "iif" || name == "if") {
    ASSIGN_OR_RETURN(condition, AsCondition(args[0]));
    args.erase(args.begin());
  }
  ASSIGN_OR_RETURN(TypedSql result, UnifyKinds(&args, state_));
  if (condition.empty()) {
    result.sql = absl::StrCat("COALESCE(", JoinSql(args), ")");
  } else {
    result.sql = absl::StrCat("(CASE WHEN ", condition, " THEN ", args[0].sql, " ELSE ",
                              args[1].sql, " END)");
  }
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::NullIf(const Values& args) {
  TypedSql left = args[0], right = args[1];
  if (left.kind == ValueKind::kNull) return NullValue();
  if (right.kind == ValueKind::kNull) return left;
  // No affinity is applied here; and a value is given back unchanged, so nothing may be converted.
  left.affinity.reset();
  right.affinity.reset();
  ASSIGN_OR_RETURN(const ComparisonOperands operands,
                   PrepareComparison(left, right, false, state_));
  // PostgreSQL gives the result the type that the comparison has: numeric for NULLIF(1, 2.5).
  const bool widened = left.kind == ValueKind::kInteger && right.kind != ValueKind::kInteger;
  if (operands.left != left.sql || widened) {
    return Refuse("nullif() of values of different types");
  }
  TypedSql result = left;
  result.sql = absl::StrCat("NULLIF(", operands.left, ", ", operands.right, ")");
  result.literal = false;
  result.collation.clear();
  if (result.kind != ValueKind::kOpaque) result.column = nullptr;
  result.constant.reset();
  return result;
}

// min(a, b, ...) and max(): NULL if any is NULL, while LEAST() and GREATEST() pass NULLs over.
absl::StatusOr<TypedSql> ExpressionTranslator::Extreme(const std::string& name, Values args) {
  std::string collation;
  for (const TypedSql& arg : args) {
    if (arg.is_volatile) return Refuse("a random value written twice");
    if (arg.inner_collation) return Refuse("COLLATE inside an expression");
    if (collation.empty()) collation = arg.collation;
  }
  std::vector<std::string> present;
  for (const TypedSql& arg : args) {
    if (!arg.literal) present.push_back(absl::StrCat(arg.sql, " IS NOT NULL"));
  }
  ASSIGN_OR_RETURN(TypedSql result, UnifyKinds(&args, state_));
  if (result.kind == ValueKind::kBoolean || result.kind == ValueKind::kOpaque) {
    return Refuse(absl::StrCat(name, "() of values that are not numbers or text"));
  }
  if (result.kind == ValueKind::kText) {
    if (!IsBinary(collation)) return Refuse(absl::StrCat(name, "() under a collation"));
    for (TypedSql& arg : args) {
      ASSIGN_OR_RETURN(arg.sql, Collated(arg, "BINARY", true, state_));
    }
  }
  const std::string chosen =
      absl::StrCat(name == "min" ? "LEAST(" : "GREATEST(", JoinSql(args), ")");
  result.sql = present.empty() ? chosen
                               : absl::StrCat("(CASE WHEN ", absl::StrJoin(present, " AND "),
                                              " THEN ", chosen, " END)");
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::TypeOf(const TypedSql& value) {
  absl::string_view name;
  switch (value.kind) {
    case ValueKind::kNull: return TextLiteral("null");
    case ValueKind::kInteger:
    case ValueKind::kBoolean: name = "integer"; break;
    case ValueKind::kText: name = "text"; break;
    case ValueKind::kBlob: name = "blob"; break;
    default:
      if (value.number_class == NumberClass::kReal && value.kind != ValueKind::kOpaque) {
        name = "real";
        break;
      }
      return Refuse("typeof() of a value whose stored form is not known");
  }
  if (value.literal) return TextLiteral(name);
  return TextValue(absl::StrCat("(CASE WHEN ", value.sql, " IS NULL THEN 'null'::text ELSE '",
                                name, "'::text END)"));
}

absl::StatusOr<TypedSql> ExpressionTranslator::JsonFunction(const std::string& name,
                                                            const Values& args) {
  if (name == "json_array") return TextLiteral("[]");
  if (name == "json_object") return TextLiteral("{}");
  const TypedSql& value = args[0];
  if (name == "json") {
    // json() only takes spaces away, which a text without any does not notice.
    const bool constant = value.kind == ValueKind::kText && value.literal &&
                          IsJson(value.text) &&
                          value.text.find_first_of(" \t\r\n") == std::string::npos;
    if (!constant) return Refuse("the function json()");
    return value;
  }
  const bool json = value.column != nullptr && value.column->type.kind == TypeKind::kBase &&
                    (value.column->type.oid == kOidJson || value.column->type.oid == kOidJsonb);
  if (!json) return Refuse("json_valid() of a column that is not json in the target");
  // The type lets nothing else in; NULL stays NULL, as SQLite has it since 3.42.
  TypedSql result = BooleanValue(absl::StrCat("(", value.sql, " IS NOT NULL OR NULL)"));
  result.constant = true;
  result.constant_or_null = true;
  return result;
}

absl::StatusOr<TypedSql> ExpressionTranslator::RandomFunction(const std::string& name,
                                                              const Values& args) {
  constexpr int64_t kBytesMax = 1024;
  TypedSql result;
  if (name == "zeroblob") {
    if (!args[0].literal || args[0].kind != ValueKind::kInteger || args[0].integer < 0 ||
        args[0].integer > kBytesMax) {
      return Refuse("zeroblob() of anything but a small literal");
    }
    result.kind = ValueKind::kBlob;
    result.literal = true;
    result.text = std::string(2 * static_cast<size_t>(args[0].integer), '0');
    result.sql = absl::StrCat(QuoteLiteral(absl::StrCat("\\x", result.text)), "::bytea");
    return result;
  }
  if (!allow_volatile_) return Refuse("a random value outside a default");
  // The last 12 digits of a version 4 UUID are 48 random bits; only the version and the variant,
  // further left, are fixed. PostgreSQL has no other random bytes without an extension.
  constexpr absl::string_view kUuid = "gen_random_uuid()::text";
  int64_t digits = 16;
  if (name == "randomblob") {
    if (!args[0].literal || args[0].kind != ValueKind::kInteger || args[0].integer < 1 ||
        args[0].integer > kBytesMax) {
      return Refuse("randomblob() of anything but a small literal");
    }
    digits = 2 * args[0].integer;
  }
  std::vector<std::string> parts;
  for (; digits > 0; digits -= 12) {
    parts.push_back(absl::StrCat("right(", kUuid, ", ", std::min<int64_t>(digits, 12), ")"));
  }
  const std::string hexadecimal = absl::StrJoin(parts, " || ");
  if (name == "randomblob") {
    result.kind = ValueKind::kBlob;
    result.sql = absl::StrCat("decode(", hexadecimal, ", 'hex')");
    result.hex_sql = hexadecimal;
  } else {
    result = BigintValue(absl::StrCat("('x' || ", hexadecimal, ")::bit(64)::bigint"));
  }
  result.is_volatile = true;
  return result;
}

}  // namespace lite2pg
