// date: days since 2000-01-01.
#ifndef LITE2PG_COERCION_TYPES_DATE_H_
#define LITE2PG_COERCION_TYPES_DATE_H_

#include "coercion/types/temporal_encoding.h"

namespace lite2pg {

inline Outcome PutDate(int64_t days, FieldBuffer* out) {
  out->PutInt32(4);
  out->PutInt32(static_cast<int32_t>(days));
  return Outcome::kOk;
}

// A day, or a day with a time of exactly midnight, which many writers add. An offset says
// more than a date holds, even at midnight.
inline Outcome EncodeDate(const SourceValue& value, const EncodeParams&, FieldBuffer* out) {
  DateTimeText text;
  const Outcome outcome = ParseDateTime(value.bytes(), &text);
  if (outcome != Outcome::kOk) return outcome;
  switch (text.shape) {
    case DateTimeShape::kDate:
      return PutDate(text.days, out);
    case DateTimeShape::kDateTime:
      if (text.micros != 0 || text.fraction_digits != 0) return Outcome::kLossy;
      return PutDate(text.days, out);
    case DateTimeShape::kInfinity:
      return PutDate(text.negative ? kPgDateMinusInfinity : kPgDateInfinity, out);
    case DateTimeShape::kDateTimeOffset:
      return Outcome::kLossy;
    case DateTimeShape::kTime:
    case DateTimeShape::kTimeOffset:
    case DateTimeShape::kNone:
      break;
  }
  return Outcome::kMalformed;
}

// Numbers are instants: one that is not a midnight in UTC would lose its time.
inline Outcome PutDateOfInstant(int64_t micros, FieldBuffer* out) {
  if (micros % kMicrosPerDay != 0) return Outcome::kLossy;
  return PutDate(micros / kMicrosPerDay, out);
}

inline Outcome EncodeDateFromInteger(const SourceValue& value, const EncodeParams& params,
                                     FieldBuffer* out) {
  int64_t micros = 0;
  const Outcome outcome = IntegerToPgMicros(value.integer, params.rules.integer, false, &micros);
  return outcome == Outcome::kOk ? PutDateOfInstant(micros, out) : outcome;
}

inline Outcome EncodeDateFromReal(const SourceValue& value, const EncodeParams& params,
                                  FieldBuffer* out) {
  int64_t micros = 0;
  const Outcome outcome = RealToPgMicros(value.real, params.rules.real, false, &micros);
  return outcome == Outcome::kOk ? PutDateOfInstant(micros, out) : outcome;
}

inline bool DecodeDate(absl::string_view field, const EncodeParams&, std::string* text) {
  if (field.size() != 4) return false;
  const int32_t days = LoadInt32(field.data());
  if (days == kPgDateInfinity || days == kPgDateMinusInfinity) {
    text->append(days > 0 ? "infinity" : "-infinity");
    return true;
  }
  if (days < kPgDaysMin || days >= kPgDateDaysEnd) return false;
  AppendDate(days, text);
  return true;
}

inline constexpr TypeCodec kDateCodec{
    .oid = kOidDate,
    .array_oid = 1182,
    .name = "date",
    .sql_name = "date",
    .encode = {nullptr, EncodeDateFromInteger, EncodeDateFromReal, EncodeDate, nullptr},
    .decode = DecodeDate,
    .fixed_bytes = 8,
    .expand = 0,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_DATE_H_
