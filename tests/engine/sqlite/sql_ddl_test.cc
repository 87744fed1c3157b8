// CREATE TABLE, CREATE INDEX and CREATE VIEW as they occur in files.
#include <string>

#include "engine/sqlite/sql/parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/sqlite/sql_dump.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CreateTable Table(const std::string& sql) {
  absl::StatusOr<CreateTable> table = ParseCreateTable(sql);
  EXPECT_TRUE(table.ok()) << table.status() << "\n" << sql;
  return table.ok() ? *std::move(table) : CreateTable();
}

std::string DefaultOf(const std::string& clause) {
  const CreateTable table = Table("CREATE TABLE t(x INT " + clause + ")");
  if (table.columns.empty() || !table.columns[0].has_default) return "none";
  return Dump(*table.columns[0].default_value.expr);
}

TEST(SqlCreateTable, ReadsTypesAsSqliteKeepsThem) {
  const struct { std::string written, type; } cases[] = {
      {"x", ""}, {"x INTEGER", "INTEGER"}, {"x VARCHAR(10)", "VARCHAR(10)"},
      {"x decimal( 10 , 2 )", "decimal(10,2)"}, {"x text nocase", "text nocase"},
      {"x unsigned big int", "unsigned big int"}, {"x 'double precision'", "double precision"},
      {"x \"double precision\"", "double precision"}, {"x integer auto_increment primary key",
      "integer auto_increment"}, {"[x]TEXT", "TEXT"}, {"x smallint unsigned not null",
      "smallint unsigned"}, {"x INTEGER NON", "INTEGER NON"}, {"x num(+1,-2)", "num(+1,-2)"},
      {"x int /* c */ big", "int big"}, {"x time stamp default 0", "time stamp"},
      {"x key", "key"}, {"x float(1.5)", "float(1.5)"}, {"x datetime2", "datetime2"},
      {"x generated always as (1)", ""}, {"x int generated always as (1) stored", "int"},
      {"x int as (1)", "int"}, {"x int generated", "int generated"}};
  for (const auto& c : cases) {
    const CreateTable table = Table("CREATE TABLE t(" + c.written + ")");
    ASSERT_EQ(table.columns.size(), 1u) << c.written;
    EXPECT_EQ(table.columns[0].name, "x");
    EXPECT_EQ(table.columns[0].type, c.type) << c.written;
  }
}

TEST(SqlCreateTable, ReadsColumnConstraints) {
  const CreateTable table = Table(
      "CREATE TABLE t(a INTEGER CONSTRAINT pk PRIMARY KEY DESC ON CONFLICT REPLACE AUTOINCREMENT,"
      " b TEXT NOT NULL ON CONFLICT IGNORE UNIQUE ON CONFLICT FAIL COLLATE NOCASE,"
      " c INT NULL CONSTRAINT positive CHECK (c > 0) CHECK (c < 9) ON CONFLICT ROLLBACK,"
      " d INT CONSTRAINT fk REFERENCES p(q) ON DELETE SET NULL ON UPDATE CASCADE MATCH FULL"
      "   NOT DEFERRABLE INITIALLY IMMEDIATE REFERENCES r DEFERRABLE INITIALLY DEFERRED,"
      " e AS (a + 1), f INT GENERATED ALWAYS AS (a * 2) STORED NOT NULL)");
  ASSERT_EQ(table.columns.size(), 6u);
  EXPECT_TRUE(table.columns[0].primary_key);
  EXPECT_TRUE(table.columns[0].primary_key_descending);
  EXPECT_TRUE(table.columns[0].autoincrement);
  EXPECT_TRUE(table.columns[1].not_null);
  EXPECT_EQ(table.columns[1].not_null_conflict, ConflictRule::kIgnore);
  EXPECT_TRUE(table.columns[1].unique);
  EXPECT_EQ(table.columns[1].collation, "NOCASE");
  EXPECT_FALSE(table.columns[2].not_null);
  ASSERT_EQ(table.checks.size(), 2u);
  EXPECT_EQ(table.checks[0].name, "positive");
  EXPECT_EQ(table.checks[0].sql, "c > 0");
  EXPECT_EQ(table.checks[1].name, "");
  ASSERT_EQ(table.foreign_keys.size(), 2u);
  EXPECT_EQ(table.foreign_keys[0].name, "fk");
  EXPECT_THAT(table.foreign_keys[0].columns, ElementsAre("d"));
  EXPECT_THAT(table.foreign_keys[0].parent_columns, ElementsAre("q"));
  EXPECT_EQ(table.foreign_keys[0].on_delete, "SET NULL");
  EXPECT_EQ(table.foreign_keys[0].on_update, "CASCADE");
  EXPECT_EQ(table.foreign_keys[0].match, "FULL");
  EXPECT_FALSE(table.foreign_keys[0].deferrable);
  EXPECT_EQ(table.foreign_keys[1].parent_table, "r");
  EXPECT_THAT(table.foreign_keys[1].parent_columns, IsEmpty());
  EXPECT_TRUE(table.foreign_keys[1].initially_deferred);
  EXPECT_TRUE(table.columns[4].generated);
  EXPECT_FALSE(table.columns[4].generated_stored);
  EXPECT_EQ(table.columns[4].type, "");
  EXPECT_TRUE(table.columns[5].generated_stored);
  EXPECT_EQ(table.columns[5].generated_sql, "a * 2");
  EXPECT_TRUE(table.columns[5].not_null);
}

