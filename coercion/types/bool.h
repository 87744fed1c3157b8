// boolean: one byte, 0 or 1 (PostgreSQL: src/backend/utils/adt/bool.c).
#ifndef LITE2PG_COERCION_TYPES_BOOL_H_
#define LITE2PG_COERCION_TYPES_BOOL_H_

#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "coercion/type_codec.h"

namespace lite2pg {

// The words that text may be, whole and in any case.
inline constexpr absl::string_view kTrueWords[] = {"t", "true", "y", "yes", "on", "1"};
inline constexpr absl::string_view kFalseWords[] = {"f", "false", "n", "no", "off", "0"};

// 0 and 1 only: any other number is data that a boolean cannot give back.
inline Outcome EncodeBoolFromInteger(const SourceValue& value, const EncodeParams&,
                                     FieldBuffer* out) {
  if (static_cast<uint64_t>(value.integer) > 1) return Outcome::kOutOfRange;
  out->PutInt32(1);
  out->PutByte(static_cast<uint8_t>(value.integer));
  return Outcome::kOk;
}

inline Outcome EncodeBoolFromReal(const SourceValue& value, const EncodeParams& params,
                                  FieldBuffer* out) {
  // -0.0 compares equal to 0 but is not the number that false reads back as.
  if (value.real != 0.0 && value.real != 1.0) return Outcome::kOutOfRange;
  if (std::signbit(value.real)) return Outcome::kLossy;
  return EncodeBoolFromInteger(SourceValue::Integer(value.real != 0.0), params, out);
}

// The server also takes unique prefixes ("tru") and surrounding spaces; nobody writes those on
// purpose, so they are not read here.
inline Outcome EncodeBoolFromText(const SourceValue& value, const EncodeParams& params,
                                  FieldBuffer* out) {
  for (absl::string_view word : kTrueWords) {
    if (absl::EqualsIgnoreCase(value.bytes(), word)) {
      return EncodeBoolFromInteger(SourceValue::Integer(1), params, out);
    }
  }
  for (absl::string_view word : kFalseWords) {
    if (absl::EqualsIgnoreCase(value.bytes(), word)) {
      return EncodeBoolFromInteger(SourceValue::Integer(0), params, out);
    }
  }
  return Outcome::kMalformed;
}

inline bool DecodeBool(absl::string_view field, const EncodeParams&, std::string* text) {
  // The server's bool_recv takes any non-zero byte; bool_send only ever gives 0 or 1.
  if (field.size() != 1 || static_cast<uint8_t>(field[0]) > 1) return false;
  text->push_back(field[0] != 0 ? 't' : 'f');
  return true;
}

inline constexpr TypeCodec kBoolCodec{
    .oid = kOidBool,
    .array_oid = 1000,
    .name = "bool",
    .sql_name = "boolean",
    .encode = {nullptr, EncodeBoolFromInteger, EncodeBoolFromReal, EncodeBoolFromText, nullptr},
    .decode = DecodeBool,
    .fixed_bytes = 5,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_BOOL_H_
