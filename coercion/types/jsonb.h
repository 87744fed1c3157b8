// jsonb: a version byte and a text, which the server takes apart and prints in its own way.
#ifndef LITE2PG_COERCION_TYPES_JSONB_H_
#define LITE2PG_COERCION_TYPES_JSONB_H_

#include <string>

#include "coercion/types/json_encoding.h"

namespace lite2pg {

// The text of a field, or false if there is no version that we know.
inline bool TakeJsonbText(absl::string_view field, absl::string_view* text) {
  if (field.empty() || static_cast<uint8_t>(field[0]) != kJsonbVersion) return false;
  *text = field.substr(1);
  return true;
}

// What came from the server is its output already; what we sent is not (spaces, order of keys).
inline bool DecodeJsonb(absl::string_view field, const EncodeParams&, std::string* text) {
  absl::string_view json;
  if (!TakeJsonbText(field, &json) || !IsJsonbSafe(json)) return false;
  text->append(json.data(), json.size());
  return true;
}

inline bool CanonicalJsonb(absl::string_view field, const EncodeParams&, FieldBuffer* out) {
  absl::string_view json;
  return TakeJsonbText(field, &json) && AppendCanonicalJsonb(json, out);
}

inline Outcome EncodeJsonbFromTextCanonically(const SourceValue& value, const EncodeParams&,
                                              FieldBuffer* out, FieldBuffer* canonical) {
  if (value.size_bytes >= kWireFieldBytesMax) return Outcome::kTooLarge;
  const Outcome outcome = CanonicalizeJsonb(value.bytes(), canonical);
  if (outcome != Outcome::kOk) return outcome;
  const size_t at = BeginJsonField<true>(out);
  out->PutBytes(value.bytes());
  EndField(out, at);
  return Outcome::kOk;
}

inline constexpr TypeCodec kJsonbCodec{
    .oid = kOidJsonb,
    .array_oid = 3807,
    .name = "jsonb",
    .sql_name = "jsonb",
    .encode = {nullptr, EncodeJsonFromInteger<true>, EncodeJsonFromReal<true>,
               EncodeJsonFromText<true>, EncodeJsonFromAmbiguousBlob},
    .decode = DecodeJsonb,
    .canonical = CanonicalJsonb,
    .encode_text_canonical = EncodeJsonbFromTextCanonically,
    .bind = BindJson<true>,
    .fixed_bytes = 5 + kNumberTextBytes,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_JSONB_H_
