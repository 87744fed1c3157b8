// time(p): microseconds since midnight, 24:00:00 included.
#ifndef LITE2PG_COERCION_TYPES_TIME_H_
#define LITE2PG_COERCION_TYPES_TIME_H_

#include "coercion/types/temporal_encoding.h"

namespace lite2pg {

// Text that says more than a time of day is kLossy.
inline Outcome EncodeTime(const SourceValue& value, const EncodeParams& params, FieldBuffer* out) {
  DateTimeText text;
  Outcome outcome = ParseDateTime(value.bytes(), &text);
  if (outcome != Outcome::kOk) return outcome;
  switch (text.shape) {
    case DateTimeShape::kTime:
      break;
    case DateTimeShape::kTimeOffset:
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
  return outcome == Outcome::kOk ? PutInt64Field(micros, out) : outcome;
}

// Numbers are the time since midnight, in a unit that is used for lengths of time.
inline Outcome PutTimeSinceMidnight(int64_t micros, const EncodeParams& params, FieldBuffer* out) {
  if (micros < 0 || micros > kMicrosPerDay) return Outcome::kOutOfRange;
  const Outcome outcome = AdjustToColumn(params, &micros);
  return outcome == Outcome::kOk ? PutInt64Field(micros, out) : outcome;
}

inline Outcome EncodeTimeFromInteger(const SourceValue& value, const EncodeParams& params,
                                     FieldBuffer* out) {
  int64_t micros = 0;
  const Outcome outcome = IntegerToDuration(value.integer, params.rules.integer,
                                            MayRoundMicros(params), &micros);
  return outcome == Outcome::kOk ? PutTimeSinceMidnight(micros, params, out) : outcome;
}

inline Outcome EncodeTimeFromReal(const SourceValue& value, const EncodeParams& params,
                                  FieldBuffer* out) {
  int64_t micros = 0;
  const Outcome outcome =
      RealToDuration(value.real, params.rules.real, MayRoundMicros(params), &micros);
  return outcome == Outcome::kOk ? PutTimeSinceMidnight(micros, params, out) : outcome;
}

inline bool DecodeTime(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 8) return false;
  const int64_t micros = LoadInt64(field.data());
  if (micros < 0 || micros > kMicrosPerDay) return false;
  AppendTime(micros, text);
  return true;
}

inline constexpr TypeCodec kTimeCodec{
    .oid = kOidTime,
    .array_oid = 1183,
    .name = "time",
    .sql_name = "time without time zone",
    .encode = {nullptr, EncodeTimeFromInteger, EncodeTimeFromReal, EncodeTime, nullptr},
    .decode = DecodeTime,
    .bind = BindSecondsScale,
    .fixed_bytes = 12,
    .expand = 0,
    .typmod_text = SecondsTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_TIME_H_
