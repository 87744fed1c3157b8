#include "coercion/utf8.h"

#include <random>
#include <string>

#include "coercion/wire.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

// A slow validator written from RFC 3629, to judge the fast one.
bool IsUtf8(const std::string& s) {
  for (size_t i = 0; i < s.size();) {
    const auto byte = [&](size_t k) -> uint32_t {
      return i + k < s.size() ? static_cast<uint8_t>(s[i + k]) : 0u;
    };
    const uint32_t b = byte(0);
    const size_t n = b < 0x80 ? 1 : b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
    if (n == 0) return false;
    uint32_t code = n == 1 ? b : b & (0x7fu >> n);
    for (size_t k = 1; k < n; ++k) {
      if ((byte(k) & 0xc0) != 0x80) return false;
      code = code << 6 | (byte(k) & 0x3f);
    }
    static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    i += n;
  }
  return true;
}

Outcome Expected(const std::string& text) {
  if (!IsUtf8(text)) return Outcome::kInvalidUtf8;
  return text.find('\0') == std::string::npos ? Outcome::kOk : Outcome::kContainsNul;
}

TEST(CheckText, FindsABadByteAtEveryPlaceOfEveryLength) {
  for (size_t size = 0; size <= 300; size = size < 140 ? size + 1 : size + 53) {
    const std::string good(size, 'x');
    ASSERT_EQ(CheckText(good), Outcome::kOk) << size;
    for (size_t at = 0; at < size; ++at) {
      for (const char bad : {'\0', '\x80', '\xff', '\xc3'}) {
        std::string text = good;
        text[at] = bad;
        ASSERT_EQ(CheckText(text), Expected(text)) << size << " at " << at;
      }
    }
  }
}

TEST(CheckText, TakesAllOfAsciiButNul) {
  std::string all;
  for (char c = 1; c > 0; ++c) {
    all.push_back(c);
    if (c == 127) break;
  }
  EXPECT_EQ(CheckText(all), Outcome::kOk);
  EXPECT_EQ(CheckText(all.substr(3, 7)), Outcome::kOk);
  EXPECT_EQ(CheckText(all + all), Outcome::kOk);
}

TEST(CheckText, RefusesWhatPostgresRefuses) {
  // Overlong, surrogate (WTF-8), beyond U+10FFFF, cut off, stray continuation.
  for (const char* text : {"\xc0\x80", "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf",
                           "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xe2\x82", "\x80",
                           "\xfe"}) {
    EXPECT_EQ(CheckText(text), Outcome::kInvalidUtf8);
    EXPECT_EQ(CheckText(std::string(200, 'a') + text), Outcome::kInvalidUtf8);
  }
  for (const char* text : {"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(CheckText(text), Outcome::kOk);
  }
}

TEST(CheckText, AgreesWithTheSlowTestOnRandomBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 100000; ++i) {
    std::string text;
    const size_t pieces = random() % 40;
    for (size_t k = 0; k < pieces; ++k) {
      const uint32_t code = random() % 3 == 0 ? random() % 0x110000 : random() % 0x80;
      AppendUtf8(code, &text);
    }
    if (random() % 2 == 0 && !text.empty()) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    ASSERT_EQ(CheckText(text), Expected(text));
  }
}

TEST(CountCodePoints, CountsCharactersAndNotBytes) {
  EXPECT_EQ(CountCodePoints(""), 0u);
  EXPECT_EQ(CountCodePoints("abc"), 3u);
  EXPECT_EQ(CountCodePoints("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 3u);
  EXPECT_EQ(CountCodePoints(std::string(1000, 'x') + "\xc3\xa9"), 1001u);
}

}  // namespace
}  // namespace lite2pg
