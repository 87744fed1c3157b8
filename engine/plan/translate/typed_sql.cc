#include "engine/plan/translate/typed_sql.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coercion/utf8.h"
#include "engine/base/status_macros.h"
#include "engine/base/text.h"

namespace lite2pg {
namespace {

constexpr double kInt64Bound = 9223372036854775808.0;

constexpr uint32_t Bit(StorageClass c) { return 1u << static_cast<int>(c); }
constexpr uint32_t kNumbers = Bit(StorageClass::kInteger) | Bit(StorageClass::kReal);

// The storage classes other than NULL that the source column may hold, as a bit set; all four
// when nothing is known.
uint32_t PossibleClasses(const TranslationColumn& column, uint32_t native) {
  constexpr uint32_t kAny = kNumbers | Bit(StorageClass::kText) | Bit(StorageClass::kBlob);
  if (!column.counted) {
    // Numeric affinities turn text that reads as a number into one, and what is left would not
    // have fitted a numeric target; TEXT affinity turns all numbers into text.
    const bool numeric_target = (native & kNumbers) != 0;
    switch (column.affinity) {
      case Affinity::kReal: return numeric_target ? Bit(StorageClass::kReal) : kAny;
      case Affinity::kInteger:
      case Affinity::kNumeric: return numeric_target ? kNumbers : kAny;
      case Affinity::kText: return Bit(StorageClass::kText);
      case Affinity::kBlob: return kAny;
    }
  }
  uint32_t seen = 0;
  for (const StorageClass c : {StorageClass::kInteger, StorageClass::kReal, StorageClass::kText,
                               StorageClass::kBlob}) {
    if (column.counts[static_cast<size_t>(c)] > 0) seen |= Bit(c);
  }
  // A column without values keeps the target's promise from now on.
  return seen == 0 ? native : seen;
}

// Fills `value` for a column whose target holds integers of `bits` bits.
void MakeIntegerColumn(const TranslationColumn& column, int bits, TypedSql* value) {
  const uint32_t classes = PossibleClasses(column, Bit(StorageClass::kInteger));
  // A REAL that an integer column takes is integral; under the affinities that keep it so it is
  // stored as INTEGER already.
  const bool stored_as_integer = column.affinity == Affinity::kInteger ||
                                 column.affinity == Affinity::kNumeric;
  const uint32_t allowed = stored_as_integer && !column.counted ? kNumbers
                                                                : Bit(StorageClass::kInteger);
  if ((classes & ~allowed) != 0) return;
  value->kind = ValueKind::kInteger;
  value->bits = bits;
  value->high = std::ldexp(1.0, bits - 1) - 1;
  value->low = -std::ldexp(1.0, bits - 1);
}

void MakeNumberColumn(const TranslationColumn& column, ValueKind kind, TypedSql* value) {
  const uint32_t classes = PossibleClasses(column, Bit(StorageClass::kReal));
  if ((classes & ~kNumbers) != 0) return;
  value->kind = kind;
  value->number_class =
      classes == Bit(StorageClass::kReal) ? NumberClass::kReal : NumberClass::kEither;
}

std::string FormatDouble(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

}  // namespace

absl::Status Refuse(absl::string_view reason) { return absl::UnimplementedError(reason); }

bool IsValidUtf8(absl::string_view text) { return CheckText(text) == Outcome::kOk; }

bool IsBinary(absl::string_view collation) {
  return collation.empty() || absl::AsciiStrToUpper(collation) == "BINARY";
}

std::string AsciiLower(absl::string_view text) { return absl::AsciiStrToLower(text); }

bool IsNumber(const TypedSql& value) {
  return value.kind == ValueKind::kInteger || value.kind == ValueKind::kFloat ||
         value.kind == ValueKind::kNumeric;
}

TypedSql NullValue() {
  TypedSql value;
  value.sql = "NULL";
  value.literal = true;
  return value;
}

TypedSql IntegerLiteral(int64_t number) {
  TypedSql value;
  value.kind = ValueKind::kInteger;
  value.literal = true;
  value.integer = number;
  value.low = value.high = static_cast<double>(number);
  value.bits = number >= INT32_MIN && number <= INT32_MAX ? 32 : 64;
  value.sql = absl::StrCat(number);
  // 9223372036854775808 would be read as numeric before the sign is applied.
  if (number == INT64_MIN) {
    value.sql = "'-9223372036854775808'::bigint";
  } else if (number < 0) {
    value.sql = absl::StrCat("(", value.sql, ")");
  }
  return value;
}

std::string DecimalOf(double value) {
  // Never asked for infinities: the callers refuse them.
  const std::string text = FormatDouble(value);
  return value < 0 || text[0] == '-' ? absl::StrCat("(", text, ")") : text;
}

TypedSql RealLiteral(double number) {
  TypedSql value;
  value.kind = ValueKind::kFloat;
  value.number_class = NumberClass::kReal;
  value.literal = true;
  value.real = number;
  value.maybe_infinite = std::isinf(number);
  if (value.maybe_infinite) {
    value.sql = number > 0 ? "'Infinity'::float8" : "'-Infinity'::float8";
  } else {
    value.sql = absl::StrCat(DecimalOf(number), "::float8");
  }
  return value;
}

absl::StatusOr<TypedSql> TextLiteral(absl::string_view text) {
  if (!IsValidUtf8(text)) return Refuse("a string is not valid UTF-8");
  TypedSql value = TextValue(absl::StrCat(QuoteLiteral(text), "::text"));
  value.literal = true;
  value.text = std::string(text);
  return value;
}

TypedSql BooleanValue(std::string sql) {
  TypedSql value;
  value.kind = ValueKind::kBoolean;
  value.sql = std::move(sql);
  return value;
}

TypedSql ConstantBoolean(bool constant) {
  TypedSql value = BooleanValue(constant ? "TRUE" : "FALSE");
  value.constant = constant;
  return value;
}

TypedSql TextValue(std::string sql) {
  TypedSql value;
  value.kind = ValueKind::kText;
  value.sql = std::move(sql);
  return value;
}

TypedSql IntegerValue(std::string sql, double low, double high, int bits) {
  TypedSql value;
  value.kind = ValueKind::kInteger;
  value.sql = std::move(sql);
  value.low = std::max(low, -kInt64Bound);
  value.high = std::min(high, kInt64Bound);
  value.bits = bits;
  return value;
}

TypedSql BigintValue(std::string sql) {
  constexpr double kBound = 9223372036854775808.0;  // the greatest is one less, which no double is
  return IntegerValue(std::move(sql), -kBound, kBound, 64);
}

TypedSql FloatValue(std::string sql, NumberClass number_class) {
  TypedSql value;
  value.kind = ValueKind::kFloat;
  value.number_class = number_class;
  value.sql = std::move(sql);
  return value;
}

TypedSql ColumnValue(const TranslationColumn& column, std::string sql) {
  TypedSql value;
  value.kind = ValueKind::kOpaque;
  value.sql = std::move(sql);
  value.affinity = column.affinity;
  value.collation = column.collation;
  value.column = &column;
  if (column.type.kind == TypeKind::kEnum) {
    if (PossibleClasses(column, Bit(StorageClass::kText)) == Bit(StorageClass::kText)) {
      value.kind = ValueKind::kText;
      absl::StrAppend(&value.sql, "::text");
    }
    return value;
  }
  if (column.type.kind != TypeKind::kBase) return value;
  switch (column.type.oid) {
    case kOidInt2: MakeIntegerColumn(column, 16, &value); break;
    case kOidInt4: MakeIntegerColumn(column, 32, &value); break;
    case kOidInt8: MakeIntegerColumn(column, 64, &value); break;
    case kOidFloat8: MakeNumberColumn(column, ValueKind::kFloat, &value); break;
    case kOidNumeric: MakeNumberColumn(column, ValueKind::kNumeric, &value); break;
    case kOidText:
    case kOidVarchar:
      if (PossibleClasses(column, Bit(StorageClass::kText)) == Bit(StorageClass::kText)) {
        value.kind = ValueKind::kText;
      }
      break;
    case kOidBytea:
      // Text is stored as its bytes there, so only counts prove that there is none.
      if (column.counted &&
          PossibleClasses(column, Bit(StorageClass::kBlob)) == Bit(StorageClass::kBlob)) {
        value.kind = ValueKind::kBlob;
      }
      break;
    case kOidBool:
      // Booleans are also read from text and reals, so only counts prove 0 and 1.
      if (column.counted &&
          PossibleClasses(column, Bit(StorageClass::kInteger)) == Bit(StorageClass::kInteger)) {
        value.kind = ValueKind::kBoolean;
      }
      break;
    default: break;
  }
  return value;
}

absl::StatusOr<TypedSql> ParseNumber(absl::string_view text, bool negative) {
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    uint64_t bits = 0;
    const auto end = std::from_chars(text.data() + 2, text.data() + text.size(), bits, 16);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) {
      return Refuse("a hexadecimal number of more than 64 bits");
    }
    // Hexadecimal is two's complement; a minus then negates, wrapping as SQLite does only for
    // the one value that has no negation.
    const auto number = static_cast<int64_t>(bits);
    if (negative && number == INT64_MIN) return Refuse("the negation of 0x8000000000000000");
    return IntegerLiteral(negative ? -number : number);
  }
  const std::string digits = absl::StrCat(negative ? "-" : "", text);
  int64_t number = 0;
  const bool integral = text.find_first_of(".eE") == absl::string_view::npos;
  if (integral && absl::SimpleAtoi(digits, &number)) return IntegerLiteral(number);
  double real = 0;
  // Beyond the range both say infinity; from_chars alone would leave the value untouched.
  if (!absl::SimpleAtod(digits, &real)) return Refuse("a number that cannot be read");
  return RealLiteral(real);
}

