// real: the 4 bytes of the IEEE float (src/backend/utils/adt/float.c). SQLite's REAL is a double:
// the value survives exactly when both show the same shortest decimal.
#ifndef LITE2PG_COERCION_TYPES_FLOAT4_H_
#define LITE2PG_COERCION_TYPES_FLOAT4_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// kLossy unless rules.round_to_float4; beyond the range of a float always kOutOfRange.
Outcome EncodeFloat4FromReal(const SourceValue& value, const EncodeParams& params,
                             FieldBuffer* out);
Outcome EncodeFloat4FromInteger(const SourceValue& value, const EncodeParams& params,
                                FieldBuffer* out);
Outcome EncodeFloat4FromText(const SourceValue& value, const EncodeParams& params,
                             FieldBuffer* out);
bool DecodeFloat4(absl::string_view field, const EncodeParams& params, std::string* text);

inline constexpr TypeCodec kFloat4Codec{
    .oid = kOidFloat4,
    .array_oid = 1021,
    .name = "float4",
    .sql_name = "real",
    .encode = {nullptr, EncodeFloat4FromInteger, EncodeFloat4FromReal, EncodeFloat4FromText,
               nullptr},
    .decode = DecodeFloat4,
    .fixed_bytes = 8,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_FLOAT4_H_
