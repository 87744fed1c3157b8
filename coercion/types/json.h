// json: the text itself, byte for byte.
#ifndef LITE2PG_COERCION_TYPES_JSON_H_
#define LITE2PG_COERCION_TYPES_JSON_H_

#include <string>

#include "coercion/types/json_encoding.h"

namespace lite2pg {

inline bool DecodeJson(absl::string_view field, const EncodeParams&, std::string* text) {
  if (!IsJson(field)) return false;
  text->append(field.data(), field.size());
  return true;
}

inline constexpr TypeCodec kJsonCodec{
    .oid = kOidJson,
    .array_oid = 199,
    .name = "json",
    .sql_name = "json",
    .encode = {nullptr, EncodeJsonFromInteger<false>, EncodeJsonFromReal<false>,
               EncodeJsonFromText<false>, EncodeJsonFromAmbiguousBlob},
    .decode = DecodeJson,
    .bind = BindJson<false>,
    .fixed_bytes = 4 + kNumberTextBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_JSON_H_
