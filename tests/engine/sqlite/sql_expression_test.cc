// SQLite's expression grammar: shapes of trees, and agreement with SQLite itself.
#include <sqlite3.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/sqlite/sql/lexer.h"
#include "engine/sqlite/sql/parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/sqlite/sql_dump.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

std::string Shape(const std::string& sql) {
  absl::StatusOr<ExprPtr> expr = ParseExpression(sql);
  return expr.ok() ? Dump(**expr) : "error: " + std::string(expr.status().message());
}

struct Case {
  std::string sql, shape;
};

TEST(SqlExpression, BuildsTheTreesOfSqlitesGrammar) {
  const Case cases[] = {
      {"a+b*c", "(\"a\" + (\"b\" * \"c\"))"},
      {"a-b-c", "((\"a\" - \"b\") - \"c\")"},
      {"a||b*c", "((\"a\" || \"b\") * \"c\")"},
      {"a=b<c", "(\"a\" = (\"b\" < \"c\"))"},
      {"a=b=c", "((\"a\" = \"b\") = \"c\")"},
      {"a and b or c and d", "((\"a\" AND \"b\") OR (\"c\" AND \"d\"))"},
      {"not a = b", "(NOT (\"a\" = \"b\"))"},
      {"not not a", "(NOT (NOT \"a\"))"},
      {"1 + not 2 = 3", "(1 + (NOT (2 = 3)))"},
      {"-a collate nocase", "((- \"a\") COLLATE nocase)"},
      {"-a->>'$.b'", "((- \"a\") ->> '$.b')"},
      {"a << 1 + 2", "(\"a\" << (1 + 2))"},
      {"a & b | c", "((\"a\" & \"b\") | \"c\")"},
      {"~a % -b", "((~ \"a\") % (- \"b\"))"},
      {"a == b != c <> d", "(((\"a\" = \"b\") <> \"c\") <> \"d\")"},
      {"a is not b", "(\"a\" IS NOT \"b\")"},
      {"a is null", "(\"a\" IS NULL)"},
      {"a is not null", "(\"a\" IS NOT NULL)"},
      {"a is not distinct from b", "(\"a\" IS \"b\")"},
      {"a is distinct from null", "(\"a\" IS NOT NULL)"},
      {"a isnull and b notnull or c not null",
       "(((\"a\" IS NULL) AND (\"b\" IS NOT NULL)) OR (\"c\" IS NOT NULL))"},
      {"a between 1 and 2 and b", "((\"a\" BETWEEN 1 AND 2) AND \"b\")"},
      {"a not between b = c and d < e = f",
       "((\"a\" NOT BETWEEN (\"b\" = \"c\") AND (\"d\" < \"e\")) = \"f\")"},
      {"a like b escape 'c'", "(\"a\" LIKE \"b\" ESCAPE 'c')"},
      {"a not like 'x%' or a glob 'y*'", "((\"a\" NOT LIKE 'x%') OR (\"a\" GLOB 'y*'))"},
      {"a regexp b and c match d", "((\"a\" REGEXP \"b\") AND (\"c\" MATCH \"d\"))"},
      {"a in (1, 2)", "(\"a\" IN (1, 2))"},
      {"a not in ()", "(\"a\" NOT IN ())"},
      {"a in (select 1)", "(\"a\" IN (SELECT))"},
      {"a in t", "(\"a\" IN t)"},
      {"a in main.t = b", "((\"a\" IN t) = \"b\")"},
      {"case a when 1 then 2 else 3 end", "(CASE \"a\" WHEN 1 THEN 2 ELSE 3 END)"},
      {"case when a then b when c then d end", "(CASE WHEN \"a\" THEN \"b\" WHEN \"c\" THEN \"d\" "
          "END)"},
      {"cast(a as decimal (10 , -2))", "CAST(\"a\" AS decimal(10,-2))"},
      {"cast(a as unsigned big int)", "CAST(\"a\" AS unsigned big int)"},
      {"cast(a as)", "CAST(\"a\" AS )"},
      {"count(*)", "count(*)"},
      {"count(distinct a) filter (where b)", "count(DISTINCT \"a\") FILTER (WHERE \"b\")"},
      {"sum(a) over (partition by b order by c rows between unbounded preceding and 1 following)",
       "sum(\"a\") OVER ()"},
      {"sum(a) over w", "sum(\"a\") OVER ()"},
      {"f()", "f()"},
      {"replace(a, 'b', 'c')", "replace(\"a\", 'b', 'c')"},
      {"like('a', b)", "like('a', \"b\")"},
      {"(a, b) = (1, 2)", "((\"a\", \"b\") = (1, 2))"},
      {"exists (select 1) and not exists (select 2)", "(EXISTS(SELECT) AND (NOT EXISTS(SELECT)))"},
      {"(select max(x) from t) > 1", "((SELECT) > 1)"},
      {"x'0aFF' || X''", "(x'0aFF' || x'')"},
      {"'it''s'", "'it's'"},
      {"\"a\"\"b\"", "\"a\"b\""},
      {"[a b].`c``d`.\"e\"", "\"a b\".\"c`d\".\"e\""},
      {"0x1F + .5 + 1. + 1e5 + 1.5E-3", "((((0x1F + .5) + 1.) + 1e5) + 1.5E-3)"},
      {"a/*c*/+--d\nb", "(\"a\" + \"b\")"},
      {"a /* never closed", "\"a\""},
      {"current_timestamp", "CURRENT_TIMESTAMP"},
      {"end + desc + key + of", "(((\"end\" + \"desc\") + \"key\") + \"of\")"},
      {"left + natural", "(\"left\" + \"natural\")"},
      {"true is not false", "(\"true\" IS NOT \"false\")"},
      {"((((a))))", "\"a\""},
      {"'t'.'c'", "\"t\".\"c\""},
      {"\xc3\xa9t\xc3\xa9 + _x$1", "(\"\xc3\xa9t\xc3\xa9\" + \"_x$1\")"},
  };
  for (const Case& c : cases) EXPECT_EQ(Shape(c.sql), c.shape) << c.sql;
}

