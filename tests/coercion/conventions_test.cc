// What libraries and applications write into SQLite files, one test per writer: dates and times as
// text and as numbers, and their own forms of booleans, UUIDs and durations.
#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "coercion/datetime.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

// What the column shows afterwards, or the name of the outcome.
std::string Stored(Oid oid, const SourceValue& value, const ReadingRules& rules = {}) {
  const ColumnCodec codec = Bind(oid, -1, rules);
  const EncodedField field = EncodeOne(codec, value);
  if (field.outcome != Outcome::kOk) return OutcomeName(field.outcome);
  std::string text;
  EXPECT_TRUE(codec.decode(field.bytes, codec.params, &text));
  return text;
}

std::string Stored(Oid oid, absl::string_view text, const ReadingRules& rules = {}) {
  return Stored(oid, SourceValue::Text(text), rules);
}

ReadingRules Numbers(NumberReading reading) {
  ReadingRules rules;
  rules.integer = rules.real = reading;
  return rules;
}

std::string Integer(Oid oid, int64_t value, NumberReading reading) {
  return Stored(oid, SourceValue::Integer(value), Numbers(reading));
}

std::string Real(Oid oid, double value, NumberReading reading) {
  return Stored(oid, SourceValue::Real(value), Numbers(reading));
}

ReadingRules Rounding() {
  ReadingRules rules;
  rules.round_to_microseconds = true;
  return rules;
}

TEST(Conventions, SqliteFunctions) {
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56"), "2024-01-31 12:34:56");
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.789"), "2024-01-31 12:34:56.789");
  EXPECT_EQ(Stored(kOidDate, "2024-01-31"), "2024-01-31");
  EXPECT_EQ(Stored(kOidTime, "12:34:56"), "12:34:56");
  // julianday('2024-01-31 12:34:56.789') and julianday('2000-01-01').
  EXPECT_EQ(Real(kOidTimestamp, 2460341.024268391, NumberReading::kJulianDay),
            "2024-01-31 12:34:56.789");
  EXPECT_EQ(Real(kOidDate, 2451544.5, NumberReading::kJulianDay), "2000-01-01");
  EXPECT_EQ(Integer(kOidTimestamp, 2451545, NumberReading::kJulianDay), "2000-01-01 12:00:00");
  EXPECT_EQ(Real(kOidTimestamp, 0.0, NumberReading::kJulianDay), "4714-11-24 12:00:00 BC");
}

TEST(Conventions, Django) {
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56.123456"), "2024-01-31 12:34:56.123456+00");
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56"), "2024-01-31 12:34:56+00");
  EXPECT_EQ(Stored(kOidBool, SourceValue::Integer(1)), "t");
  EXPECT_EQ(Stored(kOidUuid, "5f2b0d8e7c3a4e1b9d6f0a1b2c3d4e5f"),
            "5f2b0d8e-7c3a-4e1b-9d6f-0a1b2c3d4e5f");
  // DurationField: microseconds.
  EXPECT_EQ(Integer(kOidInterval, 93'784'000'005, NumberReading::kUnixMicros), "26:03:04.000005");
  EXPECT_EQ(Integer(kOidInterval, -1, NumberReading::kUnixMicros), "-00:00:00.000001");
}

TEST(Conventions, Rails) {
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.123456"), "2024-01-31 12:34:56.123456");
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56 UTC"), "2024-01-31 12:34:56+00");
  EXPECT_EQ(Stored(kOidBool, "t"), "t");
  EXPECT_EQ(Stored(kOidBool, "f"), "f");
}

TEST(Conventions, SqlAlchemy) {
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.000000"), "2024-01-31 12:34:56");
  EXPECT_EQ(Stored(kOidTime, "12:34:56.000001"), "12:34:56.000001");
  // Its Interval is a time after 1970. No rule names that reading, so it is not guessed.
  EXPECT_EQ(Stored(kOidInterval, "1970-01-02 03:04:05.000000"), "kMalformed");
}

TEST(Conventions, HomeAssistant) {
  EXPECT_EQ(Real(kOidTimestamptz, 1706704496.5, NumberReading::kUnixSeconds),
            "2024-01-31 12:34:56.5+00");
  EXPECT_EQ(Real(kOidTimestamptz, 1706704496.123456, NumberReading::kUnixSeconds),
            "2024-01-31 12:34:56.123456+00");
  // Python's time.time() has a resolution that microseconds do not show.
  EXPECT_EQ(Real(kOidTimestamptz, 1706704496.1234567, NumberReading::kUnixSeconds), "kLossy");
  ReadingRules rounding = Rounding();
  rounding.real = NumberReading::kUnixSeconds;
  EXPECT_EQ(Stored(kOidTimestamptz, SourceValue::Real(1706704496.1234567), rounding),
            "2024-01-31 12:34:56.123457+00");
}

TEST(Conventions, Prisma) {
  EXPECT_EQ(Integer(kOidTimestamp, 1'706'704'496'789, NumberReading::kUnixMillis),
            "2024-01-31 12:34:56.789");
  // Rows that got CURRENT_TIMESTAMP by default are text in the same column.
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56", Numbers(NumberReading::kUnixMillis)),
            "2024-01-31 12:34:56");
}

TEST(Conventions, JavaScript) {
  EXPECT_EQ(Integer(kOidTimestamptz, 1'706'704'496'789, NumberReading::kUnixMillis),
            "2024-01-31 12:34:56.789+00");
  EXPECT_EQ(Real(kOidTimestamptz, 1706704496789.0, NumberReading::kUnixMillis),
            "2024-01-31 12:34:56.789+00");
  EXPECT_EQ(Real(kOidTimestamptz, 1706704496789.25, NumberReading::kUnixMillis),
            "2024-01-31 12:34:56.78925+00");
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31T12:34:56.789Z"), "2024-01-31 12:34:56.789+00");
}

TEST(Conventions, TypeOrmAndSequelize) {
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56.789 +00:00"),
            "2024-01-31 12:34:56.789+00");
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.789"), "2024-01-31 12:34:56.789");
}

