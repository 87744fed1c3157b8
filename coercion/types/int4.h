// integer: 4 bytes, two's complement.
#ifndef LITE2PG_COERCION_TYPES_INT4_H_
#define LITE2PG_COERCION_TYPES_INT4_H_

#include "coercion/types/integer_encoding.h"

namespace lite2pg {

inline constexpr TypeCodec kInt4Codec = IntCodec<int32_t>(kOidInt4, 1007, "int4", "integer");

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_INT4_H_
