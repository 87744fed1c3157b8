// timestamptz(p): an instant, in microseconds since 2000-01-01 UTC.
#ifndef LITE2PG_COERCION_TYPES_TIMESTAMPTZ_H_
#define LITE2PG_COERCION_TYPES_TIMESTAMPTZ_H_

#include "coercion/types/temporal_encoding.h"

namespace lite2pg {

// Text with an offset is the instant, whatever the offset; text without one is read on the clock
// of the column's zone. The zone is a template argument because asking it costs more than all of
// the parsing, and it is UTC nearly always.
template <bool kZoneIsUtc>
Outcome EncodeTimestamptz(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  DateTimeText text;
  Outcome outcome = ParseDateTime(value.bytes(), &text);
  if (outcome != Outcome::kOk) return outcome;
  if (text.shape == DateTimeShape::kInfinity) {
    return PutInt64Field(text.negative ? kPgMinusInfinity : kPgInfinity, out);
  }
  if (text.shape == DateTimeShape::kTime || text.shape == DateTimeShape::kTimeOffset) {
    return Outcome::kMalformed;
  }
  int64_t micros = 0;
  outcome = WallMicros(text, params, &micros);
  if (outcome != Outcome::kOk) return outcome;
  if (text.shape == DateTimeShape::kDateTimeOffset) {
    micros -= text.offset_seconds * kMicrosPerSecond;
  } else if constexpr (!kZoneIsUtc) {
    // Zones move by whole seconds, so the fraction stays as it is; it is never negative.
    const int64_t fraction = text.micros % kMicrosPerSecond + (text.round_up ? 1 : 0);
    const int64_t local_seconds = (micros - fraction) / kMicrosPerSecond;
    int64_t unix_seconds = 0;
    outcome = LocalToUnixSeconds(local_seconds, params.time_zone, &unix_seconds);
    if (outcome != Outcome::kOk) return outcome;
    micros = unix_seconds * kMicrosPerSecond - kUnixToPgMicros + fraction;
  }
  return PutTimestamp(micros, params, out);
}

inline bool DecodeTimestamptz(absl::string_view field, const EncodeParams&, std::string* text) {
  return DecodeTimestampWith(field, "+00", text);
}

inline void BindTimestamptz(const PgType& type, ColumnCodec* codec) {
  BindSecondsScale(type, codec);
  if (codec->params.time_zone != absl::UTCTimeZone()) {
    codec->encode[static_cast<size_t>(StorageClass::kText)] = EncodeTimestamptz<false>;
  }
}

inline constexpr TypeCodec kTimestamptzCodec{
    .oid = kOidTimestamptz,
    .array_oid = 1185,
    .name = "timestamptz",
    .sql_name = "timestamp with time zone",
    .encode = {nullptr, EncodeTimestampFromInteger, EncodeTimestampFromReal,
               EncodeTimestamptz<true>, nullptr},
    .decode = DecodeTimestamptz,
    .bind = BindTimestamptz,
    .fixed_bytes = 12,
    .expand = 0,
    .typmod_text = SecondsTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TIMESTAMPTZ_H_
