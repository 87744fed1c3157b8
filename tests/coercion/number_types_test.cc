// bool, the integers, the floats, numeric and money, from INTEGER and REAL; their TEXT readings are
// judged by the goldens in type_table_test.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();
constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();

// What is stored, as the server would show it, or the outcome's name.
std::string Stored(const ColumnCodec& codec, const SourceValue& value) {
  const EncodedField field = EncodeOne(codec, value);
  if (field.outcome != Outcome::kOk) return OutcomeName(field.outcome);
  if (field.null) return "NULL";
  std::string text;
  EXPECT_TRUE(codec.decode(field.bytes, codec.params, &text));
  return text;
}
std::string Stored(Oid oid, const SourceValue& value) { return Stored(Bind(oid), value); }

SourceValue Int(int64_t v) { return SourceValue::Integer(v); }
SourceValue Real(double v) { return SourceValue::Real(v); }

ReadingRules Rounding() {
  ReadingRules rules;
  rules.round_to_typmod = rules.round_to_float4 = true;
  return rules;
}

TEST(BoolCodec, TakesNothingButZeroAndOne) {
  const ColumnCodec codec = Bind(kOidBool);
  for (int64_t i = -70000; i <= 70000; ++i) {
    const std::string expected = i == 0 ? "f" : i == 1 ? "t" : "kOutOfRange";
    ASSERT_EQ(Stored(codec, Int(i)), expected) << i;
    ASSERT_EQ(Stored(codec, Real(static_cast<double>(i))), expected) << i;
  }
  EXPECT_EQ(Stored(codec, Int(kInt64Min)), "kOutOfRange");
  EXPECT_EQ(Stored(codec, Int(int64_t{1} << 32)), "kOutOfRange");
  EXPECT_EQ(Stored(codec, Real(0.5)), "kOutOfRange");
  EXPECT_EQ(Stored(codec, Real(kNan)), "kOutOfRange");
  EXPECT_EQ(Stored(codec, Real(-0.0)), "kLossy");
  EXPECT_EQ(Stored(codec, SourceValue::Blob("1")), "kWrongClass");
}

// Every int2, and every integer near it, from all three classes.
TEST(Int2Codec, HoldsExactlyItsRange) {
  const ColumnCodec codec = Bind(kOidInt2);
  for (int64_t i = -40000; i <= 40000; ++i) {
    const bool fits = i >= -32768 && i <= 32767;
    const std::string digits = absl::StrCat(i);
    const std::string expected = fits ? digits : "kOutOfRange";
    ASSERT_EQ(Stored(codec, Int(i)), expected);
    ASSERT_EQ(Stored(codec, Real(static_cast<double>(i))), expected);
    ASSERT_EQ(Stored(codec, SourceValue::Text(digits)), expected);
  }
}

TEST(IntegerCodecs, StopAtTheEndsOfTheirRanges) {
  struct Case {
    Oid oid;
    int64_t min, max;
  };
  for (const Case& c : {Case{kOidInt2, -32768, 32767}, Case{kOidInt4, -2147483648LL, 2147483647},
                        Case{kOidOid, 0, 4294967295LL}}) {
    EXPECT_EQ(Stored(c.oid, Int(c.min)), absl::StrCat(c.min));
    EXPECT_EQ(Stored(c.oid, Int(c.max)), absl::StrCat(c.max));
    EXPECT_EQ(Stored(c.oid, Int(c.min - 1)), "kOutOfRange");
    EXPECT_EQ(Stored(c.oid, Int(c.max + 1)), "kOutOfRange");
    EXPECT_EQ(Stored(c.oid, Int(kInt64Min)), "kOutOfRange");
    EXPECT_EQ(Stored(c.oid, Real(static_cast<double>(c.max))), absl::StrCat(c.max));
    EXPECT_EQ(Stored(c.oid, Real(static_cast<double>(c.max) + 1)), "kOutOfRange");
  }
  EXPECT_EQ(Stored(kOidInt8, Int(kInt64Max)), "9223372036854775807");
  EXPECT_EQ(Stored(kOidInt8, Int(kInt64Min)), "-9223372036854775808");
}

TEST(IntegerCodecs, TakeAnIntegralRealAndNoOther) {
  EXPECT_EQ(Stored(kOidInt8, Real(5.0)), "5");
  EXPECT_EQ(Stored(kOidInt8, Real(-0x1p63)), "-9223372036854775808");
  EXPECT_EQ(Stored(kOidInt8, Real(0x1p63)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidInt8, Real(std::nextafter(0x1p63, 0))), "9223372036854774784");
  EXPECT_EQ(Stored(kOidInt8, Real(5.5)), "kLossy");
  EXPECT_EQ(Stored(kOidInt8, Real(-0.0)), "kLossy");
  EXPECT_EQ(Stored(kOidInt8, Real(5e-324)), "kLossy");
  EXPECT_EQ(Stored(kOidInt8, Real(kInf)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidInt8, Real(kNan)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidInt2, Real(70000.5)), "kLossy");
  EXPECT_EQ(Stored(kOidInt4, SourceValue::Blob("5")), "kWrongClass");
}