TEST(SqlExpression, RefusesWhatSqliteRefuses) {
  const Case cases[] = {
      {"", "expected an expression"},
      {"a +", "expected an expression"},
      {"a b", "unexpected text"},
      {"(a", "expected )"},
      {"a in (1,)", "expected an expression"},
      {"select", "expected an expression"},
      {"a = ?1", "bind parameter"},
      {"a = :name", "bind parameter"},
      {"'open", "never closed"},
      {"[open", "never closed"},
      {"x'abc'", "pairs of hexadecimal"},
      {"x'zz'", "pairs of hexadecimal"},
      {"12abc", "number with letters"},
      {"0xg", "number with letters"},
      {"a ! b", "unexpected character"},
      {"case end", "expected WHEN"},
      {"case a then 1 end", "expected WHEN"},
      {"case when 1 then 2", "expected END"},
      {"cast(a, b)", "expected AS"},
      {"raise(abort, 'x')", "RAISE"},
      {"a; drop table t", "unexpected text"},
      {"a between 1", "expected AND"},
      {"f(a", "expected )"},
      {"a..b", "column name"},
      {std::string("a\0b", 3), "NUL"},
      {std::string("'a\0b'", 5), "NUL"},
      {"cast(a as varchar(max))", "number in the type"},
      {"exists 1", "( after EXISTS"},
  };
  for (const Case& c : cases) EXPECT_THAT(Shape(c.sql), HasSubstr(c.shape)) << c.sql;
}

TEST(SqlExpression, ErrorsSayWhere) {
  const absl::StatusOr<ExprPtr> expr = ParseExpression("abc + \x1b[31m");
  ASSERT_FALSE(expr.ok());
  EXPECT_THAT(std::string(expr.status().message()), HasSubstr("at byte 6"));
  // Nothing of the source reaches a terminal unescaped.
  EXPECT_EQ(expr.status().message().find('\x1b'), absl::string_view::npos);
}

