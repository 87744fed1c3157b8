// uuid: 16 bytes in network order (src/backend/utils/adt/uuid.c).
#ifndef LITE2PG_COERCION_TYPES_UUID_H_
#define LITE2PG_COERCION_TYPES_UUID_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// 8-4-4-4-12 hexadecimal digits or 32 without hyphens, in any case, in braces or not. The server
// also takes hyphens behind any group of four; no program writes those.
Outcome EncodeUuidFromText(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);

// 16 bytes, in the byte order that rules.blob names. Without such a rule they are kAmbiguous:
// nothing in the bytes tells the two orders apart, nor a UUID from other bytes.
Outcome EncodeUuidFromBlob(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);

bool DecodeUuid(absl::string_view field, const EncodeParams& params, std::string* text);

inline constexpr TypeCodec kUuidCodec{
    .oid = kOidUuid,
    .array_oid = 2951,
    .name = "uuid",
    .sql_name = "uuid",
    .encode = {nullptr, nullptr, nullptr, EncodeUuidFromText, EncodeUuidFromBlob},
    .decode = DecodeUuid,
    .fixed_bytes = 20,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_UUID_H_
