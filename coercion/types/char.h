// "char", the quoted one: a single byte (src/backend/utils/adt/char.c). Empty text is the byte 0.
#ifndef LITE2PG_COERCION_TYPES_CHAR_H_
#define LITE2PG_COERCION_TYPES_CHAR_H_

#include "coercion/types/text_encoding.h"

namespace lite2pg {

// charin keeps the first byte of longer text; here that is kTooLong. Bytes above 127 are no text of
// one byte in UTF-8, so they can only be met on the way back.
inline Outcome EncodeChar(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const Outcome outcome = CheckText(value.bytes());
  if (outcome != Outcome::kOk) return outcome;
  if (value.size_bytes > 1) return Outcome::kTooLong;
  out->PutInt32(1);
  out->PutByte(value.size_bytes == 0 ? 0 : static_cast<uint8_t>(value.data[0]));
  return Outcome::kOk;
}

// High bytes as PostgreSQL 16 shows them, in octal: earlier versions print the bare byte, which is
// not text in any encoding that we use.
inline bool DecodeChar(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 1) return false;
  const auto byte = static_cast<uint8_t>(field[0]);
  if (byte == 0) return true;
  if (byte < 0x80) {
    text->push_back(field[0]);
    return true;
  }
  const char octal[] = {'\\', static_cast<char>('0' + (byte >> 6)),
                        static_cast<char>('0' + (byte >> 3 & 7)),
                        static_cast<char>('0' + (byte & 7))};
  text->append(octal, sizeof(octal));
  return true;
}

inline void BindChar(const PgType&, ColumnCodec* codec) { BindUtf8Blob(codec); }

inline constexpr TypeCodec kCharCodec{
    .oid = kOidChar,
    .array_oid = 1002,
    .name = "char",
    .sql_name = "\"char\"",
    .encode = {nullptr, EncodeIntegerAsText<EncodeChar>, EncodeRealAsText<EncodeChar>, EncodeChar,
               nullptr},
    .decode = DecodeChar,
    .bind = BindChar,
    .fixed_bytes = kTextFixedBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_CHAR_H_