TEST(Conventions, GoMattn) {
  const char* nanoseconds = "2023-08-28 07:39:20.062750226+00:00";
  EXPECT_EQ(Stored(kOidTimestamptz, nanoseconds), "kLossy");
  EXPECT_EQ(Stored(kOidTimestamptz, nanoseconds, Rounding()), "2023-08-28 07:39:20.06275+00");
  EXPECT_EQ(Stored(kOidTimestamptz, "2023-08-28 07:39:20.06275+00:00"),
            "2023-08-28 07:39:20.06275+00");
  EXPECT_EQ(Integer(kOidTimestamptz, 1'706'704'496'000'000'001, NumberReading::kUnixNanos),
            "kLossy");
  EXPECT_EQ(Integer(kOidTimestamptz, 1'706'704'496'000'001'000, NumberReading::kUnixNanos),
            "2024-01-31 12:34:56.000001+00");
}

TEST(Conventions, GoModernc) {
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56.789 +0000 UTC"),
            "2024-01-31 12:34:56.789+00");
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56 -0700 MST m=+0.000012345"),
            "2024-01-31 19:34:56+00");
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56 +0300 +03"), "2024-01-31 09:34:56+00");
  EXPECT_EQ(Stored(kOidTimestamptz, "0001-01-01 00:00:00 +0000 UTC"), "0001-01-01 00:00:00+00");
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56 +0000 UTC"), "kLossy");
}