TEST(Float8Codec, KeepsEveryBitOfAReal) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const ColumnCodec codec = Bind(kOidFloat8);
  for (int i = 0; i < 100000; ++i) {
    // The first are 0, -0.0, Infinity, -Infinity, NaN and the smallest denormal.
    static constexpr uint64_t kSpecial[] = {0, uint64_t{1} << 63, 0x7ff0000000000000,
                                            0xfff0000000000000, 0x7ff8000000000000, 1};
    const uint64_t bits = i < 6 ? kSpecial[i] : random();
    const EncodedField field = EncodeOne(codec, Real(std::bit_cast<double>(bits)));
    std::string expected;
    for (int shift = 56; shift >= 0; shift -= 8) {
      expected.push_back(static_cast<char>(bits >> shift));
    }
    ASSERT_EQ(ToHex(field.bytes), ToHex(expected));
  }
}

TEST(Float8Codec, TakesOnlyIntegersThatADoubleHolds) {
  constexpr int64_t kLimit = int64_t{1} << 53;
  EXPECT_EQ(Stored(kOidFloat8, Int(kLimit)), "9.007199254740992e+15");
  EXPECT_EQ(Stored(kOidFloat8, Int(kLimit + 1)), "kLossy");
  EXPECT_EQ(Stored(kOidFloat8, Int(-kLimit - 1)), "kLossy");
  EXPECT_EQ(Stored(kOidFloat8, Int(kLimit + 2)), "9.007199254740994e+15");
  EXPECT_EQ(Stored(kOidFloat8, Int(kInt64Max)), "kLossy");
  EXPECT_EQ(Stored(kOidFloat8, Int(kInt64Min)), "-9.223372036854776e+18");
  EXPECT_EQ(Stored(kOidFloat8, Int(0)), "0");
}

TEST(Float4Codec, TakesARealWhoseShortestDecimalItShows) {
  EXPECT_EQ(Stored(kOidFloat4, Real(0.1)), "0.1");
  EXPECT_EQ(Stored(kOidFloat4, Real(19.99)), "19.99");
  EXPECT_EQ(Stored(kOidFloat4, Real(-0.0)), "-0");
  EXPECT_EQ(Stored(kOidFloat4, Real(kInf)), "Infinity");
  EXPECT_EQ(Stored(kOidFloat4, Real(kNan)), "NaN");
  // The float's exact value is another number than the 0.1 that both would show.
  EXPECT_EQ(Stored(kOidFloat4, Real(static_cast<double>(0.1f))), "kLossy");
  EXPECT_EQ(Stored(kOidFloat4, Real(0.123456789)), "kLossy");
  EXPECT_EQ(Stored(kOidFloat4, Real(1e39)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidFloat4, Real(1e-50)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidFloat4, Int(16777216)), "1.6777216e+07");
  EXPECT_EQ(Stored(kOidFloat4, Int(1073741824)), "kLossy");  // would show as 1.0737418e+09
  EXPECT_EQ(Stored(kOidFloat4, Int(16777217)), "kLossy");
  EXPECT_EQ(Stored(kOidFloat4, Int(1000000)), "1e+06");
}

TEST(Float4Codec, RoundsOnlyWhenTheColumnSaysSo) {
  const ColumnCodec codec = Bind(kOidFloat4, -1, Rounding());
  EXPECT_EQ(Stored(codec, Real(0.123456789)), "0.12345679");
  EXPECT_EQ(Stored(codec, Int(16777217)), "1.6777216e+07");
  EXPECT_EQ(Stored(codec, Real(1e39)), "kOutOfRange");
  EXPECT_EQ(Stored(codec, Real(1e-50)), "kOutOfRange");
}

TEST(NumericCodec, TakesARealAsItsShortestDecimal) {
  EXPECT_EQ(Stored(kOidNumeric, Real(19.99)), "19.99");
  EXPECT_EQ(Stored(kOidNumeric, Real(0.1)), "0.1");
  EXPECT_EQ(Stored(kOidNumeric, Real(5.0)), "5");
  EXPECT_EQ(Stored(kOidNumeric, Real(1e22)), "10000000000000000000000");
  EXPECT_EQ(Stored(kOidNumeric, Real(1.5e-7)), "0.00000015");
  EXPECT_EQ(Stored(kOidNumeric, Real(0.1 + 0.2)), "0.30000000000000004");
  EXPECT_EQ(Stored(kOidNumeric, Real(0.0)), "0");
  EXPECT_EQ(Stored(kOidNumeric, Real(-0.0)), "kLossy");
  EXPECT_EQ(Stored(kOidNumeric, Real(kInf)), "Infinity");
  EXPECT_EQ(Stored(kOidNumeric, Real(-kInf)), "-Infinity");
  EXPECT_EQ(Stored(kOidNumeric, Real(kNan)), "NaN");
}

