// name: text of at most 63 bytes (PostgreSQL: NAMEDATALEN - 1). namein cuts longer text silently.
#ifndef LITE2PG_COERCION_TYPES_NAME_H_
#define LITE2PG_COERCION_TYPES_NAME_H_

#include "coercion/types/text_encoding.h"

namespace lite2pg {

inline constexpr size_t kNameBytesMax = 63;

inline Outcome EncodeName(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const Outcome outcome = CheckText(value.bytes());
  if (outcome != Outcome::kOk) return outcome;
  if (value.size_bytes > kNameBytesMax) return Outcome::kTooLong;
  return PutBytesField(value.bytes(), out);
}

inline bool DecodeName(absl::string_view field, const EncodeParams& params, std::string* text) {
  return field.size() <= kNameBytesMax && DecodeText(field, params, text);
}

inline void BindName(const PgType&, ColumnCodec* codec) { BindUtf8Blob(codec); }

inline constexpr TypeCodec kNameCodec{
    .oid = kOidName,
    .array_oid = 1003,
    .name = "name",
    .sql_name = "name",
    .encode = {nullptr, EncodeIntegerAsText<EncodeName>, EncodeRealAsText<EncodeName>, EncodeName,
               nullptr},
    .decode = DecodeName,
    .bind = BindName,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_NAME_H_