TEST(Conventions, Rust) {
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31T12:34:56.123456+00:00"),
            "2024-01-31 12:34:56.123456+00");
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.123456"), "2024-01-31 12:34:56.123456");
  ReadingRules rules;
  rules.blob = BlobReading::kUuid;
  const std::string blob = FromHex("00112233445566778899aabbccddeeff");
  EXPECT_EQ(Stored(kOidUuid, SourceValue::Blob(blob), rules),
            "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(Conventions, DotNetMicrosoftDataSqlite) {
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.1234567"), "kLossy");
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.1234560"), "2024-01-31 12:34:56.123456");
  EXPECT_EQ(Stored(kOidTimestamp, "2024-01-31 12:34:56.1234567", Rounding()),
            "2024-01-31 12:34:56.123457");
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31 12:34:56.5+02:00"), "2024-01-31 10:34:56.5+00");
  EXPECT_EQ(Stored(kOidInterval, "1.02:03:04.0050000"), "1 day 02:03:04.005");
  EXPECT_EQ(Stored(kOidInterval, "-10675199.02:48:05.4775808", Rounding()),
            "-10675199 days -02:48:05.477581");
  EXPECT_EQ(Stored(kOidInterval, "-00:00:01"), "-00:00:01");
  EXPECT_EQ(Stored(kOidInterval, "1.24:00:00"), "kMalformed");
  EXPECT_EQ(Stored(kOidInterval, "9223372036854775808 days"), "kMalformed");
  EXPECT_EQ(Stored(kOidUuid, "5F2B0D8E-7C3A-4E1B-9D6F-0A1B2C3D4E5F"),
            "5f2b0d8e-7c3a-4e1b-9d6f-0a1b2c3d4e5f");
  ReadingRules rules;
  rules.blob = BlobReading::kUuidMixedEndian;
  const std::string blob = FromHex("33221100554477668899aabbccddeeff");
  EXPECT_EQ(Stored(kOidUuid, SourceValue::Blob(blob), rules),
            "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(Conventions, SystemDataSqlite) {
  EXPECT_EQ(Stored(kOidTimestamptz, "2024-01-31T12:34:56.789Z"), "2024-01-31 12:34:56.789+00");
  // DateTime(2024, 1, 31, 12, 34, 56).Ticks.
  EXPECT_EQ(Integer(kOidTimestamp, 638'423'012'960'000'000, NumberReading::kDotNetTicks),
            "2024-01-31 12:34:56");
  EXPECT_EQ(Integer(kOidTimestamp, 638'423'012'960'000'001, NumberReading::kDotNetTicks),
            "kLossy");
  EXPECT_EQ(Integer(kOidTimestamp, 0, NumberReading::kDotNetTicks), "0001-01-01 00:00:00");
  EXPECT_EQ(Integer(kOidInterval, 36'000'000'000, NumberReading::kDotNetTicks), "01:00:00");
  EXPECT_EQ(Integer(kOidTimestamp, 1'706'704'496, NumberReading::kUnixSeconds),
            "2024-01-31 12:34:56");
}

TEST(Conventions, XerialJdbc) {
  EXPECT_EQ(Integer(kOidTimestamp, -1, NumberReading::kUnixMillis), "1969-12-31 23:59:59.999");
  EXPECT_EQ(Integer(kOidDate, 1'706'659'200'000, NumberReading::kUnixMillis), "2024-01-31");
  EXPECT_EQ(Integer(kOidDate, 1'706'659'200'001, NumberReading::kUnixMillis), "kLossy");
}

TEST(Conventions, NextcloudAndPhp) {
  EXPECT_EQ(Integer(kOidTimestamptz, 0, NumberReading::kUnixSeconds), "1970-01-01 00:00:00+00");
  EXPECT_EQ(Stored(kOidTimestamptz, ""), "kMalformed");
  ReadingRules rules;
  rules.empty_text_as_null = true;
  EXPECT_TRUE(EncodeOne(Bind(kOidTimestamptz, -1, rules), SourceValue::Text("")).null);
}

TEST(Conventions, AppleAndChrome) {
  EXPECT_EQ(Real(kOidTimestamptz, 728397296.5, NumberReading::kAppleSeconds),
            "2024-01-31 12:34:56.5+00");
  EXPECT_EQ(Integer(kOidTimestamptz, 0, NumberReading::kAppleSeconds), "2001-01-01 00:00:00+00");
  EXPECT_EQ(Integer(kOidTimestamptz, 13'351'178'096'789'012, NumberReading::kChromeMicros),
            "2024-01-31 12:34:56.789012+00");
  EXPECT_EQ(Integer(kOidTimestamptz, 0, NumberReading::kChromeMicros), "1601-01-01 00:00:00+00");
}

// ---- What holds for all readings of numbers. ---------------------------------------------------

TEST(NumberReadings, AreNeverGuessed) {
  for (const Oid oid : {kOidDate, kOidTime, kOidTimestamp, kOidTimestamptz, kOidInterval}) {
    EXPECT_EQ(Integer(oid, 1'706'704'496, NumberReading::kNone), "kAmbiguous");
    EXPECT_EQ(Real(oid, 1706704496.0, NumberReading::kNone), "kAmbiguous");
  }
}

TEST(NumberReadings, OfInstantsAreNotReadAsLengths) {
  for (const NumberReading reading :
       {NumberReading::kJulianDay, NumberReading::kAppleSeconds, NumberReading::kChromeMicros}) {
    EXPECT_EQ(Integer(kOidInterval, 1, reading), "kAmbiguous");
    EXPECT_EQ(Integer(kOidTime, 1, reading), "kAmbiguous");
    EXPECT_EQ(Real(kOidInterval, 1, reading), "kAmbiguous");
  }
}

TEST(NumberReadings, OfTimesStayWithinADay) {
  EXPECT_EQ(Integer(kOidTime, 0, NumberReading::kUnixSeconds), "00:00:00");
  EXPECT_EQ(Integer(kOidTime, 86'400, NumberReading::kUnixSeconds), "24:00:00");
  EXPECT_EQ(Integer(kOidTime, 86'401, NumberReading::kUnixSeconds), "kOutOfRange");
  EXPECT_EQ(Integer(kOidTime, -1, NumberReading::kUnixSeconds), "kOutOfRange");
  EXPECT_EQ(Real(kOidTime, 0.5, NumberReading::kUnixSeconds), "00:00:00.5");
}

TEST(NumberReadings, RefuseWhatTimestampsCannotHold) {
  const int64_t last = 9'224'318'015'999;   // 294276-12-31 23:59:59
  EXPECT_EQ(Integer(kOidTimestamp, last, NumberReading::kUnixSeconds), "294276-12-31 23:59:59");
  EXPECT_EQ(Integer(kOidTimestamp, last + 1, NumberReading::kUnixSeconds), "kOutOfRange");
  const int64_t first = -210'866'803'200;   // 4714-11-24 BC
  EXPECT_EQ(Integer(kOidTimestamp, first, NumberReading::kUnixSeconds), "4714-11-24 00:00:00 BC");
  EXPECT_EQ(Integer(kOidTimestamp, first - 1, NumberReading::kUnixSeconds), "kOutOfRange");
  for (int reading = 1; reading < kNumberReadingCount; ++reading) {
    const auto named = static_cast<NumberReading>(reading);
    for (const double value : {1e300, -1e300, HUGE_VAL, -HUGE_VAL, std::nan("")}) {
      EXPECT_EQ(Real(kOidTimestamp, value, named), "kOutOfRange") << reading;
    }
  }
  for (const NumberReading reading :
       {NumberReading::kUnixSeconds, NumberReading::kUnixMillis, NumberReading::kJulianDay,
        NumberReading::kAppleSeconds}) {
    EXPECT_EQ(Integer(kOidTimestamp, INT64_MAX, reading), "kOutOfRange");
    EXPECT_EQ(Integer(kOidTimestamp, INT64_MIN, reading), "kOutOfRange");
  }
  // 64 bits of microseconds end within the range, and begin before it.
  EXPECT_EQ(Integer(kOidTimestamp, INT64_MAX, NumberReading::kUnixMicros),
            "294247-01-10 04:00:54.775807");
  EXPECT_EQ(Integer(kOidTimestamp, INT64_MIN, NumberReading::kChromeMicros), "kOutOfRange");
}

// What a program in any language does: microseconds divided into a double.
TEST(NumberReadings, GiveBackEveryMicrosecondThatADoubleHeld) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  struct Unit {
    NumberReading reading;
    double per_unit;
  };
  const Unit units[] = {{NumberReading::kUnixSeconds, 1e6},
                        {NumberReading::kUnixMillis, 1e3},
                        {NumberReading::kUnixMicros, 1}};
  std::uniform_int_distribution<int64_t> any(-4'000'000'000'000'000, 4'000'000'000'000'000);
  for (int i = 0; i < 200'000; ++i) {
    const int64_t micros = any(random) >> (random() % 40);
    for (const Unit& unit : units) {
      int64_t read = 0;
      const double written = static_cast<double>(micros) / unit.per_unit;
      ASSERT_EQ(RealToPgMicros(written, unit.reading, false, &read), Outcome::kOk) << micros;
      ASSERT_EQ(read + kUnixToPgMicros, micros);
    }
  }
}

// No double may be read as an instant that would be written as another double.
TEST(NumberReadings, AcceptNoDoubleThatWouldChange) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Reals around now, as dense as doubles are.
    const double value = 1.5e9 + std::ldexp(static_cast<double>(random() >> 11), -24);
    int64_t read = 0;
    if (RealToPgMicros(value, NumberReading::kUnixSeconds, false, &read) != Outcome::kOk) continue;
    ++accepted;
    ASSERT_EQ(static_cast<double>(read + kUnixToPgMicros) / 1e6, value);
  }
  EXPECT_GT(accepted, 20'000);    // about one double in four is the nearest of some microsecond
  EXPECT_LT(accepted, 100'000);
}

TEST(NumberReadings, ReadJulianDaysAsSqliteDoes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    // julianday() gives milliseconds divided by those of a day.
    const auto millis = static_cast<int64_t>(random() % 464'269'060'800'000);
    const double written = static_cast<double>(millis) / 86'400'000.0;
    int64_t read = 0;
    ASSERT_EQ(RealToPgMicros(written, NumberReading::kJulianDay, false, &read), Outcome::kOk);
    ASSERT_EQ(read - kPgMicrosMin - kMicrosPerDay / 2, millis * 1000);
  }
}

TEST(NumberReadings, AgreeWithAbseilOnInstants) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const int64_t seconds = static_cast<int64_t>(random() % 250'000'000'000) - 60'000'000'000;
    const std::string expected =
        absl::FormatTime("%E4Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(seconds),
                         absl::UTCTimeZone());
    ASSERT_EQ(Integer(kOidTimestamp, seconds, NumberReading::kUnixSeconds), expected);
  }
}

}  // namespace
}  // namespace lite2pg
