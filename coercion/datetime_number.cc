// Numbers as instants and as lengths of time: the second half of datetime.h.
#include <cmath>

#include "coercion/datetime.h"
#include "coercion/datetime_number.h"

namespace lite2pg {
namespace {

using Int128 = __int128;

// A reading is a unit of `multiply` / `divide` microseconds and where its zero lies.
struct Unit {
  int64_t multiply;
  int64_t divide;
  int64_t epoch_micros;   // since 2000-01-01
  bool measures_length;   // also used for durations
};

constexpr int64_t kDays1601 = -145'731;   // 1601-01-01 to 2000-01-01
constexpr int64_t kDays0001 = -730'119;   // 0001-01-01 to 2000-01-01
constexpr int64_t kDays2001 = 366;
// Julian day 0 begins at noon of the first day that PostgreSQL knows.
constexpr int64_t kJulianEpochMicros = kPgMicrosMin + kMicrosPerDay / 2;

// In the order of NumberReading, without kNone.
constexpr Unit kUnits[] = {
    {kMicrosPerSecond, 1, -kUnixToPgMicros, true},
    {1'000, 1, -kUnixToPgMicros, true},
    {1, 1, -kUnixToPgMicros, true},
    {1, 1'000, -kUnixToPgMicros, true},
    {kMicrosPerDay, 1, kJulianEpochMicros, false},
    {1, 10, kDays0001 * kMicrosPerDay, true},
    {kMicrosPerSecond, 1, kDays2001 * kMicrosPerDay, false},
    {1, 1, kDays1601 * kMicrosPerDay, false},
};
static_assert(sizeof(kUnits) / sizeof(kUnits[0]) == kNumberReadingCount - 1);

const Unit* UnitOf(NumberReading reading) {
  const int index = static_cast<int>(reading) - 1;
  return index < 0 || index >= kNumberReadingCount - 1 ? nullptr : &kUnits[index];
}

// The nearest integer to numerator / denominator, halves away from zero. REQUIRES: denominator > 0.
Int128 DivideNearest(Int128 numerator, Int128 denominator) {
  Int128 quotient = numerator / denominator;
  const Int128 rest = numerator % denominator;
  const Int128 magnitude = rest < 0 ? -rest : rest;
  if (magnitude >= denominator - magnitude) quotient += numerator < 0 ? -1 : 1;
  return quotient;
}

Outcome ConvertInteger(int64_t value, const Unit& unit, bool round, Int128* micros) {
  const Int128 scaled = Int128{value} * unit.multiply;
  if (scaled % unit.divide != 0 && !round) return Outcome::kLossy;
  *micros = DivideNearest(scaled, unit.divide);
  return Outcome::kOk;
}

// The nearest microsecond to `value`, exactly: a double is an integer times a power of two, so the
// quotient of two integers of at most 128 bits decides. REQUIRES: |value| is below 2^73, and
// below 2^63 microseconds.
Int128 NearestMicros(double value, const Unit& unit) {
  int exponent;
  // 53 bits of mantissa as an integer; frexp's is in [0.5, 1).
  const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
  exponent -= 53;
  if (exponent >= 0) {
    return DivideNearest(Int128{mantissa} * (Int128{1} << exponent) * unit.multiply, unit.divide);
  }
  // Numerator below 2^53 * 2^37: nothing of it is left when divided by 2^100.
  if (exponent < -100) return 0;
  return DivideNearest(Int128{mantissa} * unit.multiply, Int128{unit.divide} << -exponent);
}

// Whether `micros` written back in the unit is the double `value`.
bool WritesBack(Int128 micros, const Unit& unit, double value) {
  if (unit.multiply == 1) return static_cast<double>(micros * unit.divide) == value;
  // Up to 2^53 both operands are exact and the division rounds once. Above, doubles of seconds and
  // milliseconds are further than a microsecond apart: the nearest one always writes back.
  constexpr Int128 kExactMax = Int128{1} << 53;
  if (micros > kExactMax || micros < -kExactMax) return true;
  return static_cast<double>(static_cast<int64_t>(micros)) / static_cast<double>(unit.multiply) ==
         value;
}

Outcome ConvertReal(double value, const Unit& unit, bool round, Int128* micros) {
  // Also refuses NaN. The bound keeps the integers below within 128 bits.
  const double estimate = std::fabs(value) * static_cast<double>(unit.multiply) /
                          static_cast<double>(unit.divide);
  if (!(estimate < 9.3e18)) return Outcome::kOutOfRange;
  *micros = NearestMicros(value, unit);
  if (!round && !WritesBack(*micros, unit, value)) return Outcome::kLossy;
  return Outcome::kOk;
}

// SQLite: src/date.c, setRawDateNumber: valid from 0 to 5373484.5, rounded to milliseconds.
Outcome ConvertJulian(double value, bool round, Int128* micros) {
  constexpr double kMillisPerDay = 86'400'000.0;
  if (!(value >= 0 && value < 5'373'484.5)) return Outcome::kOutOfRange;
  const auto millis = static_cast<int64_t>(std::floor(value * kMillisPerDay + 0.5));
  if (!round && static_cast<double>(millis) / kMillisPerDay != value) return Outcome::kLossy;
  *micros = Int128{millis} * 1'000;
  return Outcome::kOk;
}

Outcome FinishInstant(Outcome outcome, Int128 micros, const Unit& unit, int64_t* out) {
  if (outcome != Outcome::kOk) return outcome;
  micros += unit.epoch_micros;
  if (micros < kPgMicrosMin || micros >= kPgMicrosEnd) return Outcome::kOutOfRange;
  *out = static_cast<int64_t>(micros);
  return Outcome::kOk;
}

Outcome FinishDuration(Outcome outcome, Int128 micros, int64_t* out) {
  if (outcome != Outcome::kOk) return outcome;
  if (micros < INT64_MIN || micros > INT64_MAX) return Outcome::kOutOfRange;
  *out = static_cast<int64_t>(micros);
  return Outcome::kOk;
}

}  // namespace

Outcome IntegerToPgMicros(int64_t value, NumberReading reading, bool round, int64_t* micros) {
  const Unit* unit = UnitOf(reading);
  if (unit == nullptr) return Outcome::kAmbiguous;
  Int128 since_epoch = 0;
  const Outcome outcome = ConvertInteger(value, *unit, round, &since_epoch);
  return FinishInstant(outcome, since_epoch, *unit, micros);
}

Outcome RealToPgMicros(double value, NumberReading reading, bool round, int64_t* micros) {
  const Unit* unit = UnitOf(reading);
  if (unit == nullptr) return Outcome::kAmbiguous;
  Int128 since_epoch = 0;
  const Outcome outcome = reading == NumberReading::kJulianDay
                              ? ConvertJulian(value, round, &since_epoch)
                              : ConvertReal(value, *unit, round, &since_epoch);
  return FinishInstant(outcome, since_epoch, *unit, micros);
}

Outcome IntegerToDuration(int64_t value, NumberReading reading, bool round, int64_t* micros) {
  const Unit* unit = UnitOf(reading);
  if (unit == nullptr || !unit->measures_length) return Outcome::kAmbiguous;
  Int128 length = 0;
  const Outcome outcome = ConvertInteger(value, *unit, round, &length);
  return FinishDuration(outcome, length, micros);
}

Outcome RealToDuration(double value, NumberReading reading, bool round, int64_t* micros) {
  const Unit* unit = UnitOf(reading);
  if (unit == nullptr || !unit->measures_length) return Outcome::kAmbiguous;
  Int128 length = 0;
  const Outcome outcome = ConvertReal(value, *unit, round, &length);
  return FinishDuration(outcome, length, micros);
}

bool IntegerFromPgMicros(int64_t micros, NumberReading reading, bool is_length, int64_t* value) {
  const Unit* unit = UnitOf(reading);
  if (unit == nullptr) return false;
  const Int128 since = Int128{micros} - (is_length ? 0 : unit->epoch_micros);
  const Int128 scaled = since * unit->divide;
  if (scaled % unit->multiply != 0) return false;
  const Int128 number = scaled / unit->multiply;
  if (number < INT64_MIN || number > INT64_MAX) return false;
  *value = static_cast<int64_t>(number);
  return true;
}

bool RealFromPgMicros(int64_t micros, NumberReading reading, bool is_length, double* value) {
  const Unit* unit = UnitOf(reading);
  if (unit == nullptr) return false;
  const Int128 since = Int128{micros} - (is_length ? 0 : unit->epoch_micros);
  if (reading == NumberReading::kJulianDay) {
    *value = static_cast<double>(static_cast<int64_t>(since / 1'000)) / 86'400'000.0;
  } else if (unit->multiply == 1) {
    *value = static_cast<double>(since * unit->divide);
  } else {
    *value = static_cast<double>(static_cast<int64_t>(since)) /
             static_cast<double>(unit->multiply);
  }
  int64_t back = 0;
  const Outcome outcome = is_length ? RealToDuration(*value, reading, false, &back)
                                    : RealToPgMicros(*value, reading, false, &back);
  return outcome == Outcome::kOk && back == micros;
}

}  // namespace lite2pg