std::optional<TypedSql> NumberInText(absl::string_view text) {
  // sqlite3AtoF: spaces around, a sign, digits with at most one point, an exponent.
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  size_t at = 0, digits = 0;
  const auto skip_digits = [&] {
    const size_t before = at;
    while (at < text.size() && absl::ascii_isdigit(text[at])) ++at;
    return at - before;
  };
  digits = skip_digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    digits += skip_digits();
  }
  if (digits == 0) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (skip_digits() == 0) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  absl::StatusOr<TypedSql> number = ParseNumber(text, negative);
  if (!number.ok()) return std::nullopt;
  return *std::move(number);
}

absl::StatusOr<std::string> AsCondition(const TypedSql& value) {
  switch (value.kind) {
    case ValueKind::kNull: return std::string("NULL::boolean");
    case ValueKind::kBoolean: return value.sql;
    case ValueKind::kInteger:
      if (value.literal) return std::string(value.integer != 0 ? "TRUE" : "FALSE");
      return absl::StrCat("(", value.sql, " <> 0)");
    case ValueKind::kFloat:
    case ValueKind::kNumeric:
      if (value.literal) return std::string(value.real != 0 ? "TRUE" : "FALSE");
      return absl::StrCat("(", WithoutNan(value).sql, " <> 0)");
    case ValueKind::kText: return Refuse("text used as a condition");
    case ValueKind::kBlob: return Refuse("a blob used as a condition");
    case ValueKind::kOpaque: break;
  }
  return Refuse("a value used as a condition whose type does not show whether it is a number");
}

