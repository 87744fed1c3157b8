// oid: 4 bytes, unsigned. The server's oidin also reads -1 as 4294967295; here that is
// kOutOfRange.
#ifndef LITE2PG_COERCION_TYPES_OID_H_
#define LITE2PG_COERCION_TYPES_OID_H_

#include "coercion/types/integer_encoding.h"

namespace lite2pg {

inline constexpr TypeCodec kOidCodec = IntCodec<uint32_t>(kOidOid, 1028, "oid", "oid");

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_OID_H_
