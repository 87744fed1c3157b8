// bit(n): exactly n bits.
#ifndef LITE2PG_COERCION_TYPES_BIT_H_
#define LITE2PG_COERCION_TYPES_BIT_H_

#include "coercion/types/bit_encoding.h"

namespace lite2pg {

// Text of '0' and '1'; shorter than n is kMalformed, for nothing says on which side to fill it up.
// An integer has no reading: the server's cast keeps its low bits, which drops what is above.
inline Outcome EncodeBit(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  if (params.length_max >= 0 && text.size() != static_cast<size_t>(params.length_max)) {
    if (text.find_first_not_of("01") != absl::string_view::npos) return Outcome::kMalformed;
    return text.size() < static_cast<size_t>(params.length_max) ? Outcome::kMalformed
                                                                : Outcome::kTooLong;
  }
  return PutBitField(text, out);
}

inline constexpr TypeCodec kBitCodec{
    .oid = kOidBit,
    .array_oid = 1561,
    .name = "bit",
    .sql_name = "bit",
    .encode = {nullptr, nullptr, nullptr, EncodeBit, nullptr},
    .decode = DecodeBits,
    .bind = BindBits,
    .fixed_bytes = 16,
    .typmod_text = BitTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_BIT_H_