absl::StatusOr<TypedSql> AsInteger(const TypedSql& value) {
  if (value.kind == ValueKind::kInteger) return value;
  if (value.kind != ValueKind::kBoolean) return Refuse("a value that is not an integer");
  TypedSql integer = IntegerValue(absl::StrCat(value.sql, "::integer"), 0, 1, 32);
  if (value.constant.has_value() && !value.constant_or_null) {
    return IntegerLiteral(*value.constant ? 1 : 0);
  }
  integer.is_volatile = value.is_volatile;
  return integer;
}

absl::StatusOr<TypedSql> AsFloat(const TypedSql& value, TranslationState* state) {
  constexpr double kExactBound = 9007199254740992.0;  // 2^53: integers that doubles can tell apart
  if (value.kind == ValueKind::kFloat) return value;
  if (value.kind == ValueKind::kNumeric) {
    // What a REAL became is its shortest decimal, which reads back as the same double; an INTEGER
    // beyond 2^53 may lose its last digits.
    if (value.number_class == NumberClass::kEither) state->Note(Exactness::kRounding);
    TypedSql real = FloatValue(absl::StrCat(value.sql, "::float8"), value.number_class);
    return real;
  }
  ASSIGN_OR_RETURN(const TypedSql integer, AsInteger(value));
  if (integer.literal && std::abs(integer.integer) <= (int64_t{1} << 53)) {
    TypedSql literal = RealLiteral(static_cast<double>(integer.integer));
    literal.number_class = NumberClass::kEither;
    return literal;
  }
  if (integer.high > kExactBound || integer.low < -kExactBound) state->Note(Exactness::kRounding);
  TypedSql real = FloatValue(absl::StrCat(integer.sql, "::float8"), NumberClass::kEither);
  real.maybe_infinite = false;
  return real;
}

absl::StatusOr<TypedSql> AsText(const TypedSql& value) {
  switch (value.kind) {
    case ValueKind::kText: return value;
    case ValueKind::kInteger:
      if (value.literal) return TextLiteral(absl::StrCat(value.integer));
      return TextValue(absl::StrCat(value.sql, "::text"));
    case ValueKind::kBoolean:
      return TextValue(absl::StrCat(value.sql, "::integer::text"));
    case ValueKind::kNull: return TextValue("NULL::text");
    case ValueKind::kFloat:
    case ValueKind::kNumeric:
      return Refuse("a real number used as text, which the two write differently");
    case ValueKind::kBlob: return Refuse("a blob used as text");
    case ValueKind::kOpaque: break;
  }
  return Refuse("a value used as text whose stored form is not known");
}

TypedSql WithoutNan(TypedSql value) {
  if (value.maybe_nan) {
    value.sql = absl::StrCat("NULLIF(", value.sql, ", 'NaN'::float8)");
    value.maybe_nan = false;
  }
  return value;
}

TemporalText TemporalOf(const TypedSql& value) {
  if (value.kind != ValueKind::kOpaque || value.column == nullptr) return TemporalText::kUnknown;
  const uint32_t text = Bit(StorageClass::kText);
  // The form says how texts are written; it says nothing about numbers beside them.
  if (value.column->counted && PossibleClasses(*value.column, text) != text) {
    return TemporalText::kUnknown;
  }
  return value.column->temporal;
}

bool HasFaithfulEquality(const TypedSql& value) {
  switch (value.kind) {
    case ValueKind::kText:
      return IsBinary(value.collation) && (!value.inner_collation || value.explicit_collation);
    case ValueKind::kOpaque:
      return TemporalOf(value) != TemporalText::kUnknown && IsBinary(value.collation);
    default: return true;
  }
}

}  // namespace lite2pg
