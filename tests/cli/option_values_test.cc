#include "tools/cli/option_values.h"

#include "engine/base/suggest.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

TEST(ParseSize, ReadsDecimalAndBinaryUnits) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"0", 0},
      {"1048576", 1048576},
      {"1b", 1},
      {"64k", 64'000},
      {"64 KiB", 65'536},
      {"256MiB", uint64_t{256} << 20},
      {"1GB", 1'000'000'000},
      {"1gib", uint64_t{1} << 30},
      {"2T", 2'000'000'000'000},
      {"18446744073709551615", UINT64_MAX}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = ParseSize(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text : {"", "MiB", "-1", "+1", "1.5GB", "12Q", "1 GB x", "0x10",
                           "18446744073709551616", "18014398509481985KiB", "20000000TiB", " 1"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(ParseMaxRejects, ReadsRowsOrPercent) {
  LoadPolicy policy;
  ASSERT_TRUE(ParseMaxRejects("0", &policy).ok());
  EXPECT_EQ(policy.max_rejects_rows, 0u);
  ASSERT_TRUE(ParseMaxRejects("2.5%", &policy).ok());
  EXPECT_EQ(policy.max_rejects_percent, 2.5);
  EXPECT_EQ(policy.max_rejects_rows, UINT64_MAX);
  ASSERT_TRUE(ParseMaxRejects("7", &policy).ok());
  EXPECT_EQ(policy.max_rejects_rows, 7u);
  EXPECT_EQ(policy.max_rejects_percent, -1);
}

TEST(ParseMaxRejects, RefusesOtherText) {
  LoadPolicy policy;
  for (const char* text : {"", "-1", "%", "101%", "-1%", "nan%", "1e1%", "1%%", "five", "1.5"}) {
    EXPECT_FALSE(ParseMaxRejects(text, &policy).ok()) << text;
  }
}

TEST(ParseColumnPath, DividesAtTheLastDotOrByQuotes) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"t.c", "t", "c"},
      {"a.b.c", "a.b", "c"},
      {"\"a.b\".\"c.d\"", "a.b", "c.d"},
      {"\"a\"\"b\".c", "a\"b", "c"},
      {"t.\"x=y\"", "t", "x=y"},
      {"t. c ", "t", " c "}};
  for (const auto& [text, table, column] : cases) {
    const auto path = ParseColumnPath(text);
    ASSERT_TRUE(path.ok()) << text;
    EXPECT_EQ(path->table, table) << text;
    EXPECT_EQ(path->column, column) << text;
  }
}

TEST(ParseColumnPath, RefusesIncompletePaths) {
  for (const char* text : {"", "t", ".", "t.", ".c", "\"t\"", "\"t.c", "\"t\"c", "t.c=1",
                           "\"t\".\"c\"x"}) {
    EXPECT_FALSE(ParseColumnPath(text).ok()) << text;
  }
}

TEST(ParseColumnAssignment, KeepsEverythingBehindTheFirstSign) {
  const auto plain = ParseColumnAssignment("t.c=a=b.c\"d");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->path.column, "c");
  EXPECT_EQ(plain->value, "a=b.c\"d");
  const auto empty = ParseColumnAssignment("t.c=");
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->value, "");
  const auto quoted = ParseColumnAssignment("\"a=b\".c=1");
  ASSERT_TRUE(quoted.ok());
  EXPECT_EQ(quoted->path.table, "a=b");
}

TEST(ParseTableAssignment, NeedsACondition) {
  const auto where = ParseTableAssignment("shop.orders=id = 5");
  ASSERT_TRUE(where.ok());
  EXPECT_EQ(where->table, "shop.orders");
  EXPECT_EQ(where->value, "id = 5");
  for (const char* text : {"", "t", "t=", "t=  ", "=x"}) {
    EXPECT_FALSE(ParseTableAssignment(text).ok()) << text;
  }
}

TEST(ParseNameList, ReadsQuotedNames) {
  const auto names = ParseNameList("a,b c,\"d,e\"");
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, (std::vector<std::string>{"a", "b c", "d,e"}));
  for (const char* text : {"", ",", "a,", ",a", "a,,b", "\"a", "\"a\"b"}) {
    EXPECT_FALSE(ParseNameList(text).ok()) << text;
  }
}

TEST(ParseFill, TellsExpressionsFromLiterals) {
  EXPECT_FALSE(ParseFill("now")->is_expression);
  EXPECT_TRUE(ParseFill("sql:now()")->is_expression);
  EXPECT_EQ(ParseFill("sql:now()")->text, "now()");
  EXPECT_EQ(ParseFill("")->text, "");
  EXPECT_FALSE(ParseFill("sql: ").ok());
}

TEST(CheckGlob, RefusesPatternsThatMatchNothing) {
  EXPECT_TRUE(CheckGlob("a*[b-d]?").ok());
  EXPECT_FALSE(CheckGlob("").ok());
  EXPECT_FALSE(CheckGlob("a[b").ok());
}

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("stream", "streams"), 1);
  EXPECT_EQ(EditDistance("cpoy", "copy"), 1);
  EXPECT_EQ(EditDistance("COPY", "copy"), 0);
  EXPECT_EQ(EditDistance("abc", ""), 3);
}

TEST(NearestOf, SuggestsOnlyWhatCouldBeMeant) {
  const std::vector<std::string> names = {"copy", "plan", "verify"};
  EXPECT_EQ(NearestOf("cpy", names), "copy");
  EXPECT_EQ(NearestOf("verfy", names), "verify");
  EXPECT_EQ(NearestOf("veri", names), "verify");
  EXPECT_EQ(NearestOf("delete", names), "");
  EXPECT_EQ(NearestOf("", names), "");
  EXPECT_EQ(NearestOf(std::string(100000, 'x'), names), "");
}

}  // namespace
}  // namespace lite2pg
