// What json and jsonb share: a text that was checked, behind a version byte in jsonb
// (src/backend/utils/adt/json.c, jsonb.c).
#ifndef LITE2PG_COERCION_TYPES_JSON_ENCODING_H_
#define LITE2PG_COERCION_TYPES_JSON_ENCODING_H_

#include <cmath>

#include "coercion/decimal.h"
#include "coercion/json.h"
#include "coercion/sqlite_jsonb.h"
#include "coercion/type_codec.h"
#include "coercion/wire.h"

namespace lite2pg {

// jsonb_send, jsonb_recv: the only version so far.
inline constexpr uint8_t kJsonbVersion = 1;

// Opens a field of either type; the caller has room for it.
template <bool kIsJsonb>
size_t BeginJsonField(FieldBuffer* out) {
  const size_t at = BeginField(out);
  if constexpr (kIsJsonb) out->PutByte(kJsonbVersion);
  return at;
}

template <bool kIsJsonb>
Outcome CheckJsonText(absl::string_view text) {
  if (text.size() >= kWireFieldBytesMax) return Outcome::kTooLarge;
  return kIsJsonb ? CheckJsonb(text) : CheckJson(text);
}

template <bool kIsJsonb>
Outcome EncodeJsonFromText(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  const Outcome outcome = CheckJsonText<kIsJsonb>(value.bytes());
  if (outcome != Outcome::kOk) return outcome;
  const size_t at = BeginJsonField<kIsJsonb>(out);
  out->PutBytes(value.bytes());
  EndField(out, at);
  return Outcome::kOk;
}

template <bool kIsJsonb>
Outcome EncodeJsonFromInteger(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  NumberText buffer;
  const size_t at = BeginJsonField<kIsJsonb>(out);
  out->PutBytes(IntegerText(value.integer, buffer));
  EndField(out, at);
  return Outcome::kOk;
}

// JSON has no infinity, and jsonb no -0.
template <bool kIsJsonb>
Outcome EncodeJsonFromReal(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  if (!std::isfinite(value.real)) return Outcome::kOutOfRange;
  if (kIsJsonb && value.real == 0 && std::signbit(value.real)) return Outcome::kLossy;
  NumberText buffer;
  const size_t at = BeginJsonField<kIsJsonb>(out);
  out->PutBytes(RealText(value.real, buffer));
  EndField(out, at);
  return Outcome::kOk;
}

template <bool kIsJsonb>
Outcome EncodeJsonFromSqliteJsonb(const SourceValue& value, const EncodeParams&,
                                  FieldBuffer* out) {
  const size_t at = BeginJsonField<kIsJsonb>(out);
  const size_t text_at = out->size();
  Outcome outcome = AppendSqliteJsonb(value.bytes(), out);
  if (outcome == Outcome::kOk) outcome = CheckJsonText<kIsJsonb>(out->view_from(text_at));
  if (outcome != Outcome::kOk) {
    out->Truncate(at);
    return outcome;
  }
  EndField(out, at);
  return Outcome::kOk;
}

// A blob may be SQLite's JSONB or text; nothing in the value says which.
inline Outcome EncodeJsonFromAmbiguousBlob(const SourceValue&, const EncodeParams&, FieldBuffer*) {
  return Outcome::kAmbiguous;
}

template <bool kIsJsonb>
void BindJson(const PgType&, ColumnCodec* codec) {
  EncodeFn& blob = codec->encode[static_cast<size_t>(StorageClass::kBlob)];
  if (codec->params.rules.blob == BlobReading::kSqliteJsonb) {
    blob = EncodeJsonFromSqliteJsonb<kIsJsonb>;
  } else if (codec->params.rules.blob == BlobReading::kUtf8Text) {
    blob = EncodeJsonFromText<kIsJsonb>;
  }
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_JSON_ENCODING_H_
