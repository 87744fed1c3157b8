// char(n), inside the server "bpchar": padded with spaces to n characters on store, so what comes
// back differs from what was sent, and a value's own trailing spaces cannot be told from padding.
#ifndef LITE2PG_COERCION_TYPES_BPCHAR_H_
#define LITE2PG_COERCION_TYPES_BPCHAR_H_

#include "coercion/types/text.h"
#include "coercion/types/text_encoding.h"

namespace lite2pg {

// Trailing spaces are kLossy, or removed under rules.round_to_typmod. Sent without padding.
// REQUIRES: params.length_max >= 0; a bare bpchar neither pads nor cuts and binds EncodeText.
Outcome EncodeBpchar(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);

// Without trailing spaces.
bool CanonicalizeBpchar(absl::string_view field, const EncodeParams& params, FieldBuffer* out);

void BindBpchar(const PgType& type, ColumnCodec* codec);

inline constexpr TypeCodec kBpcharCodec{
    .oid = kOidBpchar,
    .array_oid = 1014,
    .name = "bpchar",
    .sql_name = "char",
    .encode = {nullptr, EncodeIntegerAsText<EncodeText>, EncodeRealAsText<EncodeText>, EncodeText,
               nullptr},
    .decode = DecodeText,
    .bind = BindBpchar,
    .fixed_bytes = kTextFixedBytes,
    .typmod_text = LengthTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_BPCHAR_H_
