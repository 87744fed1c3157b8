// timetz(p): microseconds since midnight and the zone's offset, in seconds west of Greenwich.
#ifndef LITE2PG_COERCION_TYPES_TIMETZ_H_
#define LITE2PG_COERCION_TYPES_TIMETZ_H_

#include "coercion/types/temporal_encoding.h"

namespace lite2pg {

// The column's zone cannot stand in for a missing offset: which one holds depends on the day.
inline Outcome EncodeTimetz(const SourceValue& value, const EncodeParams& params,
                            FieldBuffer* out) {
  DateTimeText text;
  Outcome outcome = ParseDateTime(value.bytes(), &text);
  if (outcome != Outcome::kOk) return outcome;
  switch (text.shape) {
    case DateTimeShape::kTimeOffset:
      break;
    case DateTimeShape::kTime:
      return Outcome::kAmbiguous;
    case DateTimeShape::kDateTime:
    case DateTimeShape::kDateTimeOffset:
      return Outcome::kLossy;
    case DateTimeShape::kDate:
    case DateTimeShape::kInfinity:
    case DateTimeShape::kNone:
      return Outcome::kMalformed;
  }
  int64_t micros = 0;
  outcome = MicrosOfDay(text, MayRoundMicros(params), &micros);
  if (outcome == Outcome::kOk) outcome = AdjustToColumn(params, &micros);
  if (outcome != Outcome::kOk) return outcome;
  out->PutInt32(12);
  out->PutInt64(micros);
  out->PutInt32(-text.offset_seconds);
  return Outcome::kOk;
}

inline bool DecodeTimetz(absl::string_view field, const EncodeParams&, std::string* text) {
  // src/include/datatype/timestamp.h: TZDISP_LIMIT, 16 hours.
  constexpr int32_t kOffsetEnd = 16 * 3600;
  if (field.size() != 12) return false;
  const int64_t micros = LoadInt64(field.data());
  const int32_t seconds_west = LoadInt32(field.data() + 8);
  if (micros < 0 || micros > kMicrosPerDay) return false;
  if (seconds_west <= -kOffsetEnd || seconds_west >= kOffsetEnd) return false;
  AppendTime(micros, text);
  AppendOffset(-seconds_west, text);
  return true;
}

inline constexpr TypeCodec kTimetzCodec{
    .oid = kOidTimetz,
    .array_oid = 1270,
    .name = "timetz",
    .sql_name = "time with time zone",
    .encode = {nullptr, nullptr, nullptr, EncodeTimetz, nullptr},
    .decode = DecodeTimetz,
    .bind = BindSecondsScale,
    .fixed_bytes = 16,
    .expand = 0,
    .typmod_text = SecondsTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TIMETZ_H_
