// "char", the quoted one: a single byte (src/backend/utils/adt/char.c). Empty text is the byte 0.
#ifndef LITE2PG_COERCION_TYPES_CHAR_H_
#define LITE2PG_COERCION_TYPES_CHAR_H_

#include "coercion/types/text_encoding.h"

namespace lite2pg {

// One character of ASCII, or a byte above 127 as the server writes it: "\303". charin keeps the
// first byte of longer text; here that is kTooLong.
Outcome EncodeChar(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);

// Bytes above 127 in octal, as servers since the minor releases of 2022 print them; older ones
// print the bare byte, which is not text in UTF-8.
bool DecodeChar(absl::string_view field, const EncodeParams& params, std::string* text);

inline void BindChar(const PgType&, ColumnCodec* codec) { BindUtf8Blob(codec); }

inline constexpr TypeCodec kCharCodec{
    .oid = kOidChar,
    .array_oid = 1002,
    .name = "char",
    .sql_name = "\"char\"",
    .encode = {nullptr, EncodeIntegerAsText<EncodeChar>, EncodeRealAsText<EncodeChar>, EncodeChar,
               nullptr},
    .decode = DecodeChar,
    .bind = BindChar,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_CHAR_H_
