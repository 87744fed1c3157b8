#include "engine/postgres/array_text.h"

#include <gtest/gtest.h>

#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

using Elements = std::vector<std::optional<std::string>>;

const Elements& Odd() {
  static const auto* const kOdd =
      new Elements{"",      "NULL", std::nullopt, "null", "a,b",        "{x}",
                   "\"q\"", "\\",   " space ",    "\n",   "caf\xC3\xA9"};
  return *kOdd;
}

TEST(ArrayText, ComesBackUnchanged) {
  for (const Elements& elements : {Odd(), Elements{}, Elements{std::nullopt}, Elements{""}}) {
    Elements parsed;
    ASSERT_TRUE(ParseArray(FormatArray(elements), &parsed));
    EXPECT_EQ(parsed, elements);
  }
}

TEST(ArrayText, RefusesWhatIsNoOneDimensionalArray) {
  Elements parsed;
  for (const char* text :
       {"", "{", "}", "a", "{a", "{a}b", "{{a},{b}}", "{\"a}", "{a\\}", "{a,}x", "[0:1]={a,b}"}) {
    EXPECT_FALSE(ParseArray(text, &parsed)) << text;
  }
}

using ArrayTextServerTest = ServerTest;

TEST_F(ArrayTextServerTest, ServerReadsAndPrintsTheSame) {
  const auto result = db().Query("SELECT $1::text[], ($1::text[])[2] = 'NULL', cardinality($1)",
                                 {FormatArray(Odd())});
  LITE2PG_ASSERT_OK(result.status());
  Elements parsed;
  ASSERT_TRUE(ParseArray(result->Text(0, 0), &parsed));
  EXPECT_EQ(parsed, Odd());
  EXPECT_TRUE(result->Bool(0, 1));
  EXPECT_EQ(result->Int(0, 2), static_cast<int64_t>(Odd().size()));
}

}  // namespace
}  // namespace lite2pg
