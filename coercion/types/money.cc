#include "coercion/types/money.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "coercion/decimal.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

constexpr int64_t kFractionDigits = 2;
// 2^63 has 19 digits; anything with more integer digits is out of range before it is added up.
constexpr int64_t kUnitDigitsMax = 19;

Outcome PutMoneyField(const Decimal& value, FieldBuffer* out) {
  if (value.point + kFractionDigits > kUnitDigitsMax) return Outcome::kOutOfRange;
  if (value.fraction_digits() > kFractionDigits) return Outcome::kLossy;
  if (value.leading_zeros || (value.is_zero() && value.negative)) return Outcome::kLossy;
  uint64_t units = 0;
  const int64_t places = value.is_zero() ? 0 : value.point + kFractionDigits;
  for (int64_t i = 0; i < places; ++i) {
    const size_t at = static_cast<size_t>(i);
    units = units * 10 + (at < value.digit_count() ? value.digit(at) - '0' : 0);
  }
  const uint64_t limit = uint64_t{1} << 63;
  if (units > limit || (units == limit && !value.negative)) return Outcome::kOutOfRange;
  out->PutInt32(8);
  out->PutInt64(static_cast<int64_t>(value.negative ? -units : units));
  return Outcome::kOk;
}

// "$1,234.50" -> "1234.50". False unless the groups are of three digits and two follow the point.
bool StripCurrency(absl::string_view text, std::string* plain) {
  if (!text.empty() && text.front() == '-') {
    plain->push_back('-');
    text.remove_prefix(1);
  }
  if (text.size() < 5 || text.front() != '$' || text[text.size() - 3] != '.') return false;
  text.remove_prefix(1);
  const size_t point = text.size() - 3;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == point) {
      plain->push_back('.');
    } else if (i < point && (point - i) % 4 == 0) {
      if (text[i] != ',' || i == 0) return false;
    } else if (text[i] >= '0' && text[i] <= '9') {
      plain->push_back(text[i]);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

Outcome EncodeMoneyFromInteger(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  NumberText buffer;
  Decimal decimal;
  (void)ParseDecimal(IntegerText(value.integer, buffer), &decimal);  // digits always parse
  return PutMoneyField(decimal, out);
}

Outcome EncodeMoneyFromReal(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  if (!std::isfinite(value.real)) return Outcome::kOutOfRange;
  NumberText buffer;
  return PutMoneyField(ShortestDecimal(value.real, buffer), out);
}

Outcome EncodeMoneyFromText(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  Decimal decimal;
  if (ParseDecimal(value.bytes(), &decimal)) {
    // cash_in knows no exponents.
    if (value.bytes().find_first_of("eE") != absl::string_view::npos) return Outcome::kMalformed;
    return PutMoneyField(decimal, out);
  }
  std::string plain;
  if (!StripCurrency(value.bytes(), &plain) || !ParseDecimal(plain, &decimal)) {
    return Outcome::kMalformed;
  }
  return PutMoneyField(decimal, out);
}

bool DecodeMoney(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 8) return false;
  const int64_t value = LoadInt64(field.data());
  const uint64_t units = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits = absl::StrCat(units / 100);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  absl::StrAppend(text, value < 0 ? "-$" : "$", digits, ".", units / 10 % 10, units % 10);
  return true;
}

}  // namespace lite2pg
