#include "coercion/types/numeric.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "coercion/types/float8.h"
#include "coercion/wire.h"

namespace lite2pg {
namespace {

// PostgreSQL: src/backend/utils/adt/numeric.c. The sign words of the wire form.
constexpr uint16_t kPositive = 0x0000;
constexpr uint16_t kNegative = 0x4000;
constexpr uint16_t kNan = 0xc000;
constexpr uint16_t kInfinity = 0xd000;
constexpr uint16_t kMinusInfinity = 0xf000;

// What numeric_send gives as the dscale of Infinity: the short header's dscale bits overlap the
// bit that tells it from NaN.
constexpr uint16_t kInfinityDscale = 0x20;

// Weight is an int16 counted in groups of four digits; dscale has 14 bits.
constexpr int64_t kIntegerDigitsMax = 131072;
constexpr int64_t kScaleMax = 0x3fff;
constexpr int kGroupDigits = 4;

// Typmods carry the scale in eleven bits, signed since PostgreSQL 15.
int PrecisionOf(int32_t typmod) { return ((typmod - 4) >> 16) & 0xffff; }
int ScaleOf(int32_t typmod) { return (((typmod - 4) & 0x7ff) ^ 1024) - 1024; }

bool HasTypmod(const EncodeParams& params) { return params.precision >= 0; }

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

void PutHeader(int64_t groups, int64_t weight, uint16_t sign, int64_t dscale, FieldBuffer* out) {
  out->PutInt32(static_cast<int32_t>(8 + 2 * groups));
  out->PutInt16(static_cast<int16_t>(groups));
  out->PutInt16(static_cast<int16_t>(weight));
  out->PutInt16(static_cast<int16_t>(sign));
  out->PutInt16(static_cast<int16_t>(dscale));
}

// The digits are in range and nothing is left to round.
void PutExact(const Decimal& value, int64_t dscale, FieldBuffer* out) {
  if (value.is_zero()) {
    PutHeader(0, 0, kPositive, dscale, out);
    return;
  }
  const int64_t digits = static_cast<int64_t>(value.digit_count());
  const int64_t weight = FloorDiv(value.point - 1, kGroupDigits);
  const int64_t last_weight = FloorDiv(value.point - digits, kGroupDigits);
  PutHeader(weight - last_weight + 1, weight, value.negative ? kNegative : kPositive, dscale, out);
  // `place` is the decimal place of the next digit within its group, 3 for the thousands.
  int64_t place = value.point - 1 - weight * kGroupDigits;
  int group = 0;
  const auto put = [&](absl::string_view run) {
    for (const char c : run) {
      group = group * 10 + (c - '0');
      if (place-- == 0) {
        out->PutInt16(static_cast<int16_t>(group));
        group = 0;
        place = kGroupDigits - 1;
      }
    }
  };
  put(value.head);
  put(value.tail);
  if (place != kGroupDigits - 1) {
    for (; place >= 0; --place) group *= 10;
    out->PutInt16(static_cast<int16_t>(group));
  }
}

// Rounds half away from zero to `scale` digits behind the point. The digits move into `storage`.
Decimal Rounded(const Decimal& value, int64_t scale, std::string* storage) {
  Decimal rounded = value;
  rounded.tail = {};
  const int64_t kept = value.point + scale;
  if (kept < 0) {  // not even the first digit can reach the last place
    rounded.head = {};
    rounded.point = 0;
    return rounded;
  }
  // A zero in front takes the carry of 99.5.
  storage->assign(1, '0');
  for (int64_t i = 0; i < kept; ++i) storage->push_back(value.digit(static_cast<size_t>(i)));
  if (value.digit(static_cast<size_t>(kept)) >= '5') {
    size_t i = storage->size() - 1;
    while ((*storage)[i] == '9') (*storage)[i--] = '0';
    ++(*storage)[i];
  }
  const size_t first = storage->find_first_not_of('0');
  if (first == std::string::npos) {
    rounded.head = {};
    rounded.point = 0;
    return rounded;
  }
  const size_t last = storage->find_last_not_of('0');
  rounded.head = absl::string_view(*storage).substr(first, last - first + 1);
  rounded.point = value.point + 1 - static_cast<int64_t>(first);
  return rounded;
}

Outcome PutUnderTypmod(const Decimal& value, const EncodeParams& params, FieldBuffer* out) {
  const int64_t integer_digits_max = params.precision - params.scale;
  const int64_t dscale = std::max(params.scale, 0);
  // Too large stays too large however it is rounded, so that outcome comes first.
  if (!value.is_zero() && value.point > integer_digits_max) return Outcome::kOutOfRange;
  if (value.is_zero() || value.fraction_digits() <= params.scale) {
    PutExact(value, dscale, out);
    return Outcome::kOk;
  }
  if (!params.rules.round_to_typmod) return Outcome::kLossy;
  std::string storage;
  const Decimal rounded = Rounded(value, params.scale, &storage);
  if (!rounded.is_zero() && rounded.point > integer_digits_max) return Outcome::kOutOfRange;
  PutExact(rounded, dscale, out);
  return Outcome::kOk;
}

Outcome PutSpecial(double value, const EncodeParams& params, FieldBuffer* out) {
  if (std::isnan(value)) {
    PutHeader(0, 0, kNan, 0, out);
    return Outcome::kOk;
  }
  if (HasTypmod(params)) return Outcome::kOutOfRange;  // as the server's apply_typmod_special
  PutHeader(0, 0, value < 0 ? kMinusInfinity : kInfinity, kInfinityDscale, out);
  return Outcome::kOk;
}

}  // namespace

Outcome PutNumericField(const Decimal& value, const EncodeParams& params, FieldBuffer* out) {
  // numeric_in holds the written form to these limits before it applies the typmod.
  if (value.point > kIntegerDigitsMax || value.scale > kScaleMax) return Outcome::kOutOfRange;
  if (HasTypmod(params)) return PutUnderTypmod(value, params, out);
  PutExact(value, value.scale, out);
  return Outcome::kOk;
}

Outcome EncodeNumericFromInteger(const SourceValue& value, const EncodeParams& params,
                                 FieldBuffer* out) {
  if (HasTypmod(params)) {
    NumberText buffer;
    Decimal decimal;
    (void)ParseDecimal(IntegerText(value.integer, buffer), &decimal);  // digits always parse
    return PutUnderTypmod(decimal, params, out);
  }
  // Without typmod the groups come straight from divisions; the lowest are at the end.
  const bool negative = value.integer < 0;
  uint64_t rest = negative ? -static_cast<uint64_t>(value.integer)
                           : static_cast<uint64_t>(value.integer);
  int16_t groups[5];
  int count = 0;
  for (; rest != 0; rest /= 10000) groups[count++] = static_cast<int16_t>(rest % 10000);
  int zeros = 0;
  while (zeros < count && groups[zeros] == 0) ++zeros;
  PutHeader(count - zeros, std::max(count - 1, 0), negative ? kNegative : kPositive, 0, out);
  for (int i = count; i-- > zeros;) out->PutInt16(groups[i]);
  return Outcome::kOk;
}

Outcome EncodeNumericFromReal(const SourceValue& value, const EncodeParams& params,
                              FieldBuffer* out) {
  if (!std::isfinite(value.real)) return PutSpecial(value.real, params, out);
  if (value.real == 0 && std::signbit(value.real)) return Outcome::kLossy;
  NumberText buffer;
  return PutNumericField(ShortestDecimal(value.real, buffer), params, out);
}

Outcome EncodeNumericFromText(const SourceValue& value, const EncodeParams& params,
                              FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  double special;
  if (ParseSpecialReal(text, &special)) return PutSpecial(special, params, out);
  Decimal decimal;
  if (!ParseDecimal(text, &decimal)) return Outcome::kMalformed;
  if (decimal.leading_zeros || (decimal.negative && decimal.is_zero())) return Outcome::kLossy;
  return PutNumericField(decimal, params, out);
}

namespace {

struct WireNumeric {
  int64_t groups;
  int64_t weight;
  uint16_t sign;
  int64_t dscale;
  const char* digits;

