// What bit(n) and bit varying(n) share: int32 number of bits, then the bits from the highest bit of
// the first byte on, the last byte filled with zeros (src/backend/utils/adt/varbit.c).
#ifndef LITE2PG_COERCION_TYPES_BIT_ENCODING_H_
#define LITE2PG_COERCION_TYPES_BIT_ENCODING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// Appends the field for text of '0' and '1' and nothing else; kMalformed otherwise. The server's
// prefixes B and X are not read.
Outcome PutBitField(absl::string_view text, FieldBuffer* out);

bool DecodeBits(absl::string_view field, const EncodeParams& params, std::string* text);

// A bit typmod is the number of bits itself; length_max stays -1 without one.
void BindBits(const PgType& type, ColumnCodec* codec);
std::string BitTypmodText(int32_t typmod);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_BIT_ENCODING_H_
