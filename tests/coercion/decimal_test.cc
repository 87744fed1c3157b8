#include "coercion/decimal.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

std::string Shown(const Decimal& d) {
  return absl::StrCat(d.negative ? "-" : "", "0.", d.head, d.tail, "e", d.point, " scale ",
                      d.scale);
}

std::string Parsed(absl::string_view text) {
  Decimal d;
  return ParseDecimal(text, &d) ? Shown(d) : "refused";
}

TEST(Decimal, DropsZerosThatSayNothingButKeepsTheScale) {
  EXPECT_EQ(Parsed("1.50"), "0.15e1 scale 2");
  EXPECT_EQ(Parsed("0.00"), "0.e0 scale 2");
  EXPECT_EQ(Parsed("-0.00120"), "-0.12e-2 scale 5");
  EXPECT_EQ(Parsed("1200"), "0.12e4 scale 0");
  EXPECT_EQ(Parsed("1200.0"), "0.12e4 scale 1");
  EXPECT_EQ(Parsed("10.01"), "0.1001e2 scale 2");
  EXPECT_EQ(Parsed(".5"), "0.5e0 scale 1");
  EXPECT_EQ(Parsed("5."), "0.5e1 scale 0");
}

TEST(Decimal, AppliesTheExponentToValueAndScale) {
  EXPECT_EQ(Parsed("1.5e3"), "0.15e4 scale 0");
  EXPECT_EQ(Parsed("1.5E-3"), "0.15e-2 scale 4");
  EXPECT_EQ(Parsed("15e+1"), "0.15e3 scale 0");
  EXPECT_EQ(Parsed("0e-7"), "0.e0 scale 7");
  EXPECT_EQ(Parsed("1e1073741822"), "0.1e1073741823 scale 0");
}

TEST(Decimal, RefusesWhatIsNoDecimal) {
  for (const char* text : {"", ".", "+", "-", "e5", "1e", "1e+", "--1", "1.2.3", " 1", "1 ", "0x1",
                           "1,5", "inf", "nan", "1e1.5", "1e1073741823",
                           "1e-99999999999999999999"}) {
    EXPECT_EQ(Parsed(text), "refused") << text;
  }
  EXPECT_EQ(Parsed(absl::string_view("1\0", 2)), "refused");
}

TEST(Decimal, NoticesLeadingZeros) {
  const auto leading = [](absl::string_view text) {
    Decimal d;
    EXPECT_TRUE(ParseDecimal(text, &d));
    return d.leading_zeros;
  };
  EXPECT_TRUE(leading("007"));
  EXPECT_TRUE(leading("00"));
  EXPECT_TRUE(leading("-00.5"));
  EXPECT_FALSE(leading("0"));
  EXPECT_FALSE(leading("0.5"));
  EXPECT_FALSE(leading("100"));
}

TEST(Decimal, ComparesNumbersAndNotTexts) {
  const auto same = [](absl::string_view a, absl::string_view b) {
    Decimal x, y;
    EXPECT_TRUE(ParseDecimal(a, &x) && ParseDecimal(b, &y));
    return SameNumber(x, y);
  };
  EXPECT_TRUE(same("1.50", "15e-1"));
  EXPECT_TRUE(same("0", "-0.00"));
  EXPECT_TRUE(same("1200", "1.2e3"));
  EXPECT_TRUE(same("12.34", "0.1234e2"));
  EXPECT_FALSE(same("1", "-1"));
  EXPECT_FALSE(same("1", "10"));
  EXPECT_FALSE(same("12", "123"));
  EXPECT_FALSE(same("0", "1e-9"));
}

double RandomFinite(std::mt19937_64* random) {
  double value = 0;
  do {
    value = std::bit_cast<double>(static_cast<uint64_t>((*random)()));
  } while (!std::isfinite(value));
  return value;
}

// The text of a REAL is only worth something if it gives back the same bits.
TEST(RealText, ReadsBackAsTheSameBits) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200000; ++i) {
    const double value = i % 2 == 0 ? RandomFinite(&random)
                                    : static_cast<double>(random() % 100000000) / 1000;
    NumberText buffer;
    for (absl::string_view text : {std::string(RealText(value, buffer)),
                                   std::string(Float8Text(value, buffer))}) {
      double back = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), back);
      ASSERT_EQ(parsed.ptr, text.data() + text.size()) << text;
      ASSERT_EQ(std::bit_cast<uint64_t>(back), std::bit_cast<uint64_t>(value)) << text;
      ASSERT_LT(text.size(), kNumberTextBytes);
    }
  }
}

TEST(RealText, KeepsWhatSqliteWouldDrop) {
  NumberText buffer;
  EXPECT_EQ(RealText(-0.0, buffer), "-0.0");
  EXPECT_EQ(RealText(0.1 + 0.2, buffer), "0.30000000000000004");
  EXPECT_EQ(RealText(std::numeric_limits<double>::infinity(), buffer), "Inf");
  EXPECT_EQ(RealText(-std::numeric_limits<double>::infinity(), buffer), "-Inf");
  EXPECT_EQ(RealText(std::numeric_limits<double>::denorm_min(), buffer), "5.0e-324");
  EXPECT_EQ(RealText(-1.7976931348623157e308, buffer), "-1.7976931348623157e+308");
}

// Where 15 digits are enough, the text is SQLite's own. The file is made by SQLite:
// tools/dev/make_sqlite_goldens.
TEST(RealText, IsSqlitesOwnWhereThatReadsBack) {
  std::ifstream file(LITE2PG_TESTS_DIR "/coercion/sqlite_real_text.tsv");
  std::string bits, text;
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t tab = line.find('\t');
    uint64_t word = 0;
    (void)std::from_chars(line.data(), line.data() + tab, word, 16);
    NumberText buffer;
    EXPECT_EQ(RealText(std::bit_cast<double>(word), buffer), line.substr(tab + 1));
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace lite2pg