TEST(NumericCodec, HoldsRealsAndIntegersToItsTypmod) {
  const ColumnCodec exact = Bind(kOidNumeric, NumericTypmod(10, 2));
  EXPECT_EQ(Stored(exact, Real(19.99)), "19.99");
  EXPECT_EQ(Stored(exact, Real(5.0)), "5.00");
  EXPECT_EQ(Stored(exact, Int(-7)), "-7.00");
  EXPECT_EQ(Stored(exact, Int(99999999)), "99999999.00");
  EXPECT_EQ(Stored(exact, Int(100000000)), "kOutOfRange");
  EXPECT_EQ(Stored(exact, Real(0.125)), "kLossy");
  EXPECT_EQ(Stored(exact, Real(kInf)), "kOutOfRange");
  EXPECT_EQ(Stored(exact, Real(kNan)), "NaN");
  const ColumnCodec rounding = Bind(kOidNumeric, NumericTypmod(10, 2), Rounding());
  EXPECT_EQ(Stored(rounding, Real(0.125)), "0.13");
  EXPECT_EQ(Stored(rounding, Real(-0.125)), "-0.13");
  EXPECT_EQ(Stored(rounding, Real(99999999.996)), "kOutOfRange");
  const ColumnCodec hundreds = Bind(kOidNumeric, NumericTypmod(3, -2));
  EXPECT_EQ(Stored(hundreds, Int(0)), "0");
  EXPECT_EQ(Stored(hundreds, Int(99900)), "99900");
  EXPECT_EQ(Stored(hundreds, Int(50)), "kLossy");
}

// The divisions of the INTEGER path against the digits of the TEXT path, which the goldens judge.
TEST(NumericCodec, WritesAnIntegerLikeItsText) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const ColumnCodec plain = Bind(kOidNumeric);
  for (int i = 0; i < 100000; ++i) {
    static constexpr int64_t kEdges[] = {0, 1, -1, 9999, 10000, 10001, 100000000, 99990000,
                                         kInt64Max, kInt64Min, 1000000000000000000};
    int64_t value = static_cast<int64_t>(random()) >> (random() % 64);
    if (random() % 3 == 0) value = value / 10000 * 10000;
    if (i < 11) value = kEdges[i];
    const std::string digits = absl::StrCat(value);
    ASSERT_EQ(ToHex(EncodeOne(plain, Int(value)).bytes),
              ToHex(EncodeOne(plain, SourceValue::Text(digits)).bytes))
        << digits;
    ASSERT_EQ(Stored(plain, Int(value)), digits);
  }
}

TEST(NumericCodec, ReadsWhatNoServerSendsWithoutHarm) {
  const ColumnCodec codec = Bind(kOidNumeric);
  std::string text;
  // One group sent, weight 32767: all other groups are zeros.
  EXPECT_TRUE(codec.decode(FromHex("00017fff000000000001"), codec.params, &text));
  EXPECT_EQ(text.size(), 131069u);
  for (const char* hex : {"", "0001000000000000", "00010000000000002710", "0001000000000000ffff",
                          "0000000012340000", "0000000000004000", "ffff00000000000000010001"}) {
    EXPECT_FALSE(codec.decode(FromHex(hex), codec.params, &text)) << hex;
  }
}

TEST(MoneyCodec, CountsInHundredths) {
  EXPECT_EQ(Stored(kOidMoney, Int(5)), "$5.00");
  EXPECT_EQ(Stored(kOidMoney, Real(19.99)), "$19.99");
  EXPECT_EQ(Stored(kOidMoney, Real(-0.05)), "-$0.05");
  EXPECT_EQ(Stored(kOidMoney, Real(0.125)), "kLossy");
  EXPECT_EQ(Stored(kOidMoney, Real(-0.0)), "kLossy");
  EXPECT_EQ(Stored(kOidMoney, Real(kInf)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidMoney, Real(kNan)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidMoney, Real(1e300)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidMoney, Int(kInt64Max)), "kOutOfRange");
  EXPECT_EQ(Stored(kOidMoney, Int(92233720368547758)), "$92,233,720,368,547,758.00");
}

}  // namespace
}  // namespace lite2pg
