// Bringing several results, of CASE, coalesce() or a compound SELECT, to one kind.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base/status_macros.h"
#include "engine/plan/translate/typed_sql.h"

namespace lite2pg {
namespace {

using Values = std::vector<TypedSql>;

bool IsNull(const TypedSql& value) { return value.kind == ValueKind::kNull; }

// Whether the value can stand for a boolean: one, or a literal 0 or 1.
bool IsBit(const TypedSql& value) {
  return value.kind == ValueKind::kBoolean ||
         (value.kind == ValueKind::kInteger && value.literal && value.integer >= 0 &&
          value.integer <= 1);
}

bool IsRealClass(const TypedSql& value) {
  return (value.kind == ValueKind::kFloat || value.kind == ValueKind::kNumeric) &&
         value.number_class == NumberClass::kReal;
}

// Values that are only passed on must be of one type and one meaning.
absl::StatusOr<TypedSql> UnifyOpaque(const Values& values) {
  const TranslationColumn* column = nullptr;
  for (const TypedSql& value : values) {
    if (IsNull(value)) continue;
    if (column == nullptr) column = value.column;
    const bool same = value.column != nullptr && value.column->type.oid == column->type.oid &&
                      value.column->type.typmod == column->type.typmod &&
                      value.column->temporal == column->temporal;
    if (!same) return Refuse("a choice between values of different types");
  }
  TypedSql result;
  result.kind = ValueKind::kOpaque;
  result.column = column;
  return result;
}

absl::StatusOr<TypedSql> UnifyIntegers(Values* values) {
  TypedSql result = IntegerValue("", 0, 0, 16);
  bool first = true;
  for (TypedSql& value : *values) {
    if (IsNull(value)) continue;
    ASSIGN_OR_RETURN(value, AsInteger(value));
    result.low = first ? value.low : std::min(result.low, value.low);
    result.high = first ? value.high : std::max(result.high, value.high);
    result.bits = std::max(result.bits, value.bits);
    first = false;
  }
  return result;
}

// Numbers of several kinds: as decimals if all are exact ones, else as doubles.
absl::StatusOr<TypedSql> UnifyNumbers(Values* values, TranslationState* state) {
  bool decimal = false, exact = true, real = true;
  for (const TypedSql& value : *values) {
    if (IsNull(value)) continue;
    decimal |= value.kind == ValueKind::kNumeric;
    exact &= value.kind != ValueKind::kFloat || (value.literal && std::isfinite(value.real));
    real &= IsRealClass(value);
  }
  decimal &= exact;
  for (TypedSql& value : *values) {
    if (IsNull(value)) continue;
    if (!decimal) {
      ASSIGN_OR_RETURN(value, AsFloat(value, state));
      value = WithoutNan(std::move(value));
    } else if (value.kind == ValueKind::kFloat) {
      value.sql = DecimalOf(value.real);
    } else if (value.kind == ValueKind::kBoolean) {
      ASSIGN_OR_RETURN(value, AsInteger(value));
    }
  }
  TypedSql result = FloatValue("", real ? NumberClass::kReal : NumberClass::kEither);
  if (decimal) result.kind = ValueKind::kNumeric;
  return result;
}

}  // namespace

absl::StatusOr<TypedSql> UnifyKinds(std::vector<TypedSql>* values, TranslationState* state) {
  constexpr size_t kKinds = static_cast<size_t>(ValueKind::kOpaque) + 1;
  std::array<size_t, kKinds> counts{};
  size_t present = 0;
  bool is_volatile = false, bits_only = true;
  for (const TypedSql& value : *values) {
    if (value.explicit_collation) return Refuse("COLLATE inside an expression");
    is_volatile |= value.is_volatile;
    if (IsNull(value)) continue;
    ++present;
    ++counts[static_cast<size_t>(value.kind)];
    bits_only &= IsBit(value);
  }
  if (present == 0) return NullValue();
  const auto count = [&](ValueKind kind) { return counts[static_cast<size_t>(kind)]; };
  const size_t integers = count(ValueKind::kInteger) + count(ValueKind::kBoolean);
  TypedSql result;
  if (count(ValueKind::kOpaque) == present) {
    ASSIGN_OR_RETURN(result, UnifyOpaque(*values));
  } else if (count(ValueKind::kText) == present) {
    result = TextValue("");
  } else if (count(ValueKind::kBlob) == present) {
    result.kind = ValueKind::kBlob;
  } else if (count(ValueKind::kBoolean) > 0 && bits_only) {
    // 0 and 1 beside a boolean stand for false and true.
    for (TypedSql& value : *values) {
      if (value.kind == ValueKind::kInteger) value.sql = value.integer == 1 ? "TRUE" : "FALSE";
    }
    result = BooleanValue("");
  } else if (integers == present) {
    ASSIGN_OR_RETURN(result, UnifyIntegers(values));
  } else if (integers + count(ValueKind::kFloat) + count(ValueKind::kNumeric) == present) {
    ASSIGN_OR_RETURN(result, UnifyNumbers(values, state));
  } else {
    return Refuse("a choice between values of different storage classes");
  }
  result.literal = false;
  result.is_volatile = is_volatile;
  return result;
}

}  // namespace lite2pg
