// What text, varchar, char(n), name and the text side of other types share: bytes in the client
// encoding, UTF8 (src/backend/utils/adt/varlena.c, varchar.c).
#ifndef LITE2PG_COERCION_TYPES_TEXT_ENCODING_H_
#define LITE2PG_COERCION_TYPES_TEXT_ENCODING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "coercion/decimal.h"
#include "coercion/type_codec.h"
#include "coercion/utf8.h"
#include "coercion/wire.h"

namespace lite2pg {

// Length word, and the longest text of an integer or a double.
inline constexpr uint32_t kTextFixedBytes = 4 + kNumberTextBytes;

// Numbers have one faithful text each: an integer its digits, a REAL what RealText gives. `Text`
// is the type's own encoder, so that its limits hold for numbers too.
template <EncodeFn Text>
Outcome EncodeIntegerAsText(const SourceValue& value, const EncodeParams& params,
                            FieldBuffer* out) {
  NumberText buffer;
  return Text(SourceValue::Text(IntegerText(value.integer, buffer)), params, out);
}

template <EncodeFn Text>
Outcome EncodeRealAsText(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  NumberText buffer;
  return Text(SourceValue::Text(RealText(value.real, buffer)), params, out);
}

// A blob has no reading as text unless the column's rules say that it is UTF-8.
inline void BindUtf8Blob(ColumnCodec* codec) {
  if (codec->params.rules.blob != BlobReading::kUtf8Text) return;
  codec->encode[static_cast<size_t>(StorageClass::kBlob)] =
      codec->encode[static_cast<size_t>(StorageClass::kText)];
}

// The bytes, when they are text.
inline bool DecodeText(absl::string_view field, const EncodeParams&, std::string* text) {
  if (CheckText(field) != Outcome::kOk) return false;
  text->append(field.data(), field.size());
  return true;
}

// PostgreSQL: varchar(n) and char(n) count characters and add four.
inline int64_t LengthOfTypmod(int32_t typmod) { return typmod < 4 ? -1 : typmod - 4; }
// `text` with \xNN for every byte that is no part of valid UTF-8, and for NUL. It does not tell
// afterwards whether the source had the escape itself: lossy, and only by the user's word.
std::string EscapeUnstorableText(absl::string_view text);

std::string LengthTypmodText(int32_t typmod);

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TEXT_ENCODING_H_
