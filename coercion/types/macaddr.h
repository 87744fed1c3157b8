// macaddr: 6 bytes (src/backend/utils/adt/mac.c).
#ifndef LITE2PG_COERCION_TYPES_MACADDR_H_
#define LITE2PG_COERCION_TYPES_MACADDR_H_

#include "coercion/type_codec.h"
#include "coercion/types/macaddr_encoding.h"
#include "coercion/wire.h"

namespace lite2pg {

// The forms of the PostgreSQL manual ("MAC addresses"), with two digits for every byte.
inline Outcome EncodeMacaddr(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  uint8_t bytes[6];
  if (!ParseMacGroups(text, 6, ':', 1, bytes) && !ParseMacGroups(text, 6, '-', 1, bytes) &&
      !ParseMacGroups(text, 6, ':', 3, bytes) && !ParseMacGroups(text, 6, '-', 3, bytes) &&
      !ParseMacGroups(text, 6, '.', 2, bytes) && !ParseMacGroups(text, 6, '-', 2, bytes) &&
      !ParseMacGroups(text, 6, '\0', 6, bytes)) {
    return Outcome::kMalformed;
  }
  return PutBytesField(absl::string_view(reinterpret_cast<const char*>(bytes), 6), out);
}

inline bool DecodeMacaddr(absl::string_view field, const EncodeParams&, std::string* text) {
  return DecodeMac(field, 6, text);
}

inline constexpr TypeCodec kMacaddrCodec{
    .oid = kOidMacaddr,
    .array_oid = 1040,
    .name = "macaddr",
    .sql_name = "macaddr",
    .encode = {nullptr, nullptr, nullptr, EncodeMacaddr, nullptr},
    .decode = DecodeMacaddr,
    .fixed_bytes = 10,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_MACADDR_H_
