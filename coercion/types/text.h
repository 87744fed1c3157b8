// text: valid UTF-8 without NUL, of any length.
#ifndef LITE2PG_COERCION_TYPES_TEXT_H_
#define LITE2PG_COERCION_TYPES_TEXT_H_

#include "coercion/types/text_encoding.h"

namespace lite2pg {

inline Outcome EncodeText(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const Outcome outcome = CheckText(value.bytes());
  return outcome == Outcome::kOk ? PutBytesField(value.bytes(), out) : outcome;
}

inline void BindText(const PgType&, ColumnCodec* codec) { BindUtf8Blob(codec); }

inline constexpr TypeCodec kTextCodec{
    .oid = kOidText,
    .array_oid = 1009,
    .name = "text",
    .sql_name = "text",
    .encode = {nullptr, EncodeIntegerAsText<EncodeText>, EncodeRealAsText<EncodeText>, EncodeText,
               nullptr},
    .decode = DecodeText,
    .bind = BindText,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TEXT_H_
