// The decoder of SQLite's JSONB against what SQLite itself made, and against hostile bytes.
#include "coercion/sqlite_jsonb.h"

#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coercion/json.h"
#include "gtest/gtest.h"
#include "tests/coercion/golden.h"

namespace lite2pg {
namespace {

std::string Decoded(absl::string_view blob) {
  // Bytes that are there already must stay, whatever happens.
  FieldBuffer out(3);
  out.PutBytes("abc");
  const Outcome outcome = AppendSqliteJsonb(blob, &out);
  EXPECT_EQ(out.view().substr(0, 3), "abc");
  if (outcome != Outcome::kOk) {
    EXPECT_EQ(out.size(), 3u) << "a refused blob left bytes";
    return OutcomeName(outcome);
  }
  return std::string(out.view().substr(3));
}

std::string DecodedHex(absl::string_view hex) { return Decoded(FromHex(hex)); }

// Pairs of a blob and its text, made by SQLite.
std::vector<std::pair<std::string, std::string>> Samples() {
  std::vector<std::pair<std::string, std::string>> samples;
  std::ifstream file(absl::StrCat(LITE2PG_TESTS_DIR, "/coercion/sqlite_jsonb.tsv"));
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    const size_t tab = line.find('\t');
    samples.emplace_back(FromHex(line.substr(0, tab)), FromCopyText(line.substr(tab + 1)));
  }
  EXPECT_GT(samples.size(), 40u);
  return samples;
}

TEST(SqliteJsonb, ReadsAsSqliteDoes) {
  for (const auto& [blob, text] : Samples()) EXPECT_EQ(Decoded(blob), text) << ToHex(blob);
}

TEST(SqliteJsonb, ReadsEveryWidthOfASize) {
  for (const char* one : {"1331", "C30131", "D3000131", "E30000000131", "F3000000000000000131"}) {
    EXPECT_EQ(DecodedHex(one), "1");
  }
  const std::string text(70'000, 'x');
  EXPECT_EQ(Decoded(FromHex("E700011170") + text), absl::StrCat("\"", text, "\""));
}

TEST(SqliteJsonb, RefusesSizesThatReachBeyondTheBlob) {
  for (const char* blob : {"", "13", "C3", "C302", "D30001", "E3000000FF31", "FBFFFFFFFFFFFFFFFF",
                           "F37FFFFFFFFFFFFFFF31", "4B1331133", "4BC313", "8CE6FFFFFFFF171333"}) {
    EXPECT_EQ(DecodedHex(blob), "kMalformed") << blob;
  }
}

TEST(SqliteJsonb, RefusesWhatIsNotOneElement) {
  for (const char* blob : {"0000",             // two elements
                           "0D", "0E", "0F",   // reserved types
                           "1000", "1101",     // null and true with a payload
                           "2C1761",           // a key without a value
                           "4C13311332",       // a key that is no text
                           "3C0B1331"}) {      // a key that is an array
    EXPECT_EQ(DecodedHex(blob), "kMalformed") << blob;
  }
}

// Otherwise the payload could end the string and write structure of its own.
TEST(SqliteJsonb, RefusesTextThatIsNotEscapedAsItsTypeSays) {
  EXPECT_EQ(Decoded("\x57" "a\",\"b"), "kMalformed");
  EXPECT_EQ(Decoded("\x27" "a\\"), "kMalformed");
  EXPECT_EQ(Decoded("\x37" "a\nb"), "kMalformed");
  EXPECT_EQ(Decoded("\x58" "a\",\"b"), "kMalformed");
  EXPECT_EQ(Decoded("\x28" "a\\"), "kMalformed");
  EXPECT_EQ(Decoded("\x38" "\\x4"), "kMalformed");
  EXPECT_EQ(Decoded("\x39" "\\x4"), "kMalformed");
  EXPECT_EQ(Decoded("\x39" "\\u4"), "kMalformed");
  EXPECT_EQ(Decoded("\x29" "\\a"), "kMalformed");
  EXPECT_EQ(Decoded("\x19" "\\"), "kMalformed");
  EXPECT_EQ(Decoded("\x39" "a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(Decoded("\x3a" "a\"b"), "\"a\\\"b\"");
  for (const char type : {'\x17', '\x18', '\x19', '\x1a'}) {
    EXPECT_EQ(Decoded(std::string{type, '\xff'}), "kInvalidUtf8");
    EXPECT_EQ(Decoded(std::string{type, '\0'}), "kContainsNul");
  }
}

TEST(SqliteJsonb, RefusesNumbersThatAreNotOfTheirType) {
  for (const char* blob : {"\x13-", "\x23" "01", "\x33" "1.5", "\x33" "1e5", "\x23+1", "\x03",
                           "\x23 1", "\x23" "1 ", "\x43" "true", "\x14" "1", "\x24" "0x",
                           "\x34" "0xg", "\x15" "1", "\x25" "1.", "\x25.5", "\x35" "1,2", "\x16-",
                           "\x36+.5", "\x06", "\x36" "1.e", "\x85Infinity"}) {
    EXPECT_EQ(Decoded(blob), "kMalformed") << blob;
  }
  EXPECT_EQ(Decoded("\xc4\x12" "0xffffffffffffffff"), "18446744073709551615");
  EXPECT_EQ(Decoded("\xc4\x13" "0x10000000000000000"), "kMalformed");
}

TEST(SqliteJsonb, NestsToTheLimitAndNoFurther) {
  const auto nested = [](int depth) {
    std::string blob = "\x0b";
    for (int i = 1; i < depth; ++i) {
      const auto size = static_cast<uint32_t>(blob.size());
      blob.insert(0, {'\xeb', static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                      static_cast<char>(size >> 8), static_cast<char>(size)});
    }
    return blob;
  };
  EXPECT_EQ(Decoded(nested(kJsonDepthMax)),
            std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']'));
  EXPECT_EQ(Decoded(nested(kJsonDepthMax + 1)), "kMalformed");
}

TEST(SqliteJsonb, TurnsHostileBytesIntoJsonOrNothing) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const auto samples = Samples();
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string blob = samples[random() % samples.size()].first;
    if (i % 4 == 0) blob.assign(random() % 30, '\0');
    for (unsigned n = i % 4 == 0 ? 30 : random() % 4; n > 0 && !blob.empty(); --n) {
      blob[random() % blob.size()] = static_cast<char>(random());
    }
    if (!blob.empty() && random() % 4 == 0) blob.erase(random() % blob.size(), 1);
    // A copy of the exact size, so that a sanitizer sees a read beyond the end.
    const std::vector<char> exact(blob.begin(), blob.end());
    FieldBuffer out;
    if (AppendSqliteJsonb(absl::string_view(exact.data(), exact.size()), &out) != Outcome::kOk) {
      ASSERT_TRUE(out.empty());
      continue;
    }
    ++accepted;
    ASSERT_TRUE(IsJson(out.view())) << ToHex(blob) << "\n" << out.view();
  }
  EXPECT_GT(accepted, 5000);
}

}  // namespace
}  // namespace lite2pg
