// Enums of any name: the label's text (src/backend/utils/adt/enum.c, enum_recv).
#ifndef LITE2PG_COERCION_TYPES_ENUM_H_
#define LITE2PG_COERCION_TYPES_ENUM_H_

#include <string>

#include "coercion/type_codec.h"
#include "coercion/wire.h"

namespace lite2pg {

// Labels are compared byte by byte, as the server does: case and spaces count. What is a label is
// valid text, so that needs no check of its own.
inline Outcome EncodeEnum(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  if (!params.labels.contains(value.bytes())) return Outcome::kUnknownLabel;
  return PutBytesField(value.bytes(), out);
}

inline bool DecodeEnum(absl::string_view field, const EncodeParams& params, std::string* text) {
  if (!params.labels.contains(field)) return false;
  text->append(field.data(), field.size());
  return true;
}

// Not a row of the type table: it stands for every enum. Numbers have no reading, as the place of
// a label in the order is not a value that the server takes either.
inline constexpr TypeCodec kEnumCodec{
    .name = "enum",
    .sql_name = "enum",
    .encode = {nullptr, nullptr, nullptr, EncodeEnum, nullptr},
    .decode = DecodeEnum,
    .fixed_bytes = 4,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_ENUM_H_
