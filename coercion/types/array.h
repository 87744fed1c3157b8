// Arrays of any type that has a codec (src/backend/utils/adt/arrayfuncs.c, array_recv):
//
//   int32 dimensions; int32 has nulls; int32 oid of the element
//   per dimension: int32 length; int32 lower bound
//   per element, the last dimension running fastest: int32 length or -1; bytes
#ifndef LITE2PG_COERCION_TYPES_ARRAY_H_
#define LITE2PG_COERCION_TYPES_ARRAY_H_

#include <string>

#include "coercion/type_codec.h"
#include "coercion/types/json_encoding.h"

namespace lite2pg {

// Reads a JSON array, nested for more dimensions, and PostgreSQL's own output ("{1,NULL,3}").
// In a JSON array strings and numbers go to the element's codec as text and numbers, true and false
// as those words, and null is NULL. Elements of json, jsonb and hstore are whatever stands there,
// as JSON text, so that such an array has one dimension.
// kMalformed: not an array, or rows of different lengths. kLossy: [[]], which would become [].
Outcome EncodeArray(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);
Outcome EncodeArrayFromSqliteJsonb(const SourceValue& value, const EncodeParams& params,
                                   FieldBuffer* out);
bool DecodeArray(absl::string_view field, const EncodeParams& params, std::string* text);
// Leaves out the element's OID, which differs between databases, and the flag for nulls; elements
// are in their own canonical form.
bool CanonicalArray(absl::string_view field, const EncodeParams& params, FieldBuffer* out);
void BindArray(const PgType& type, ColumnCodec* codec);

// Not a row of the type table: it stands for every array.
inline constexpr TypeCodec kArrayCodec{
    .name = "array",
    .sql_name = "array",
    .encode = {nullptr, nullptr, nullptr, EncodeArray, EncodeJsonFromAmbiguousBlob},
    .decode = DecodeArray,
    .canonical = CanonicalArray,
    .bind = BindArray,
    .fixed_bytes = 4 + 12 + 6 * 8,
    .expand = 0,  // room for elements is made one by one
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_ARRAY_H_