TEST(SqlExpression, KeepsTheSourceOfEveryNode) {
  const std::string sql = " ( a + 'x y' )  * f ( b )  ";
  absl::StatusOr<ExprPtr> expr = ParseExpression(sql);
  ASSERT_TRUE(expr.ok());
  EXPECT_EQ(SourceOf(sql, **expr), "( a + 'x y' )  * f ( b )");
  EXPECT_EQ(SourceOf(sql, *(*expr)->args[0]), "( a + 'x y' )");
  EXPECT_EQ(SourceOf(sql, *(*expr)->args[0]->args[1]), "'x y'");
  EXPECT_EQ(SourceOf(sql, *(*expr)->args[1]), "f ( b )");
}

TEST(SqlExpression, DefaultsReadIdentifiersAsStrings) {
  const Case cases[] = {{"foo", "'foo'"},       {"\"x y\"", "'x y'"}, {"true", "\"true\""},
                        {"\"true\"", "'true'"}, {"-5", "(- 5)"},      {"'a'", "'a'"},
                        {"a || b", "(\"a\" || \"b\")"}};
  for (const Case& c : cases) {
    absl::StatusOr<ExprPtr> expr = ParseDefault(c.sql);
    ASSERT_TRUE(expr.ok()) << c.sql;
    EXPECT_EQ(Dump(**expr), c.shape) << c.sql;
  }
}

