// bytea: raw bytes. The type that holds everything: text in a bytea column is its bytes, malformed
// or not, and numbers are the bytes of their text, for columns with mixed storage classes.
#ifndef LITE2PG_COERCION_TYPES_BYTEA_H_
#define LITE2PG_COERCION_TYPES_BYTEA_H_

#include "coercion/types/text_encoding.h"

namespace lite2pg {

inline Outcome EncodeByteaPlain(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  return PutBytesField(value.bytes(), out);
}

// TextReading::kHex: pairs of hexadecimal digits in any case, after an optional "\x".
Outcome EncodeByteaFromHex(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);
// TextReading::kBase64: RFC 4648 section 4, padded, without line breaks, unused bits zero.
Outcome EncodeByteaFromBase64(const SourceValue& value, const EncodeParams& params,
                              FieldBuffer* out);

// "\x0a1b", which is bytea_output = hex.
bool DecodeBytea(absl::string_view field, const EncodeParams& params, std::string* text);
void BindBytea(const PgType& type, ColumnCodec* codec);

inline constexpr TypeCodec kByteaCodec{
    .oid = kOidBytea,
    .array_oid = 1001,
    .name = "bytea",
    .sql_name = "bytea",
    .encode = {nullptr, EncodeIntegerAsText<EncodeByteaPlain>, EncodeRealAsText<EncodeByteaPlain>,
               EncodeByteaPlain, EncodeByteaPlain},
    .decode = DecodeBytea,
    .bind = BindBytea,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_BYTEA_H_
