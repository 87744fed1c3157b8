#include "engine/sqlite/row_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

KeyRange IntegerRange(std::optional<int64_t> after, std::optional<int64_t> up_to) {
  KeyRange range;
  if (after) range.after = SourceKey{OwnedValue(SourceValue::Integer(*after))};
  if (up_to) range.up_to = SourceKey{OwnedValue(SourceValue::Integer(*up_to))};
  return range;
}

class RowSourceTest : public ::testing::Test {
 protected:
  void Make(const std::string& sql) {
    WriteDatabase(dir_.File("a.db"), sql);
    connection_.emplace(OpenOrDie(dir_.File("a.db")));
    catalog_ = CatalogOrDie(*connection_);
  }
  TableReading Reading(const std::string& table, std::vector<int> columns = {},
                       const std::string& where = "") {
    const SourceTable& found = TableNamed(catalog_, table);
    return MakeTableReading(found, columns.empty() ? AllColumns(found) : columns, where);
  }
  std::vector<std::string> Rows(const TableReading& reading, const KeyRange& range = {}) {
    absl::StatusOr<std::vector<std::string>> rows = ReadRows(*connection_, reading, range);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *rows : std::vector<std::string>();
  }

  TempDir dir_;
  std::optional<SqliteConnection> connection_;
  SourceCatalog catalog_;
};

TEST_F(RowSourceTest, ReadsEveryStorageClassAsStored) {
  Make(
      "CREATE TABLE t(a); INSERT INTO t VALUES(NULL),(-9223372036854775808),(1.5),"
      "('it''s'),(x'00ff'),(''),(x''),(9e999),('a' || char(0) || 'b')");
  EXPECT_THAT(Rows(Reading("t")),
              ElementsAre("NULL", "-9223372036854775808", "1.5r", "'it's'", "x'00ff'", "''", "x''",
                          "infr", std::string("'a\0b'", 5)));
}

TEST_F(RowSourceTest, KeepsMalformedUtf8AsItIs) {
  Make("CREATE TABLE t(a); INSERT INTO t VALUES(CAST(x'61ff80' AS TEXT))");
  EXPECT_THAT(Rows(Reading("t")), ElementsAre("'a\xff\x80'"));
}

TEST_F(RowSourceTest, RowidRangeExcludesItsBeginAndIncludesItsEnd) {
  Make("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,'a'),(2,'b'),(3,'c')");
  EXPECT_THAT(Rows(Reading("t", {1}), IntegerRange(1, 2)), ElementsAre("'b'"));
  EXPECT_THAT(Rows(Reading("t", {1}), IntegerRange(2, std::nullopt)), ElementsAre("'c'"));
  EXPECT_THAT(Rows(Reading("t", {1}), IntegerRange(std::nullopt, 1)), ElementsAre("'a'"));
  EXPECT_THAT(Rows(Reading("t", {1}), IntegerRange(3, 1)), IsEmpty());
  EXPECT_THAT(Rows(Reading("t", {1}), IntegerRange(2, 2)), IsEmpty());
}

TEST_F(RowSourceTest, GivesColumnsInTheOrderAskedFor) {
  Make("CREATE TABLE t(a,b,c); INSERT INTO t VALUES(1,2,3)");
  EXPECT_THAT(Rows(Reading("t", {2, 0})), ElementsAre("3|1"));
}

TEST_F(RowSourceTest, KnowsTheKeyOfTheCurrentRow) {
  Make(
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES(7,'x');"
      "CREATE TABLE w(a TEXT, b INT, c, PRIMARY KEY(b, a)) WITHOUT ROWID;"
      "INSERT INTO w VALUES('k', 5, 1)");
  const auto key_of = [&](const TableReading& reading) {
    const std::unique_ptr<RowSource> source = NewLibraryRowSource(*connection_);
    EXPECT_TRUE(source->Open(reading, {}).ok());
    EXPECT_FALSE(source->Next()->empty());
    std::string out = source->DescribeRow();
    for (const OwnedValue& value : source->CurrentKey()) {
      absl::StrAppend(&out, ";", Show(value.view()));
    }
    return out;
  };
  EXPECT_EQ(key_of(Reading("t", {1})), "a=7 (rowid 7);7");
  EXPECT_EQ(key_of(Reading("t", {0, 1})), "a=7 (rowid 7);7");
  EXPECT_EQ(key_of(Reading("w", {2})), "b=5, a='k';5;'k'");
  EXPECT_EQ(key_of(Reading("w", {2, 0})), "b=5, a='k';5;'k'");
}

