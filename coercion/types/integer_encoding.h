// What int2, int4, int8 and oid share: the readings of a value as an integer and the fixed-width
// fields.
#ifndef LITE2PG_COERCION_TYPES_INTEGER_ENCODING_H_
#define LITE2PG_COERCION_TYPES_INTEGER_ENCODING_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "coercion/decimal.h"
#include "coercion/type_codec.h"
#include "coercion/wire.h"

namespace lite2pg {

// A double as the integer it is exactly. kLossy for a fraction and for -0.0, whose sign an integer
// does not have; kOutOfRange beyond int64, Infinity and NaN.
Outcome IntegerFromReal(double value, int64_t* out);

// Text of the form [+-] digits. kLossy where the digits would not come back: "007", "-0".
// Surrounding spaces, which the server's int*in take, are kMalformed for the same reason.
Outcome IntegerFromText(absl::string_view text, int64_t* out);

// Bytes: 2, 4 or 8, big-endian two's complement (src/backend/utils/adt/int.c, int8.c).
template <typename Int>
Outcome PutIntField(int64_t value, FieldBuffer* out) {
  if (value < std::numeric_limits<Int>::min() || value > std::numeric_limits<Int>::max()) {
    return Outcome::kOutOfRange;
  }
  out->PutInt32(sizeof(Int));
  if constexpr (sizeof(Int) == 2) out->PutInt16(static_cast<int16_t>(value));
  if constexpr (sizeof(Int) == 4) out->PutInt32(static_cast<int32_t>(value));
  if constexpr (sizeof(Int) == 8) out->PutInt64(value);
  return Outcome::kOk;
}

template <typename Int>
Outcome EncodeIntFromInteger(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  return PutIntField<Int>(value.integer, out);
}

template <typename Int>
Outcome EncodeIntFromReal(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  int64_t integer;
  const Outcome outcome = IntegerFromReal(value.real, &integer);
  return outcome == Outcome::kOk ? PutIntField<Int>(integer, out) : outcome;
}

template <typename Int>
Outcome EncodeIntFromText(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  int64_t integer;
  const Outcome outcome = IntegerFromText(value.bytes(), &integer);
  return outcome == Outcome::kOk ? PutIntField<Int>(integer, out) : outcome;
}

template <typename Int>
bool DecodeInt(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != sizeof(Int)) return false;
  int64_t value;
  if constexpr (sizeof(Int) == 2) value = LoadInt16(field.data());
  if constexpr (sizeof(Int) == 4) value = static_cast<Int>(LoadInt32(field.data()));
  if constexpr (sizeof(Int) == 8) value = LoadInt64(field.data());
  NumberText buffer;
  const absl::string_view digits = IntegerText(value, buffer);
  text->append(digits.data(), digits.size());
  return true;
}

template <typename Int>
constexpr TypeCodec IntCodec(Oid oid, Oid array_oid, absl::string_view name,
                             absl::string_view sql_name) {
  return TypeCodec{
      .oid = oid,
      .array_oid = array_oid,
      .name = name,
      .sql_name = sql_name,
      .encode = {nullptr, EncodeIntFromInteger<Int>, EncodeIntFromReal<Int>,
                 EncodeIntFromText<Int>, nullptr},
      .decode = DecodeInt<Int>,
      .fixed_bytes = 4 + sizeof(Int),
      .expand = 0,
  };
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_INTEGER_ENCODING_H_
