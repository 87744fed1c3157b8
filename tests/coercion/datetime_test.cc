// The parser of dates and times against an independent calendar, and its strictness.
#include "coercion/datetime.h"

#include <cstdio>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "coercion/wire.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

constexpr absl::CivilDay kPgEpoch(2000, 1, 1);

DateTimeText Parsed(absl::string_view text) {
  DateTimeText out;
  EXPECT_EQ(ParseDateTime(text, &out), Outcome::kOk) << text;
  return out;
}

Outcome OutcomeOf(absl::string_view text) {
  DateTimeText out;
  return ParseDateTime(text, &out);
}

std::string DayText(absl::CivilDay day) {
  char text[32];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02d", static_cast<int>(day.year()), day.month(),
                day.day());
  return text;
}

TEST(DateTime, AgreesWithAnIndependentCalendarOnEveryDayOfFourDigitYears) {
  int32_t expected = static_cast<int32_t>(absl::CivilDay(1, 1, 1) - kPgEpoch);
  std::string shown;
  for (absl::CivilDay day(1, 1, 1); day.year() <= 9999; ++day, ++expected) {
    const std::string text = DayText(day);
    DateTimeText parsed;
    ASSERT_EQ(ParseDateTime(text, &parsed), Outcome::kOk) << text;
    ASSERT_EQ(parsed.days, expected) << text;
    shown.clear();
    AppendDate(expected, &shown);
    ASSERT_EQ(shown, text);
  }
}

TEST(DateTime, AgreesWithAnIndependentCalendarOnTheWholeRangeOfPostgres) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int32_t> days(kPgDaysMin, kPgDateDaysEnd - 1);
  for (int i = 0; i < 100'000; ++i) {
    const int32_t day = days(random);
    std::string shown;
    AppendDate(day, &shown);
    const absl::CivilDay civil = kPgEpoch + day;
    const bool before_christ = civil.year() <= 0;
    const absl::CivilDay year_of_era(before_christ ? 1 - civil.year() : civil.year(), 1, 1);
    ASSERT_EQ(shown.substr(0, shown.find('-')), DayText(year_of_era).substr(0, shown.find('-')));
    ASSERT_EQ(DaysFromCivil(civil.year(), civil.month(), civil.day()), day) << shown;
    ASSERT_EQ(Parsed(shown).days, day) << shown;
  }
}

TEST(DateTime, TakesExactlyTheDaysThatExist) {
  for (const int year : {1900, 2000, 2023, 2024}) {
    for (int month = 0; month < 100; ++month) {
      for (int day = 0; day < 100; ++day) {
        char text[16];
        std::snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
        const absl::CivilDay civil(year, month, day);
        const bool exists = month > 0 && day > 0 && civil.month() == month && civil.day() == day &&
                            civil.year() == year;
        ASSERT_EQ(OutcomeOf(text), exists ? Outcome::kOk : Outcome::kMalformed) << text;
      }
    }
  }
}

TEST(DateTime, ReadsEverySecondOfADay) {
  for (int second = 0; second < 86'400; ++second) {
    std::string text;
    AppendTime(second * kMicrosPerSecond, &text);
    const DateTimeText parsed = Parsed(text);
    ASSERT_EQ(parsed.shape, DateTimeShape::kTime);
    ASSERT_EQ(parsed.micros, second * kMicrosPerSecond) << text;
  }
}

// Rebuilds the text from what was read; a parser by position must not read what is not there.
TEST(DateTime, ReadsNothingIntoATextWithOneByteChanged) {
  const std::string original = "2024-01-31 12:34:56.789+05:30";
  for (size_t i = 0; i < original.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = original;
      text[i] = static_cast<char>(byte);
      DateTimeText parsed;
      if (ParseDateTime(text, &parsed) != Outcome::kOk) continue;
      ASSERT_EQ(parsed.shape, DateTimeShape::kDateTimeOffset) << text;
      std::string shown;
      AppendDate(parsed.days, &shown);
      shown.push_back(text[10] == 'T' || text[10] == 't' ? text[10] : ' ');
      AppendTime(parsed.micros, &shown);
      if (parsed.fraction_digits == 2) shown.push_back(text[22]);   // "56.780", "56.78 +05"
      AppendOffset(parsed.offset_seconds, &shown);
      if (shown.size() + 3 == text.size()) shown.append(":00");
      ASSERT_EQ(shown, text);
    }
  }
}

TEST(DateTime, RefusesEveryTextThatWasCutOffInTheWrongPlace) {
  const std::string whole = "2024-01-31 12:34:56.789+05:30";
  const std::string complete = "10 16 19 21 22 23 26 29";
  for (size_t size = 0; size < whole.size(); ++size) {
    const bool is_complete = absl::StrCat(" ", complete, " ").find(absl::StrCat(" ", size, " ")) !=
                             std::string::npos;
    EXPECT_EQ(OutcomeOf(whole.substr(0, size)), is_complete ? Outcome::kOk : Outcome::kMalformed)
        << size;
  }
}

