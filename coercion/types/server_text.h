// Types that have no codec here: the value is text that the server's own input function reads, and
// what comes back is the text of its output function. Not a row of the type table: it stands for
// every type that is none of them.
#ifndef LITE2PG_COERCION_TYPES_SERVER_TEXT_H_
#define LITE2PG_COERCION_TYPES_SERVER_TEXT_H_

#include "coercion/types/text.h"

namespace lite2pg {

inline constexpr TypeCodec kServerTextCodec{
    .name = "server_text",
    .sql_name = "text for the server's input function",
    .encode = {nullptr, EncodeIntegerAsText<EncodeText>, EncodeRealAsText<EncodeText>, EncodeText,
               nullptr},
    .decode = DecodeText,
    .bind = BindText,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_SERVER_TEXT_H_
