// What date, time and the timestamps share: one integer on the wire, the same readings of numbers,
// and a typmod that is a number of digits (src/backend/utils/adt/timestamp.c, date.c).
#ifndef LITE2PG_COERCION_TYPES_TEMPORAL_ENCODING_H_
#define LITE2PG_COERCION_TYPES_TEMPORAL_ENCODING_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "coercion/datetime.h"
#include "coercion/type_codec.h"
#include "coercion/wire.h"

namespace lite2pg {

inline Outcome PutInt64Field(int64_t value, FieldBuffer* out) {
  out->PutInt32(8);
  out->PutInt64(value);
  return Outcome::kOk;
}

// The typmod of time(p) and timestamp(p) is p itself.
inline void BindSecondsScale(const PgType& type, ColumnCodec* codec) {
  codec->params.scale = type.typmod >= 0 && type.typmod <= 6 ? type.typmod : -1;
}

inline std::string SecondsTypmodText(int32_t typmod) {
  return typmod < 0 ? std::string() : absl::StrCat("(", typmod, ")");
}

// The number of digits that the column keeps, where that is not all of them.
inline Outcome AdjustToColumn(const EncodeParams& params, int64_t* micros) {
  if (params.scale < 0 || params.scale >= 6) [[likely]] return Outcome::kOk;
  return AdjustToScale(params.scale, params.rules.round_to_typmod, micros);
}

// A timestamp of either kind that is not infinite.
inline Outcome PutTimestamp(int64_t micros, const EncodeParams& params, FieldBuffer* out) {
  const Outcome outcome = AdjustToColumn(params, &micros);
  if (outcome != Outcome::kOk) return outcome;
  if (micros < kPgMicrosMin || micros >= kPgMicrosEnd) return Outcome::kOutOfRange;
  return PutInt64Field(micros, out);
}

// Day and time of a parsed text as one number, on the text's own clock.
inline Outcome WallMicros(const DateTimeText& text, const EncodeParams& params, int64_t* micros) {
  // Dates reach further than timestamps; beyond this the product would not fit.
  if (text.days > kPgMicrosEnd / kMicrosPerDay) return Outcome::kOutOfRange;
  int64_t of_day = 0;
  const Outcome outcome = MicrosOfDay(text, MayRoundMicros(params), &of_day);
  *micros = text.days * kMicrosPerDay + of_day;
  return outcome;
}

// Numbers are instants, which both kinds of timestamp show in UTC.
inline Outcome EncodeTimestampFromInteger(const SourceValue& value, const EncodeParams& params,
                                          FieldBuffer* out) {
  int64_t micros = 0;
  const Outcome outcome = IntegerToPgMicros(value.integer, params.rules.integer,
                                            MayRoundMicros(params), &micros);
  return outcome == Outcome::kOk ? PutTimestamp(micros, params, out) : outcome;
}

inline Outcome EncodeTimestampFromReal(const SourceValue& value, const EncodeParams& params,
                                       FieldBuffer* out) {
  int64_t micros = 0;
  const Outcome outcome =
      RealToPgMicros(value.real, params.rules.real, MayRoundMicros(params), &micros);
  return outcome == Outcome::kOk ? PutTimestamp(micros, params, out) : outcome;
}

// timestamp and timestamptz look alike but for the offset that the latter shows.
inline bool DecodeTimestampWith(absl::string_view field, absl::string_view offset,
                                std::string* text) {
  if (field.size() != 8) return false;
  const int64_t micros = LoadInt64(field.data());
  if (micros == kPgInfinity || micros == kPgMinusInfinity) {
    text->append(micros > 0 ? "infinity" : "-infinity");
    return true;
  }
  if (micros < kPgMicrosMin || micros >= kPgMicrosEnd) return false;
  AppendTimestamp(micros, offset, text);
  return true;
}

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TEMPORAL_ENCODING_H_
