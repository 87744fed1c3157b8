// numeric(p,s): base-10000 digits (src/backend/utils/adt/numeric.c, numeric_send).
//
// The field is written exactly as the server sends it back after applying the typmod: no zero
// groups at either end, dscale = the column's scale, or what numeric_in makes of the text where
// the column has none. So wire bytes compare, and there is no canonical form.
#ifndef LITE2PG_COERCION_TYPES_NUMERIC_H_
#define LITE2PG_COERCION_TYPES_NUMERIC_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/decimal.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// Writes `value` under the column's typmod. Digits behind the scale that are not zero are kLossy,
// unless rules.round_to_typmod: then they round half away from zero, as the server's round_var.
// kOutOfRange: more integer digits than precision - scale; always, more than 131072 digits before
// or 16383 behind the point.
// REQUIRES: room for 4 + 8 + value.digit_count() + 16 bytes.
Outcome PutNumericField(const Decimal& value, const EncodeParams& params, FieldBuffer* out);

Outcome EncodeNumericFromInteger(const SourceValue& value, const EncodeParams& params,
                                 FieldBuffer* out);
// Through the shortest decimal that reads back as the same double: 19.99 stays 19.99. -0.0 is
// kLossy. Infinity needs PostgreSQL 14 and a column without typmod, NaN neither.
Outcome EncodeNumericFromReal(const SourceValue& value, const EncodeParams& params,
                              FieldBuffer* out);
// Decimals of any length, with an exponent or without, and the server's words for Infinity and NaN.
// kLossy where written zeros or a sign would not come back: "007", "-0".
Outcome EncodeNumericFromText(const SourceValue& value, const EncodeParams& params,
                              FieldBuffer* out);
bool DecodeNumeric(absl::string_view field, const EncodeParams& params, std::string* text);
void BindNumeric(const PgType& type, ColumnCodec* codec);
std::string NumericTypmodText(int32_t typmod);

inline constexpr TypeCodec kNumericCodec{
    .oid = kOidNumeric,
    .array_oid = 1231,
    .name = "numeric",
    .sql_name = "numeric",
    .encode = {nullptr, EncodeNumericFromInteger, EncodeNumericFromReal, EncodeNumericFromText,
               nullptr},
    .decode = DecodeNumeric,
    .bind = BindNumeric,
    .fixed_bytes = 64,  // length, four header words, and the at most 17 + 1 digits of a double
    .expand = 1,        // two bytes hold four digits
    .typmod_text = NumericTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_NUMERIC_H_
