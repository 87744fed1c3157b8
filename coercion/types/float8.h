// double precision: the 8 bytes of the IEEE double (src/backend/utils/adt/float.c).
#ifndef LITE2PG_COERCION_TYPES_FLOAT8_H_
#define LITE2PG_COERCION_TYPES_FLOAT8_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"
#include "coercion/wire.h"

namespace lite2pg {

inline Outcome PutFloat8Field(double value, FieldBuffer* out) {
  out->PutInt32(8);
  out->PutDouble(value);
  return Outcome::kOk;
}

// Bit for bit: Infinity, -0.0, denormals and NaN payloads arrive as they are.
inline Outcome EncodeFloat8FromReal(const SourceValue& value, const EncodeParams&,
                                    FieldBuffer* out) {
  return PutFloat8Field(value.real, out);
}

// Only integers that a double holds exactly.
Outcome EncodeFloat8FromInteger(const SourceValue& value, const EncodeParams& params,
                                FieldBuffer* out);
// Decimals that the double's shortest decimal gives back, and the server's words for Infinity and
// NaN.
Outcome EncodeFloat8FromText(const SourceValue& value, const EncodeParams& params,
                             FieldBuffer* out);
bool DecodeFloat8(absl::string_view field, const EncodeParams& params, std::string* text);

// "Infinity", "inf", "NaN" with an optional sign and in any case, as float8in_internal reads them.
// False if `text` is none of them.
bool ParseSpecialReal(absl::string_view text, double* out);

// The double nearest to `text`, provided that its shortest decimal is the same number; float4 asks
// the same of its own shortest decimal. kMalformed, kOutOfRange (over- and underflow, as the
// server's float8in), kLossy otherwise; `*out` is set for kLossy too.
Outcome Float8FromText(absl::string_view text, double* out);
Outcome Float4FromText(absl::string_view text, float* out);

inline constexpr TypeCodec kFloat8Codec{
    .oid = kOidFloat8,
    .array_oid = 1022,
    .name = "float8",
    .sql_name = "double precision",
    .encode = {nullptr, EncodeFloat8FromInteger, EncodeFloat8FromReal, EncodeFloat8FromText,
               nullptr},
    .decode = DecodeFloat8,
    .fixed_bytes = 12,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_FLOAT8_H_
