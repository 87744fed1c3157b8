// smallint: 2 bytes, two's complement.
#ifndef LITE2PG_COERCION_TYPES_INT2_H_
#define LITE2PG_COERCION_TYPES_INT2_H_

#include "coercion/types/integer_encoding.h"

namespace lite2pg {

inline constexpr TypeCodec kInt2Codec = IntCodec<int16_t>(kOidInt2, 1005, "int2", "smallint");

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_INT2_H_