  // The group of 10000^power, 0 where none is sent.
  int group(int64_t power) const {
    const int64_t index = weight - power;
    return index < 0 || index >= groups ? 0 : LoadInt16(digits + 2 * index);
  }
};

// False for what numeric_recv refuses.
bool ReadNumeric(absl::string_view field, WireNumeric* n) {
  if (field.size() < 8) return false;
  n->groups = static_cast<uint16_t>(LoadInt16(field.data()));
  n->weight = LoadInt16(field.data() + 2);
  n->sign = static_cast<uint16_t>(LoadInt16(field.data() + 4));
  n->dscale = static_cast<uint16_t>(LoadInt16(field.data() + 6));
  n->digits = field.data() + 8;
  if (field.size() != 8 + 2 * static_cast<size_t>(n->groups)) return false;
  if (n->dscale > kScaleMax) return false;
  for (int64_t i = 0; i < n->groups; ++i) {
    const int group = LoadInt16(n->digits + 2 * i);
    if (group < 0 || group > 9999) return false;
  }
  return true;
}

void AppendGroup(int group, int64_t digits, std::string* text) {
  const char four[] = {static_cast<char>('0' + group / 1000),
                       static_cast<char>('0' + group / 100 % 10),
                       static_cast<char>('0' + group / 10 % 10),
                       static_cast<char>('0' + group % 10)};
  text->append(four, static_cast<size_t>(digits));
}

}  // namespace

bool DecodeNumeric(absl::string_view field, const EncodeParams&, std::string* text) {
  WireNumeric n;
  if (!ReadNumeric(field, &n)) return false;
  switch (n.sign) {
    case kNan:
      text->append("NaN");
      return true;
    case kInfinity:
      text->append("Infinity");
      return true;
    case kMinusInfinity:
      text->append("-Infinity");
      return true;
    case kPositive:
    case kNegative:
      break;
    default:
      return false;
  }
  const size_t start = text->size();
  for (int64_t power = n.weight; power >= 0; --power) AppendGroup(n.group(power), 4, text);
  // Without leading zeros, but with one digit before the point at least.
  const size_t first = text->find_first_not_of('0', start);
  text->erase(start, (first == std::string::npos ? text->size() : first) - start);
  if (text->size() == start) text->push_back('0');
  if (n.dscale > 0) text->push_back('.');
  int64_t power = -1;
  for (int64_t left = n.dscale; left > 0; left -= kGroupDigits) {
    AppendGroup(n.group(power--), std::min<int64_t>(left, kGroupDigits), text);
  }
  // The server has no negative zero.
  if (n.sign == kNegative && text->find_first_not_of("0.", start) != std::string::npos) {
    text->insert(start, 1, '-');
  }
  return true;
}

void BindNumeric(const PgType& type, ColumnCodec* codec) {
  if (type.typmod < 4) return;
  codec->params.precision = PrecisionOf(type.typmod);
  codec->params.scale = ScaleOf(type.typmod);
}

std::string NumericTypmodText(int32_t typmod) {
  return absl::StrCat("(", PrecisionOf(typmod), ",", ScaleOf(typmod), ")");
}

}  // namespace lite2pg