TEST_F(RowSourceTest, DescribesARowOfATableWithoutKeyByItsRowid) {
  Make("CREATE TABLE t(a); INSERT INTO t(rowid, a) VALUES(42, 1)");
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(*connection_);
  const TableReading reading = Reading("t");
  ASSERT_TRUE(source->Open(reading, {}).ok());
  ASSERT_FALSE(source->Next()->empty());
  EXPECT_EQ(source->DescribeRow(), "rowid 42");
}

TEST_F(RowSourceTest, ScansATableWhoseRowidNamesAreAllTaken) {
  Make(
      "CREATE TABLE t(rowid TEXT, _rowid_ TEXT, oid TEXT); CREATE INDEX i ON t(rowid,_rowid_,oid);"
      "INSERT INTO t VALUES('z','z','z'),('a','a','a')");
  const TableReading reading = Reading("t");
  EXPECT_EQ(reading.key_kind, KeyKind::kNone);
  EXPECT_THAT(Rows(reading), ElementsAre("'z'|'z'|'z'", "'a'|'a'|'a'"));
}

TEST_F(RowSourceTest, UsesARowidNameThatNoColumnHides) {
  Make("CREATE TABLE t(rowid TEXT, v); INSERT INTO t VALUES('x', 1),('y', 2)");
  EXPECT_EQ(TableNamed(catalog_, "t").rowid_name, "_rowid_");
  EXPECT_THAT(Rows(Reading("t"), IntegerRange(1, 2)), ElementsAre("'y'|2"));
}

TEST_F(RowSourceTest, AppliesTheUsersCondition) {
  Make("CREATE TABLE t(a); INSERT INTO t VALUES(1),(2),(3),(4)");
  EXPECT_THAT(Rows(Reading("t", {}, "a % 2 = 0 OR a = 1 -- the rest")), ElementsAre("1", "2", "4"));
  EXPECT_THAT(Rows(Reading("t", {}, "a = 1 OR a = 4"), IntegerRange(1, 4)), ElementsAre("4"));
}

TEST_F(RowSourceTest, BlamesTheUserForAConditionThatIsNotSql) {
  Make("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  for (const char* where : {"a = ", "nosuch = 1", "\"nosuch\" = 1", "1) OR (1", "1; DROP TABLE t",
                            "a = 1 ORDER BY a", "a = 1 /*", "1 UNION SELECT 2"}) {
    const absl::Status status = ReadRows(*connection_, Reading("t", {}, where)).status();
    EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kUsage) << where << ": " << status;
  }
}

TEST_F(RowSourceTest, ReadsGeneratedColumnsOnlyWhenAskedTo) {
  Make("CREATE TABLE t(a, v AS (a * 2) VIRTUAL, s AS (a + 1) STORED); INSERT INTO t VALUES(5)");
  EXPECT_THAT(Rows(Reading("t", {0})), ElementsAre("5"));
  EXPECT_THAT(Rows(Reading("t", {0, 1, 2})), ElementsAre("5|10|6"));
}

TEST_F(RowSourceTest, QuotesHostileNames) {
  Make(
      "CREATE TABLE \"a\"\"b; DROP\nTABLE x--\"(\"c\"\"]d\" INTEGER PRIMARY KEY, \"%s ' [e]\" );"
      "INSERT INTO \"a\"\"b; DROP\nTABLE x--\" VALUES(1, 2),(2, 3)");
  EXPECT_THAT(Rows(Reading("a\"b; DROP\nTABLE x--"), IntegerRange(1, 2)), ElementsAre("2|3"));
}

TEST_F(RowSourceTest, ReadsEmptyNames) {
  Make("CREATE TABLE \"\"(\"\" INTEGER PRIMARY KEY, b); INSERT INTO \"\" VALUES(1, 2)");
  EXPECT_THAT(Rows(Reading("")), ElementsAre("1|2"));
}

TEST_F(RowSourceTest, CanBeOpenedAgainBeforeItsEnd) {
  Make("CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(*connection_);
  const TableReading reading = Reading("t");
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(source->Open(reading, {}).ok());
    EXPECT_EQ((*source->Next())[0].integer, 1);
  }
  source->Close();
}