TEST(DateTime, CountsOnlySignificantDigits) {
  EXPECT_EQ(Parsed("12:00:00").fraction_digits, 0);
  EXPECT_EQ(Parsed("12:00:00.000").fraction_digits, 0);
  EXPECT_EQ(Parsed("12:00:00.120").fraction_digits, 2);
  EXPECT_EQ(Parsed("12:00:00.1234560").fraction_digits, 6);
  EXPECT_EQ(Parsed("12:00:00.1234567").fraction_digits, 7);
  EXPECT_EQ(Parsed("12:00:00.0000000000000000000000001").fraction_digits, 25);
}

TEST(DateTime, TellsShapesApart) {
  EXPECT_EQ(ClassifyDateTime("2024-01-31").shape, DateTimeShape::kDate);
  EXPECT_EQ(ClassifyDateTime("0044-03-15 BC").shape, DateTimeShape::kDate);
  EXPECT_EQ(ClassifyDateTime("2024-01-31 12:34").shape, DateTimeShape::kDateTime);
  EXPECT_EQ(ClassifyDateTime("2024-01-31T12:34:56.5").shape, DateTimeShape::kDateTime);
  EXPECT_EQ(ClassifyDateTime("2024-01-31T12:34:56Z").shape, DateTimeShape::kDateTimeOffset);
  EXPECT_EQ(ClassifyDateTime("12:34").shape, DateTimeShape::kTime);
  EXPECT_EQ(ClassifyDateTime("12:34:56+02").shape, DateTimeShape::kTimeOffset);
  EXPECT_EQ(ClassifyDateTime("-infinity").shape, DateTimeShape::kInfinity);
  for (const char* none : {"", "2024", "today", "now", "2024-02-30", "1706704496", "Infinity",
                           "0000-00-00", "2024-01-31 12:34:56 PM"}) {
    EXPECT_EQ(ClassifyDateTime(none).shape, DateTimeShape::kNone) << none;
  }
}

TEST(DateTime, KnowsAnOffsetOfZeroHoweverItIsWritten) {
  for (const char* offset : {"Z", "z", "+00", "-00", "+0000", "+00:00", "-00:00", " +00:00",
                             " UTC", " +0000 UTC", " +0000 UTC m=+0.000000001"}) {
    const DateTimeClass c = ClassifyDateTime(absl::StrCat("2024-01-31 12:34:56", offset));
    EXPECT_EQ(c.shape, DateTimeShape::kDateTimeOffset) << offset;
    EXPECT_TRUE(c.offset_is_zero) << offset;
  }
  EXPECT_FALSE(ClassifyDateTime("2024-01-31 12:34:56+00:01").offset_is_zero);
  EXPECT_FALSE(ClassifyDateTime("2024-01-31 12:34:56").offset_is_zero);
}

TEST(DateTime, RefusesHalfOfTheFormOfGo) {
  for (const char* suffix : {" +0000 ", " +00:00 UTC", "+0000 UTC", " +0000 UTC ", " +0000 m=+0.1",
                             " +0000 UTC m=", " +0000 UTC m=+", " +0000 UTC m=0.1",
                             " +0000 UTC m=+0.1 ", " +0000 a_b", " +0000 UTC  m=+0.1"}) {
    EXPECT_EQ(OutcomeOf(absl::StrCat("2024-01-31 12:34:56", suffix)), Outcome::kMalformed)
        << suffix;
  }
}

TEST(AdjustToScale, RoundsHalfAwayFromZeroOnlyWhenAllowed) {
  int64_t micros = 1'499'999;
  EXPECT_EQ(AdjustToScale(0, false, &micros), Outcome::kLossy);
  EXPECT_EQ(micros, 1'499'999);
  EXPECT_EQ(AdjustToScale(0, true, &micros), Outcome::kOk);
  EXPECT_EQ(micros, 1'000'000);
  micros = -1'500'000;
  EXPECT_EQ(AdjustToScale(0, true, &micros), Outcome::kOk);
  EXPECT_EQ(micros, -2'000'000);
  micros = -1'230'000;
  EXPECT_EQ(AdjustToScale(2, false, &micros), Outcome::kOk);
  EXPECT_EQ(micros, -1'230'000);
}

// ---- Zones. ------------------------------------------------------------------------------------

EncodedField InZone(const char* zone, absl::string_view text) {
  ReadingRules rules;
  rules.source_time_zone = zone;
  return EncodeOne(Bind(kOidTimestamptz, -1, rules), SourceValue::Text(text));
}

std::string ShownInUtc(const EncodedField& field) {
  std::string text;
  const ColumnCodec codec = Bind(kOidTimestamptz);
  EXPECT_TRUE(codec.decode(field.bytes, codec.params, &text));
  return text;
}