TEST(SqlCreateTable, ReadsDefaults) {
  EXPECT_EQ(DefaultOf(""), "none");
  EXPECT_EQ(DefaultOf("DEFAULT 5"), "5");
  EXPECT_EQ(DefaultOf("DEFAULT -5.5"), "(- 5.5)");
  EXPECT_EQ(DefaultOf("DEFAULT + 5"), "(+ 5)");
  EXPECT_EQ(DefaultOf("DEFAULT -'5'"), "(- '5')");
  EXPECT_EQ(DefaultOf("DEFAULT 'it''s'"), "'it's'");
  EXPECT_EQ(DefaultOf("DEFAULT \"\" NOT NULL"), "''");
  EXPECT_EQ(DefaultOf("DEFAULT \"x y\""), "'x y'");
  EXPECT_EQ(DefaultOf("DEFAULT [x]"), "'x'");
  EXPECT_EQ(DefaultOf("DEFAULT foo"), "'foo'");
  EXPECT_EQ(DefaultOf("DEFAULT true"), "\"true\"");
  EXPECT_EQ(DefaultOf("DEFAULT FALSE NOT NULL"), "\"FALSE\"");
  EXPECT_EQ(DefaultOf("DEFAULT NULL"), "NULL");
  EXPECT_EQ(DefaultOf("DEFAULT x'00ff'"), "x'00ff'");
  EXPECT_EQ(DefaultOf("DEFAULT Current_Timestamp"), "CURRENT_TIMESTAMP");
  EXPECT_EQ(DefaultOf("default(DATETIME('now', 'localtime'))"), "DATETIME('now', 'localtime')");
  EXPECT_EQ(DefaultOf("DEFAULT (1 + 2) CHECK (x > 0)"), "(1 + 2)");
  EXPECT_EQ(DefaultOf("DEFAULT 1 DEFAULT 2"), "2");
}

TEST(SqlCreateTable, ReadsTableConstraints) {
  const CreateTable table = Table(
      "CREATE TABLE main.[my table] (a, b, 'c', CONSTRAINT pk PRIMARY KEY (a COLLATE nocase DESC, "
      "'b'),"
      " UNIQUE (b) ON CONFLICT IGNORE CHECK (a <> b) CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES"
      " p (x, y) ON UPDATE NO ACTION ON DELETE RESTRICT DEFERRABLE, CHECK (c)) WITHOUT ROWID, "
      "STRICT");
  EXPECT_EQ(table.schema, "main");
  EXPECT_EQ(table.name, "my table");
  EXPECT_EQ(table.columns.size(), 3u);
  ASSERT_EQ(table.keys.size(), 2u);
  EXPECT_TRUE(table.keys[0].primary);
  EXPECT_EQ(table.keys[0].name, "pk");
  EXPECT_TRUE(table.keys[0].terms[0].descending);
  EXPECT_EQ(Dump(*table.keys[0].terms[0].expr), "(\"a\" COLLATE nocase)");
  EXPECT_EQ(Dump(*table.keys[0].terms[1].expr), "\"b\"");
  EXPECT_EQ(table.keys[1].conflict, ConflictRule::kIgnore);
  ASSERT_EQ(table.checks.size(), 2u);
  EXPECT_EQ(table.checks[0].name, "");
  ASSERT_EQ(table.foreign_keys.size(), 1u);
  EXPECT_EQ(table.foreign_keys[0].name, "fk");
  EXPECT_THAT(table.foreign_keys[0].columns, ElementsAre("a", "b"));
  EXPECT_TRUE(table.foreign_keys[0].deferrable);
  EXPECT_FALSE(table.foreign_keys[0].initially_deferred);
  EXPECT_TRUE(table.without_rowid);
  EXPECT_TRUE(table.strict);
}