TEST_F(RowSourceTest, StaysAtTheEnd) {
  Make("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(*connection_);
  const TableReading reading = Reading("t");
  ASSERT_TRUE(source->Open(reading, {}).ok());
  EXPECT_FALSE(source->Next()->empty());
  EXPECT_TRUE(source->Next()->empty());
  EXPECT_TRUE(source->Next()->empty());
}

// SQLite frees a row's texts when it steps past it.
TEST_F(RowSourceTest, DescribesNoRowPastTheEnd) {
  Make(
      "CREATE TABLE t(a TEXT PRIMARY KEY); INSERT INTO t VALUES('key');"
      "CREATE TABLE w(a TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES('key')");
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(*connection_);
  for (const auto& [table, before, after] :
       {std::tuple("t", "a='key' (rowid 1)", "after rowid 1"), std::tuple("w", "a='key'", "")}) {
    const TableReading reading = Reading(table);
    ASSERT_TRUE(source->Open(reading, {}).ok());
    EXPECT_EQ(source->DescribeRow(), "");
    ASSERT_FALSE(source->Next()->empty());
    EXPECT_EQ(source->DescribeRow(), before);
    ASSERT_TRUE(source->Next()->empty());
    EXPECT_EQ(source->DescribeRow(), after);
  }
}

// ---- The table's own b-tree, and no other ------------------------------------------------------

// What SQLite plans for the statements of a reading, taken from its own trace.
class PlanTest : public RowSourceTest {
 protected:
  std::string PlanOf(const TableReading& reading, const KeyRange& range) {
    std::vector<std::string> statements;
    sqlite3_trace_v2(
        connection_->raw(), SQLITE_TRACE_STMT,
        [](unsigned, void* to, void* stmt, void*) {
          const char* sql = sqlite3_sql(static_cast<sqlite3_stmt*>(stmt));
          static_cast<std::vector<std::string>*>(to)->push_back(sql);
          return 0;
        },
        &statements);
    EXPECT_TRUE(ReadRows(*connection_, reading, range).ok());
    sqlite3_trace_v2(connection_->raw(), 0, nullptr, nullptr);
    std::string plan;
    for (const std::string& sql : statements) {
      if (sql.find(" FROM main.") == std::string::npos) continue;
      absl::StatusOr<SqliteStatement> explain = connection_->Prepare("EXPLAIN QUERY PLAN " + sql);
      EXPECT_TRUE(explain.ok()) << explain.status();
      while (*explain->Step()) absl::StrAppend(&plan, explain->Text(3), "\n");
    }
    return plan;
  }
};

TEST_F(PlanTest, RowidTablesIgnoreTheirIndexes) {
  Make(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE INDEX i ON t(a, b, id);"
      "INSERT INTO t VALUES(1,2,3),(2,3,4)");
  EXPECT_EQ(PlanOf(Reading("t"), {}), "SCAN main.t\n");
  EXPECT_EQ(PlanOf(Reading("t", {}, "a = 2"), {}), "SCAN main.t\n");
  EXPECT_EQ(PlanOf(Reading("t", {}, "a = 2"), IntegerRange(0, 5)),
            "SEARCH main.t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)\n");
}

TEST_F(PlanTest, CompositeKeysNeverSortOrScan) {
  Make(
      "CREATE TABLE w(a TEXT COLLATE NOCASE, b INT, c, d, PRIMARY KEY(a COLLATE RTRIM, b DESC, c))"
      " WITHOUT ROWID; CREATE INDEX i ON w(c, d, b); CREATE INDEX j ON w(a, b, c, d);"
      "INSERT INTO w VALUES('x',1,1,1),('y',2,2,2)");
  const auto key = [](const char* a, int b, int c) {
    return SourceKey{OwnedValue(SourceValue::Text(a)), OwnedValue(SourceValue::Integer(b)),
                     OwnedValue(SourceValue::Integer(c))};
  };
  for (const char* where : {"", "d = 2", "d = 2 AND b < 9"}) {
    const std::string plan =
        PlanOf(Reading("w", {}, where), {.after = key("a", 5, 5), .up_to = key("z", 1, 1)});
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << where;
    EXPECT_THAT(plan, Not(HasSubstr("INDEX"))) << where;
    EXPECT_THAT(plan, Not(HasSubstr("SCAN"))) << where;
    EXPECT_THAT(plan, HasSubstr("SEARCH main.w USING PRIMARY KEY (a=? AND b=? AND c>?)\n"
                                "SEARCH main.w USING PRIMARY KEY (a=? AND b<?)\n"
                                "SEARCH main.w USING PRIMARY KEY (a>? AND a<?)\n"
                                "SEARCH main.w USING PRIMARY KEY (a=? AND b>?)\n"
                                "SEARCH main.w USING PRIMARY KEY (a=? AND b=? AND c<?)\n"))
        << where;
  }
}

}  // namespace
}  // namespace lite2pg
