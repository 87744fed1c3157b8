// bigint: 8 bytes, two's complement.
#ifndef LITE2PG_COERCION_TYPES_INT8_H_
#define LITE2PG_COERCION_TYPES_INT8_H_

#include "coercion/types/integer_encoding.h"

namespace lite2pg {

inline constexpr TypeCodec kInt8Codec = IntCodec<int64_t>(kOidInt8, 1016, "int8", "bigint");

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_INT8_H_