TEST(SqlCreateTable, ReadsOddButRealStatements) {
  EXPECT_EQ(Table("CREATE TABLE 'email_data'(id INTEGER PRIMARY KEY, block BLOB)").name,
            "email_data");
  EXPECT_EQ(Table("CREATE TABLE \"references\"(id integer)").name, "references");
  EXPECT_TRUE(Table("CREATE TABLE t(a,b,PRIMARY KEY(a,b))WITHOUT ROWID").without_rowid);
  EXPECT_TRUE(Table("CREATE TABLE t(id INTEGER, PRIMARY KEY(id AUTOINCREMENT))")
                  .columns[0].autoincrement);
  EXPECT_EQ(Table("CREATE TABLE sqlite_sequence(name,seq)").columns.size(), 2u);
  EXPECT_EQ(Table("CREATE TEMP TABLE IF NOT EXISTS t(x);").name, "t");
  // As ALTER TABLE ADD COLUMN leaves it.
  EXPECT_EQ(Table("CREATE TABLE t(x, y /* z */\n, \"z\" TEXT DEFAULT '' NOT NULL)").columns.size(),
            3u);
  EXPECT_EQ(Table("CREATE TABLE t(\"a\"\"b\" int, [c\"d] int, `e``f` int, \"\" "
      "int)").columns[3].name,
            "");
  EXPECT_EQ(Table("CREATE TABLE \"a--b\"(\"x\ny\" int, \"$$\" int)").columns[0].name, "x\ny");
  EXPECT_EQ(Table("CREATE TABLE t(x -- a comment, with a comma\n, y)").columns.size(), 2u);
  EXPECT_EQ(Table("CREATE TABLE t(x int constraint foo)").columns.size(), 1u);
}

TEST(SqlCreateTable, RefusesBrokenStatements) {
  const char* cases[] = {
      "", "CREATE", "CREATE TABLE", "CREATE TABLE t", "CREATE TABLE t(", "CREATE TABLE t()",
      "CREATE TABLE t(a,)", "CREATE TABLE t(a b c", "CREATE TABLE t(a) foo",
      "CREATE TABLE t AS SELECT 1",
      "CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE TABLE t(a); DROP TABLE t",
      "CREATE INDEX i ON t(a)",
      "CREATE TABLE t(a CHECK a > 0)", "CREATE TABLE t(a DEFAULT -b)", "CREATE TABLE t(a DEFAULT)",
      "CREATE TABLE t(a REFERENCES)", "CREATE TABLE t(a REFERENCES b ON DELETE EXPLODE)",
      "CREATE TABLE t(constraint x)", "CREATE TABLE t(a, constraint x, b)",
      "CREATE TABLE t(a PRIMARY)", "CREATE TABLE t(a, FOREIGN KEY (a))",
      "CREATE TABLE t(a NOT)", "CREATE TABLE t(a) WITHOUT", "CREATE TABLE t(a) WITHOUT ROWID x"};
  for (const char* sql : cases) EXPECT_FALSE(ParseCreateTable(sql).ok()) << sql;
}

TEST(SqlCreateIndex, ReadsColumnsExpressionsAndPredicate) {
  absl::StatusOr<CreateIndex> index = ParseCreateIndex(
      "CREATE UNIQUE INDEX IF NOT EXISTS [i 1] ON 'my table' (a COLLATE NOCASE DESC, lower(b), "
      "'c', d + 1 ASC NULLS LAST) WHERE a IS NOT NULL AND b > 'x'");
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_TRUE(index->unique);
  EXPECT_EQ(index->name, "i 1");
  EXPECT_EQ(index->table, "my table");
  ASSERT_EQ(index->terms.size(), 4u);
  EXPECT_TRUE(index->terms[0].descending);
  EXPECT_EQ(index->terms[0].sql, "a COLLATE NOCASE");
  EXPECT_EQ(Dump(*index->terms[1].expr), "lower(\"b\")");
  EXPECT_EQ(index->terms[2].expr->kind, ExprKind::kColumn);
  EXPECT_EQ(index->terms[3].nulls, NullsOrder::kLast);
  EXPECT_EQ(index->where_sql, "a IS NOT NULL AND b > 'x'");
  for (const char* sql : {"CREATE INDEX i", "CREATE INDEX i ON t", "CREATE INDEX i ON t()",
                          "CREATE INDEX i ON t(a) WHERE", "CREATE INDEX ON t(a)"}) {
    EXPECT_FALSE(ParseCreateIndex(sql).ok()) << sql;
  }
}

