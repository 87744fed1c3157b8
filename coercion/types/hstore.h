// hstore, the extension's map from text to text or NULL (contrib/hstore/hstore_io.c).
#ifndef LITE2PG_COERCION_TYPES_HSTORE_H_
#define LITE2PG_COERCION_TYPES_HSTORE_H_

#include <string>

#include "coercion/type_codec.h"
#include "coercion/types/json_encoding.h"

namespace lite2pg {

// Reads a JSON object of strings and nulls, and hstore's own output ("a"=>"1", "b"=>NULL). A
// number, a boolean or anything nested would come back as a string: kLossy, and so is a repeated
// key.
// Pairs are written in hstore's order, shorter keys first, so that wire bytes compare.
Outcome EncodeHstore(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);
Outcome EncodeHstoreFromSqliteJsonb(const SourceValue& value, const EncodeParams& params,
                                    FieldBuffer* out);
bool DecodeHstore(absl::string_view field, const EncodeParams& params, std::string* text);
void BindHstore(const PgType& type, ColumnCodec* codec);

inline constexpr TypeCodec kHstoreCodec{
    .name = "hstore",
    .sql_name = "hstore",
    .encode = {nullptr, nullptr, nullptr, EncodeHstore, EncodeJsonFromAmbiguousBlob},
    .decode = DecodeHstore,
    .bind = BindHstore,
    .fixed_bytes = 8,
    .expand = 0,  // the encoder knows better when it has read the pairs
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_HSTORE_H_
