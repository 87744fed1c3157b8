// bit varying(n): at most n bits.
#ifndef LITE2PG_COERCION_TYPES_VARBIT_H_
#define LITE2PG_COERCION_TYPES_VARBIT_H_

#include "coercion/types/bit_encoding.h"

namespace lite2pg {

// Text of '0' and '1'. Empty text is the empty bit string.
inline Outcome EncodeVarbit(const SourceValue& value, const EncodeParams& params,
                            FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  if (params.length_max >= 0 && text.size() > static_cast<size_t>(params.length_max)) {
    return text.find_first_not_of("01") == absl::string_view::npos ? Outcome::kTooLong
                                                                   : Outcome::kMalformed;
  }
  return PutBitField(text, out);
}

inline constexpr TypeCodec kVarbitCodec{
    .oid = kOidVarbit,
    .array_oid = 1563,
    .name = "varbit",
    .sql_name = "varbit",
    .encode = {nullptr, nullptr, nullptr, EncodeVarbit, nullptr},
    .decode = DecodeBits,
    .bind = BindBits,
    .fixed_bytes = 16,
    .typmod_text = BitTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_VARBIT_H_
