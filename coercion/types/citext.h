// citext, the extension's text without case: on the wire as text, its receive function is textrecv.
#ifndef LITE2PG_COERCION_TYPES_CITEXT_H_
#define LITE2PG_COERCION_TYPES_CITEXT_H_

#include "coercion/types/text.h"

namespace lite2pg {

inline constexpr TypeCodec kCitextCodec{
    .name = "citext",
    .sql_name = "citext",
    .encode = {nullptr, EncodeIntegerAsText<EncodeText>, EncodeRealAsText<EncodeText>, EncodeText,
               nullptr},
    .decode = DecodeText,
    .bind = BindText,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_CITEXT_H_