TEST(TimestamptzCodec, ReadsTextWithoutAnOffsetInTheColumnsZone) {
  EXPECT_EQ(ShownInUtc(InZone("UTC", "2024-07-01 12:00:00.25")), "2024-07-01 12:00:00.25+00");
  EXPECT_EQ(ShownInUtc(InZone("Europe/Berlin", "2024-07-01 12:00:00.25")),
            "2024-07-01 10:00:00.25+00");
  EXPECT_EQ(ShownInUtc(InZone("Europe/Berlin", "2024-01-01")), "2023-12-31 23:00:00+00");
  EXPECT_EQ(ShownInUtc(InZone("America/New_York", "1999-12-31 23:59:59.999999")),
            "2000-01-01 04:59:59.999999+00");
  // An offset in the text wins.
  EXPECT_EQ(ShownInUtc(InZone("Europe/Berlin", "2024-07-01 12:00:00Z")), "2024-07-01 12:00:00+00");
}

TEST(TimestamptzCodec, FindsSkippedAndRepeatedTimesAmbiguous) {
  EXPECT_EQ(InZone("Europe/Berlin", "2024-03-31 02:30:00").outcome, Outcome::kAmbiguous);
  EXPECT_EQ(InZone("Europe/Berlin", "2024-10-27 02:30:00").outcome, Outcome::kAmbiguous);
  EXPECT_EQ(InZone("Europe/Berlin", "2024-03-31 01:59:59.999999").outcome, Outcome::kOk);
  EXPECT_EQ(InZone("Europe/Berlin", "2024-03-31 03:00:00").outcome, Outcome::kOk);
  EXPECT_EQ(InZone("Europe/Berlin", "2024-10-27 02:30:00+01:00").outcome, Outcome::kOk);
}

TEST(TimestamptzCodec, RoundsIntoTheNextSecondInAZone) {
  ReadingRules rules;
  rules.source_time_zone = "Europe/Berlin";
  rules.round_to_microseconds = true;
  const EncodedField field =
      EncodeOne(Bind(kOidTimestamptz, -1, rules), SourceValue::Text("1969-07-01 00:59:59.9999995"));
  EXPECT_EQ(ShownInUtc(field), "1969-07-01 00:00:00+00");
}

TEST(TimestamptzCodec, RefusesAnUnknownZone) {
  ReadingRules rules;
  rules.source_time_zone = "Mars/Olympus_Mons";
  EXPECT_FALSE(BindColumn(BuiltinType(kOidTimestamptz), rules).ok());
}

// ---- Fields that no server sends. --------------------------------------------------------------

TEST(TemporalCodecs, DecodeRefusesValuesBeyondTheRange) {
  const auto decodes = [](Oid oid, int64_t value) {
    FieldBuffer field(8);
    field.PutInt64(value);
    const ColumnCodec codec = Bind(oid);
    std::string text;
    return codec.decode(field.view(), codec.params, &text);
  };
  EXPECT_TRUE(decodes(kOidTimestamp, kPgMicrosMin));
  EXPECT_FALSE(decodes(kOidTimestamp, kPgMicrosMin - 1));
  EXPECT_TRUE(decodes(kOidTimestamptz, kPgMicrosEnd - 1));
  EXPECT_FALSE(decodes(kOidTimestamptz, kPgMicrosEnd));
  EXPECT_TRUE(decodes(kOidTime, kMicrosPerDay));
  EXPECT_FALSE(decodes(kOidTime, kMicrosPerDay + 1));
  EXPECT_FALSE(decodes(kOidTime, -1));
}

TEST(IntervalCodec, HoldsTheSmallestOfAllIntervals) {
  const ColumnCodec codec = Bind(kOidInterval);
  const EncodedField field =
      EncodeOne(codec, SourceValue::Text("-2562047788:00:54.775808"));
  ASSERT_EQ(field.outcome, Outcome::kOk);
  EXPECT_EQ(LoadInt64(field.bytes.data()), INT64_MIN);
  std::string text;
  EXPECT_TRUE(codec.decode(field.bytes, codec.params, &text));
  EXPECT_EQ(text, "-2562047788:00:54.775808");
}

TEST(TemporalTypes, WriteTheirTypmodIntoTheName) {
  EXPECT_EQ(BuiltinType(kOidTimestamptz, 3).sql_name, "timestamp(3) with time zone");
  EXPECT_EQ(BuiltinType(kOidTime, 0).sql_name, "time(0) without time zone");
  EXPECT_EQ(BuiltinType(kOidInterval, (0x7fff << 16) | 2).sql_name, "interval(2)");
  EXPECT_EQ(BuiltinType(kOidInterval, (6 << 16) | 0xffff).sql_name, "interval year to month");
}

}  // namespace
}  // namespace lite2pg
