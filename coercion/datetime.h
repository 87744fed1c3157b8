// Dates and times as text and as numbers: the shapes that writers of SQLite files use, and
// PostgreSQL's own output. Shared by the date, time and interval codecs and by the scan.
//
// Accepted text, always whole and without surrounding spaces (docs/coercion.md, "Conventions"):
//   date      YYYY-MM-DD, and as PostgreSQL prints it: years of up to seven digits, " BC" at the
//             end of the whole text
//   time      HH:MM[:SS[.f...]], and 24:00:00 as a time of its own
//   both      date, then ' ', 'T' or 't', then time
//   offset    after a time: Z, z, +HH, +HHMM, +HH:MM, +HH:MM:SS, with at most one space before;
//             " UTC"; or Go's time.String(): " +0200 CEST m=+0.1", the last word optional
//   infinity, -infinity
#ifndef LITE2PG_COERCION_DATETIME_H_
#define LITE2PG_COERCION_DATETIME_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coercion/outcome.h"
#include "coercion/type_codec.h"

namespace lite2pg {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
// PostgreSQL counts from 2000-01-01; Unix from 1970-01-01.
inline constexpr int64_t kUnixToPgDays = 10'957;
inline constexpr int64_t kUnixToPgMicros = kUnixToPgDays * kMicrosPerDay;

// Ranges: src/include/datatype/timestamp.h. The first day is 4714-11-24 BC for both, the last
// 5874897-12-31 for date and 294276-12-31 for timestamps.
inline constexpr int32_t kPgDaysMin = -2'451'545;
inline constexpr int32_t kPgDateDaysEnd = 2'145'031'949;
inline constexpr int64_t kPgMicrosMin = kPgDaysMin * kMicrosPerDay;
inline constexpr int64_t kPgMicrosEnd = 106'751'983 * kMicrosPerDay;
static_assert(kPgMicrosMin == -211'813'488'000'000'000);
static_assert(kPgMicrosEnd == 9'223'371'331'200'000'000);

// What PostgreSQL stores for infinity and -infinity.
inline constexpr int32_t kPgDateInfinity = INT32_MAX, kPgDateMinusInfinity = INT32_MIN;
inline constexpr int64_t kPgInfinity = INT64_MAX, kPgMinusInfinity = INT64_MIN;

// ---- Text --------------------------------------------------------------------------------------

enum class DateTimeShape : uint8_t {
  kNone,            // not one of the forms above
  kDate,
  kDateTime,        // without an offset
  kDateTimeOffset,
  kTime,
  kTimeOffset,
  kInfinity,
};

// A text taken apart. Fields that the shape does not have are zero.
struct DateTimeText {
  DateTimeShape shape = DateTimeShape::kNone;
  bool round_up = false;         // what follows the sixth digit of the fraction is at least half
  bool negative = false;         // kInfinity
  int32_t fraction_digits = 0;   // up to the last one that is not zero
  int32_t days = 0;              // since 2000-01-01
  int32_t offset_seconds = 0;    // east of Greenwich
  int64_t micros = 0;            // of the day; what lies behind the sixth digit is cut off
};

// The digits of a fraction of a second.
struct SecondsFraction {
  bool round_up = false;     // as in DateTimeText
  int32_t micros = 0;
  int32_t significant = 0;   // digits up to the last one that is not zero
  int32_t written = 0;       // all digits
};

// Reads the digits at the front of `text`, however many there are.
inline SecondsFraction ReadFraction(absl::string_view text) {
  SecondsFraction f;
  for (const char c : text) {
    if (c < '0' || c > '9') break;
    ++f.written;
    if (f.written <= 6) f.micros = f.micros * 10 + (c - '0');
    if (f.written == 7) f.round_up = c >= '5';
    if (c != '0') f.significant = f.written;
  }
  for (int32_t i = f.written; i < 6; ++i) f.micros *= 10;
  return f;
}

// kOk; kMalformed for other text and for days and times that do not exist (February 30, second 60);
// kOutOfRange for year 0 and days beyond PostgreSQL's dates. Any thread; allocates nothing.
Outcome ParseDateTime(absl::string_view text, DateTimeText* out);

// What the scan asks of every text in a column that may hold dates.
struct DateTimeClass {
  DateTimeShape shape = DateTimeShape::kNone;
  bool offset_is_zero = false;   // an offset is there and says UTC
  int32_t fraction_digits = 0;   // significant ones: "12:00:00.120" has two
};
DateTimeClass ClassifyDateTime(absl::string_view text);

// ---- Numbers -----------------------------------------------------------------------------------

// A number as an instant, in microseconds since 2000-01-01 UTC. kAmbiguous when `reading` is
// kNone; kOutOfRange beyond PostgreSQL's timestamps; kLossy when microseconds cannot show the
// number, unless `round`.
//
// A REAL is faithful when the microseconds, written back as a double in the same unit, are the same
// double. Julian days are read as SQLite reads them, to the millisecond (src/date.c, "iJD"): a
// double near 2.4 million days resolves only 40 us.
Outcome IntegerToPgMicros(int64_t value, NumberReading reading, bool round, int64_t* micros);
Outcome RealToPgMicros(double value, NumberReading reading, bool round, int64_t* micros);

// A number as a length of time in microseconds. Only units that are used for lengths have this
// reading: the four Unix units and ticks; others give kAmbiguous.
Outcome IntegerToDuration(int64_t value, NumberReading reading, bool round, int64_t* micros);
Outcome RealToDuration(double value, NumberReading reading, bool round, int64_t* micros);

// ---- Helpers of the codecs ---------------------------------------------------------------------

// Moves a fraction to `digits` (0..6) places as PostgreSQL's AdjustTimestampForTypmod does, half
// away from zero. kLossy, and nothing changed, when that would change the value and not `round`.
Outcome AdjustToScale(int digits, bool round, int64_t* micros);

// The microseconds of the day of a parsed text, rounded where that is allowed. kLossy otherwise.
inline Outcome MicrosOfDay(const DateTimeText& text, bool round, int64_t* micros) {
  if (text.fraction_digits > 6 && !round) [[unlikely]] return Outcome::kLossy;
  *micros = text.micros + (text.round_up ? 1 : 0);
  return Outcome::kOk;
}

// Whether the fraction below a microsecond may be rounded: by its own rule, or because the column
// is declared with fewer digits and rounding to those is allowed.
inline bool MayRoundMicros(const EncodeParams& params) {
  return params.rules.round_to_microseconds || (params.scale >= 0 && params.rules.round_to_typmod);
}

// Unix seconds of a wall clock reading that is `seconds` after 2000-01-01 00:00 in `zone`.
// kAmbiguous when the zone's clocks skipped or repeated that time.
Outcome LocalToUnixSeconds(int64_t seconds, const absl::TimeZone& zone, int64_t* unix_seconds);

// Days since 2000-01-01 of a day in the proleptic Gregorian calendar; year 0 is 1 BC.
int64_t DaysFromCivil(int64_t year, int month, int day);

// PostgreSQL's ISO output. REQUIRES: the value is within the type's range and not infinite.
void AppendDate(int64_t days, std::string* text);           // "2024-01-31", "0044-03-15 BC"
void AppendTime(int64_t micros, std::string* text);         // "12:34:56.789"
void AppendTimestamp(int64_t micros, absl::string_view offset, std::string* text);
void AppendOffset(int32_t seconds_east, std::string* text);  // "+00", "-03:30"

}  // namespace lite2pg

#endif  // LITE2PG_COERCION_DATETIME_H_