TEST(SqlExpression, BoundsNesting) {
  const auto parens = [](int n) { return std::string(n, '(') + "1" + std::string(n, ')'); };
  EXPECT_EQ(Shape(parens(kSqlDepthMax - 1)), "1");
  EXPECT_THAT(Shape(parens(kSqlDepthMax + 1)), HasSubstr("nested too deeply"));
  EXPECT_THAT(Shape(parens(200'000)), HasSubstr("nested too deeply"));
  // Chains to the left are built without recursion, yet make trees just as high.
  std::string chain = "1";
  for (int i = 0; i < kSqlDepthMax - 1; ++i) chain += "+1";
  EXPECT_TRUE(ParseExpression(chain).ok());
  EXPECT_THAT(Shape(chain + "+1+1"), HasSubstr("nested too deeply"));
  std::string long_chain = "1";
  for (int i = 0; i < 100'000; ++i) long_chain += " or 1";
  EXPECT_THAT(Shape(long_chain), HasSubstr("nested too deeply"));
  for (const char* part : {"not ", "- ", "case when ", "f(", "cast(", "x in (", "exists (select ",
                           "(select (", "x like ", "a between ", "(values("}) {
    std::string nested;
    for (int i = 0; i < 50'000; ++i) nested += part;
    EXPECT_FALSE(ParseExpression(nested + "1").ok()) << part;
  }
}

// Subqueries must not reset the count of the height: a chain inside a subquery inside a chain ...
TEST(SqlExpression, BoundsTheHeightThroughSubqueries) {
  std::string sql = "1";
  for (int level = 0; level < 30; ++level) {
    sql = "(select " + sql + ")";
    for (int i = 0; i < 100; ++i) sql += "+1";
  }
  EXPECT_THAT(Shape(sql), HasSubstr("nested too deeply"));
}

// ---- Agreement with SQLite ---------------------------------------------------------------------

class Sqlite {
 public:
  Sqlite() { sqlite3_open(":memory:", &db_); }
  ~Sqlite() { sqlite3_close(db_); }
  // typeof and quoted value of the expression, or "error".
  std::string Evaluate(const std::string& expr) {
    const std::string sql = "SELECT typeof(" + expr + ") || quote(" + expr + ")";
    sqlite3_stmt* stmt = nullptr;
    std::string out = "error";
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &stmt, nullptr) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
      out = reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return out;
  }

 private:
  sqlite3* db_ = nullptr;
};

std::string RandomExpression(std::mt19937* random, int depth) {
  const auto pick = [&](int n) { return static_cast<int>((*random)() % n); };
  static const char* kOperands[] = {"0", "1", "2", "-3", "5", "0.5", "NULL", "'7'", "'ab'", "'B'"};
  static const char* kInfix[] = {" + ", " - ", " * ", " / ", " % ", " || ", " = ", " == ", " <> ",
                                 " != ", " < ", " <= ", " > ", " >= ", " & ", " | ", " << ",
                                 " >> ", " AND ", " OR ", " IS ", " IS NOT ", " LIKE ", " GLOB ",
                                 " IS DISTINCT FROM ", " IS NOT DISTINCT FROM ", " NOT LIKE "};
  static const char* kPrefix[] = {"NOT ", "- ", "+ ", "~ "};
  static const char* kPostfix[] = {" ISNULL", " NOTNULL", " NOT NULL", " IS NULL",
                                   " COLLATE NOCASE", " IN (1, 2, 'ab')", " NOT IN (0, NULL)",
                                   " BETWEEN 0 AND 2", " NOT BETWEEN -1 AND 1"};
  if (depth == 0) return kOperands[pick(10)];
  switch (pick(8)) {
    case 0: return kPrefix[pick(4)] + RandomExpression(random, depth - 1);
    case 1: return RandomExpression(random, depth - 1) + kPostfix[pick(9)];
    case 2: return "(" + RandomExpression(random, depth - 1) + ")";
    default:
      return RandomExpression(random, depth - 1) + kInfix[pick(27)] +
             RandomExpression(random, depth - 1);
  }
}

// The tree, printed with a pair of parentheses around every operator, must mean to SQLite what the
// flat text means: that holds only if our precedence is SQLite's.
TEST(SqlExpression, GroupsOperatorsAsSqliteDoes) {
  const uint32_t seed = 20240607;
  std::mt19937 random(seed);
  Sqlite sqlite;
  int compared = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string flat = RandomExpression(&random, 1 + i % 4);
    const std::string expected = sqlite.Evaluate(flat);
    absl::StatusOr<ExprPtr> expr = ParseExpression(flat);
    if (expected == "error") continue;  // a parse error of SQLite's older grammars
    ASSERT_TRUE(expr.ok()) << "seed " << seed << ": " << flat << "\n" << expr.status();
    ASSERT_EQ(sqlite.Evaluate(Dump(**expr)), expected)
        << "seed " << seed << ": " << flat << "\n" << Dump(**expr);
    ++compared;
  }
  EXPECT_GT(compared, 3000);
}

// Every word that SQLite takes for a name in a table, we take too, and the other way round.
TEST(SqlExpression, TakesTheSameKeywordsForNames) {
  const int count = sqlite3_keyword_count();
  ASSERT_GT(count, 100);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  const auto accepts = [&](const std::string& sql) {
    sqlite3_stmt* stmt = nullptr;
    const bool ok = sqlite3_prepare_v2(db, sql.c_str(), -1, &stmt, nullptr) == SQLITE_OK;
    sqlite3_finalize(stmt);
    return ok;
  };
  for (int i = 0; i < count; ++i) {
    const char* name = nullptr;
    int size = 0;
    ASSERT_EQ(sqlite3_keyword_name(i, &name, &size), SQLITE_OK);
    const std::string word(name, size);
    const std::string as_column = "CREATE TABLE t(" + word + " int)";
    EXPECT_EQ(ParseCreateTable(as_column).ok(), accepts(as_column)) << as_column;
    const std::string as_type = "CREATE TABLE t(x " + word + ", y int)";
    EXPECT_EQ(ParseCreateTable(as_type).ok(), accepts(as_type)) << as_type;
    const std::string as_alias = "CREATE VIEW v AS SELECT 1 " + word;
    EXPECT_EQ(ParseCreateView(as_alias).ok(), accepts(as_alias)) << as_alias;
    const std::string as_table = "CREATE TABLE " + word + "(x int)";
    // IF is a name here only because we look one word further, for IF NOT EXISTS.
    if (word != "IF") {
      EXPECT_EQ(ParseCreateTable(as_table).ok(), accepts(as_table)) << as_table;
    }
    const std::string as_operand = "CREATE TABLE t(x int, CHECK (typeof(" + word + ") > 1))";
    // Unknown columns are the resolver's business, so only acceptance by SQLite says something.
    if (accepts(as_operand)) {
      EXPECT_TRUE(ParseCreateTable(as_operand).ok()) << as_operand;
    }
  }
  sqlite3_close(db);
}

}  // namespace
}  // namespace lite2pg
