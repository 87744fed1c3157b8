// macaddr8: 8 bytes (src/backend/utils/adt/mac8.c).
#ifndef LITE2PG_COERCION_TYPES_MACADDR8_H_
#define LITE2PG_COERCION_TYPES_MACADDR8_H_

#include "coercion/type_codec.h"
#include "coercion/types/macaddr_encoding.h"
#include "coercion/wire.h"

namespace lite2pg {

// Eight bytes of two digits each. The server also reads six and puts ff:fe into the middle; the
// value that comes back is then another one, so that is kMalformed here.
inline Outcome EncodeMacaddr8(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const absl::string_view text = value.bytes();
  uint8_t bytes[8];
  if (!ParseMacGroups(text, 8, ':', 1, bytes) && !ParseMacGroups(text, 8, '-', 1, bytes) &&
      !ParseMacGroups(text, 8, '.', 2, bytes) && !ParseMacGroups(text, 8, '-', 2, bytes) &&
      !ParseMacGroups(text, 8, ':', 4, bytes) && !ParseMacGroups(text, 8, '-', 4, bytes) &&
      !ParseMacGroups(text, 8, '\0', 8, bytes)) {
    return Outcome::kMalformed;
  }
  return PutBytesField(absl::string_view(reinterpret_cast<const char*>(bytes), 8), out);
}

inline bool DecodeMacaddr8(absl::string_view field, const EncodeParams&, std::string* text) {
  return DecodeMac(field, 8, text);
}

inline constexpr TypeCodec kMacaddr8Codec{
    .oid = kOidMacaddr8,
    .array_oid = 775,
    .name = "macaddr8",
    .sql_name = "macaddr8",
    .encode = {nullptr, nullptr, nullptr, EncodeMacaddr8, nullptr},
    .decode = DecodeMacaddr8,
    .fixed_bytes = 12,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_MACADDR8_H_
