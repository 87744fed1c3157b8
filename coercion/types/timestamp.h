// timestamp(p): microseconds since 2000-01-01 on a clock that names no zone.
#ifndef LITE2PG_COERCION_TYPES_TIMESTAMP_H_
#define LITE2PG_COERCION_TYPES_TIMESTAMP_H_

#include "coercion/types/temporal_encoding.h"

namespace lite2pg {

// Whether the offset of a text may go. Without a rule that is kLossy: the column could not tell
// "+02:00" from "Z" afterwards.
inline Outcome DropOffset(const DateTimeText& text, OffsetReading reading) {
  const bool has_offset = text.shape == DateTimeShape::kDateTimeOffset;
  switch (reading) {
    case OffsetReading::kRefuse:
      return has_offset ? Outcome::kLossy : Outcome::kOk;
    case OffsetReading::kZero:
      return has_offset && text.offset_seconds == 0 ? Outcome::kOk : Outcome::kLossy;
    case OffsetReading::kUtc:
      break;
  }
  return Outcome::kOk;
}

inline Outcome EncodeTimestamp(const SourceValue& value, const EncodeParams& params,
                               FieldBuffer* out) {
  DateTimeText text;
  Outcome outcome = ParseDateTime(value.bytes(), &text);
  if (outcome != Outcome::kOk) return outcome;
  switch (text.shape) {
    case DateTimeShape::kDate:
    case DateTimeShape::kDateTime:
    case DateTimeShape::kDateTimeOffset:
      break;
    case DateTimeShape::kInfinity:
      return PutInt64Field(text.negative ? kPgMinusInfinity : kPgInfinity, out);
    case DateTimeShape::kTime:
    case DateTimeShape::kTimeOffset:
    case DateTimeShape::kNone:
      return Outcome::kMalformed;
  }
  outcome = DropOffset(text, params.rules.offset);
  if (outcome != Outcome::kOk) return outcome;
  int64_t micros = 0;
  outcome = WallMicros(text, params, &micros);
  micros -= int64_t{text.offset_seconds} * kMicrosPerSecond;
  return outcome == Outcome::kOk ? PutTimestamp(micros, params, out) : outcome;
}

inline bool DecodeTimestamp(absl::string_view field, const EncodeParams&, std::string* text) {
  return DecodeTimestampWith(field, "", text);
}

inline constexpr TypeCodec kTimestampCodec{
    .oid = kOidTimestamp,
    .array_oid = 1115,
    .name = "timestamp",
    .sql_name = "timestamp without time zone",
    .encode = {nullptr, EncodeTimestampFromInteger, EncodeTimestampFromReal, EncodeTimestamp,
               nullptr},
    .decode = DecodeTimestamp,
    .bind = BindSecondsScale,
    .fixed_bytes = 12,
    .expand = 0,
    .typmod_text = SecondsTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TIMESTAMP_H_
