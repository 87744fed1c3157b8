// interval: microseconds, days and months, kept apart (src/backend/utils/adt/timestamp.c).
#ifndef LITE2PG_COERCION_TYPES_INTERVAL_H_
#define LITE2PG_COERCION_TYPES_INTERVAL_H_

#include <string>

#include "coercion/type_codec.h"

namespace lite2pg {

// Reads PostgreSQL's own output ("1 year 2 mons 3 days 04:05:06.7", with its signs), ISO 8601
// durations as PostgreSQL takes them ("P1Y2M3DT4H5M6.7S", weeks too, a minus before any number),
// .NET's TimeSpan ("[-]d.hh:mm:ss[.f]") and "[-]hh:mm:ss[.f]". "hh:mm" is kAmbiguous: others write
// minutes and seconds that way. An interval limited to fields (typmod) is kLossy where it would cut
// something off, unless rules.round_to_typmod.
Outcome EncodeInterval(const SourceValue& value, const EncodeParams& params, FieldBuffer* out);
// A length of time in the unit that rules names; days stay zero, as a number knows none.
Outcome EncodeIntervalFromInteger(const SourceValue& value, const EncodeParams& params,
                                  FieldBuffer* out);
Outcome EncodeIntervalFromReal(const SourceValue& value, const EncodeParams& params,
                               FieldBuffer* out);
bool DecodeInterval(absl::string_view field, const EncodeParams& params, std::string* text);
void BindInterval(const PgType& type, ColumnCodec* codec);
std::string IntervalTypmodText(int32_t typmod);

inline constexpr TypeCodec kIntervalCodec{
    .oid = kOidInterval,
    .array_oid = 1187,
    .name = "interval",
    .sql_name = "interval",
    .encode = {nullptr, EncodeIntervalFromInteger, EncodeIntervalFromReal, EncodeInterval, nullptr},
    .decode = DecodeInterval,
    .bind = BindInterval,
    .fixed_bytes = 20,
    .expand = 0,
    .typmod_text = IntervalTypmodText,
};

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_TYPES_INTERVAL_H_