TEST(SqlCreateView, ReadsSelects) {
  absl::StatusOr<CreateView> view = ParseCreateView(
      "CREATE VIEW [my view](x, y) AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM "
      "c), "
      "d AS NOT MATERIALIZED (VALUES (1, 2), (3, 4)) "
      "SELECT DISTINCT t.*, a AS \"the a\", count(*) FILTER (WHERE b) cnt, * "
      "FROM t AS tt LEFT OUTER JOIN u USING (id, k), (SELECT 1) s CROSS JOIN (v JOIN w ON v.a = "
      "w.a) "
      "NATURAL JOIN gen(1, 2) g INDEXED BY i "
      "WHERE a > 1 GROUP BY a, 2 HAVING count(*) > 1 "
      "UNION SELECT 1, 2, 3, 4 EXCEPT VALUES (1, 2, 3, 4) ORDER BY 1 DESC NULLS LAST, b COLLATE "
      "nocase LIMIT 5, 10");
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->name, "my view");
  EXPECT_THAT(view->columns, ElementsAre("x", "y"));
  const Select& select = *view->select;
  EXPECT_TRUE(select.recursive);
  ASSERT_EQ(select.with.size(), 2u);
  EXPECT_THAT(select.with[0].columns, ElementsAre("n"));
  EXPECT_EQ(select.with[1].select->cores[0].values.size(), 2u);
  ASSERT_EQ(select.cores.size(), 3u);
  const SelectCore& core = select.cores[0];
  EXPECT_TRUE(core.distinct);
  ASSERT_EQ(core.columns.size(), 4u);
  EXPECT_EQ(core.columns[0].table, "t");
  EXPECT_EQ(core.columns[1].alias, "the a");
  EXPECT_EQ(core.columns[2].sql, "count(*) FILTER (WHERE b)");
  EXPECT_EQ(core.columns[2].alias, "cnt");
  EXPECT_EQ(core.columns[3].kind, ResultColumn::Kind::kStar);
  ASSERT_EQ(core.from.size(), 5u);
  EXPECT_EQ(core.from[0].alias, "tt");
  EXPECT_EQ(core.from[1].join, JoinKind::kLeft);
  EXPECT_THAT(core.from[1].using_columns, ElementsAre("id", "k"));
  EXPECT_EQ(core.from[2].kind, FromItem::Kind::kSelect);
  EXPECT_EQ(core.from[3].kind, FromItem::Kind::kJoins);
  EXPECT_EQ(core.from[3].join, JoinKind::kCross);
  EXPECT_EQ(core.from[4].kind, FromItem::Kind::kFunction);
  EXPECT_TRUE(core.from[4].natural);
  EXPECT_EQ(core.group_by.size(), 2u);
  EXPECT_EQ(select.cores[1].compound, CompoundKind::kUnion);
  EXPECT_EQ(select.cores[2].compound, CompoundKind::kExcept);
  EXPECT_TRUE(select.order_by[0].descending);
  EXPECT_EQ(Dump(*select.limit), "10");
  EXPECT_EQ(Dump(*select.offset), "5");
}

TEST(SqlCreateView, RefusesBrokenStatements) {
  for (const char* sql :
       {"CREATE VIEW v", "CREATE VIEW v AS", "CREATE VIEW v AS SELECT",
       "CREATE VIEW v AS SELECT 1,",
        "CREATE VIEW v AS SELECT 1 FROM", "CREATE VIEW v AS SELECT 1 FROM t JOIN",
        "CREATE VIEW v AS SELECT 1 FROM t LEFT u", "CREATE VIEW v AS SELECT 1 FROM t LEFT INNER "
        "JOIN u",
        "CREATE VIEW v AS SELECT 1 UNION", "CREATE VIEW v AS DELETE FROM t",
        "CREATE VIEW v AS SELECT 1; SELECT 2", "CREATE VIEW v AS WITH x SELECT 1",
        "CREATE VIEW v AS SELECT 1 LIMIT", "CREATE VIEW v AS SELECT 1 ORDER",
        "CREATE VIEW v AS SELECT 1 FROM (SELECT 2", "CREATE VIEW v AS VALUES 1"}) {
    EXPECT_FALSE(ParseCreateView(sql).ok()) << sql;
  }
}

TEST(SqlCreateView, NamesColumnsByTheirTextWithoutComments) {
  absl::StatusOr<CreateView> view = ParseCreateView("CREATE VIEW v AS SELECT a /* b */ , c-- d\n");
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->select->cores[0].columns[0].sql, "a");
  EXPECT_EQ(view->select->cores[0].columns[1].sql, "c");
}

}  // namespace
}  // namespace lite2pg
