// varchar(n): text of at most n characters. The server silently cuts characters beyond n when they
// are spaces; here they are kTooLong like all others.
#ifndef LITE2PG_COERCION_TYPES_VARCHAR_H_
#define LITE2PG_COERCION_TYPES_VARCHAR_H_

#include "coercion/types/text.h"
#include "coercion/types/text_encoding.h"

namespace lite2pg {

// REQUIRES: params.length_max >= 0; without one the column binds EncodeText.
inline Outcome EncodeVarchar(const SourceValue& value, const EncodeParams& params,
                             FieldBuffer* out) {
  const Outcome outcome = CheckText(value.bytes());
  if (outcome != Outcome::kOk) return outcome;
  // No text has more characters than bytes, so that most values need no count.
  const size_t length_max = static_cast<size_t>(params.length_max);
  if (value.size_bytes > length_max && CountCodePoints(value.bytes()) > length_max) {
    return Outcome::kTooLong;
  }
  return PutBytesField(value.bytes(), out);
}

void BindVarchar(const PgType& type, ColumnCodec* codec);

inline constexpr TypeCodec kVarcharCodec{
    .oid = kOidVarchar,
    .array_oid = 1015,
    .name = "varchar",
    .sql_name = "varchar",
    .encode = {nullptr, EncodeIntegerAsText<EncodeText>, EncodeRealAsText<EncodeText>, EncodeText,
               nullptr},
    .decode = DecodeText,
    .bind = BindVarchar,
    .fixed_bytes = kTextFixedBytes,
    .typmod_text = LengthTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_VARCHAR_H_
