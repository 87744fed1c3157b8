// Hostile and damaged SQL must end in a result or an error, and real SQL must be read.
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "engine/sqlite/sql/lexer.h"
#include "engine/sqlite/sql/parser.h"
#include "gtest/gtest.h"

namespace lite2pg {
namespace {

// Shapes of statements that applications and public sample databases contain.
const char* const kStatements[] = {
    "CREATE TABLE [Album]\n(\n    [AlbumId] INTEGER  NOT NULL,\n    [Title] NVARCHAR(160)  NOT "
    "NULL,\n"
    "    CONSTRAINT [PK_Album] PRIMARY KEY  ([AlbumId]),\n    FOREIGN KEY ([ArtistId]) REFERENCES "
    "[Artist] ([ArtistId]) \n\t\tON DELETE NO ACTION ON UPDATE NO ACTION\n)",
    "CREATE TABLE [Order Details](\n   [OrderID]INTEGER NOT NULL,\n   [UnitPrice]NUMERIC NOT NULL "
    "DEFAULT 0,\n   [Discount]REAL NOT NULL DEFAULT 0,\n    PRIMARY KEY "
    "(\"OrderID\",\"ProductID\"),\n"
    "    CHECK ([Discount]>=(0) AND [Discount]<=(1)),\n    CHECK ([Quantity]>(0)))",
    "CREATE TABLE \"clusters\"(cluster_id INTEGER PRIMARY KEY AUTOINCREMENT,label VARCHAR NOT NULL,"
    "originator_cache_guid TEXT DEFAULT \"\" NOT NULL,n INTEGER DEFAULT 0 NOT NULL)",
    "CREATE TABLE appointments (time TIMESTAMP DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')))",
    "CREATE TABLE typenames(id integer primary key autoincrement, is_public integer default "
    "'\"0\"', "
    "name text nocase)",
    "CREATE TABLE users (email TEXT UNIQUE CHECK (email LIKE '%@%' AND length(email) < 255), role "
    "TEXT "
    "CHECK(role IN (\"admin\", \"user\")), meta JSON CHECK (json_valid(meta) OR meta IS NULL), "
    "id TEXT DEFAULT (lower(hex(randomblob(16)))), x AS (json_extract(meta, '$.x')) STORED)",
    "CREATE UNIQUE INDEX \"ix\" ON \"t\" (lower(\"email\"), \"a\" COLLATE NOCASE DESC) WHERE "
    "\"deleted_at\" IS NULL AND kind BETWEEN 1 AND 3",
    "CREATE VIEW [Invoices] \nAS\nSELECT Orders.ShipName, (Employees.FirstName + ' ' + "
    "Employees.LastName) AS Salesperson, ((([Order "
    "Details].UnitPrice*Quantity*(1-Discount))/100)*100) "
    "AS ExtendedPrice FROM Customers JOIN Orders ON Customers.CustomerID = Orders.CustomerID LEFT "
    "JOIN "
    "(SELECT a, b FROM c WHERE EXISTS (SELECT 1 FROM d)) AS s USING (a) GROUP BY 1 ORDER BY 2 DESC",
    "CREATE VIEW v(a, b) AS WITH RECURSIVE cnt(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM cnt "
    "LIMIT 9) "
    "SELECT x, CASE x WHEN 1 THEN 'a' ELSE (SELECT max(y) FROM t) END, row_number() OVER "
    "(PARTITION BY "
    "x ORDER BY y DESC) FROM cnt WHERE x NOT IN (SELECT 1) AND y ->> '$.a' IS NOT DISTINCT FROM "
    "'b'",
};

// Which of the three kinds of statement it claims to be does not matter here.
bool ParsesAsAnything(const std::string& sql) {
  const bool table = ParseCreateTable(sql).ok();
  const bool index = ParseCreateIndex(sql).ok();
  const bool view = ParseCreateView(sql).ok();
  const bool expression = ParseExpression(sql).ok();
  return table || index || view || expression;
}

TEST(SqlRobustness, ReadsStatementsOfRealSchemas) {
  for (const char* sql : kStatements) EXPECT_TRUE(ParsesAsAnything(sql)) << sql;
}

TEST(SqlRobustness, SurvivesRandomMutations) {
  const uint32_t seed = 977;
  std::mt19937 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  int parsed = 0, tried = 0;
  for (int round = 0; round < 600; ++round) {
    for (const char* statement : kStatements) {
      std::string sql = statement;
      const int changes = 1 + static_cast<int>(random() % 4);
      for (int change = 0; change < changes && !sql.empty(); ++change) {
        const size_t at = random() % sql.size();
        switch (random() % 5) {
          case 0: sql[at] = static_cast<char>(random() % 256); break;
          case 1: sql.erase(at, 1 + random() % 8); break;
          case 2: sql.insert(at, 1, "()'\"[]`,;.-*/x0\0\xff"[random() % 17]); break;
          case 3: sql.insert(at, sql.substr(random() % sql.size(), random() % 20)); break;
          default: sql.resize(at); break;
        }
      }
      parsed += ParsesAsAnything(sql);
      ++tried;
    }
  }
  // Both outcomes must occur, or the mutations test nothing.
  EXPECT_GT(parsed, tried / 50);
  EXPECT_LT(parsed, tried);
}

TEST(SqlRobustness, SurvivesEveryPrefix) {
  for (const char* statement : kStatements) {
    const std::string sql = statement;
    for (size_t size = 0; size < sql.size(); ++size) (void)ParsesAsAnything(sql.substr(0, size));
  }
}

TEST(SqlRobustness, SurvivesRandomTokens) {
  const uint32_t seed = 4711;
  std::mt19937 random(seed);
  static const char* kWords[] = {"select", "from", "(", ")", ",", "a", "'b'", "\"c\"", "1", "+",
    "not",
                                 "in", "is", "null", "case", "when", "then", "end", "between",
                                 "and",
                                 "over", "filter", "where", "join", "on", "using", ".", "*", "cast",
                                 "as", "create table t(", "default", "check", "references", "like",
                                 "escape", "values", "with", "order by", "limit", "collate", "x''"};
  for (int round = 0; round < 20000; ++round) {
    std::string sql;
    const size_t words = 1 + random() % 25;
    for (size_t i = 0; i < words; ++i) sql += std::string(kWords[random() % 42]) + " ";
    (void)ParsesAsAnything(sql);
    (void)ParsesAsAnything("create view v as " + sql);
    (void)ParsesAsAnything("create table t(x " + sql + ")");
  }
}

TEST(SqlRobustness, RefusesOversizedText) {
  EXPECT_FALSE(LexSql(std::string(kSqlBytesMax + 1, ' ')).ok());
  EXPECT_TRUE(LexSql(std::string(kSqlBytesMax, ' ')).ok());
  std::string wide = "CREATE TABLE t(c0";
  for (int i = 1; i < 30'000; ++i) wide += ", c" + std::to_string(i) + " INTEGER DEFAULT 0";
  EXPECT_TRUE(ParseCreateTable(wide + ")").ok());
}

// Files of other people are not part of the repository: LITE2PG_CORPUS names a directory of them.
// Without it the embedded statements above stand for them.
TEST(SqlRobustness, ReadsEveryStatementOfTheCorpus) {
  const char* directory = std::getenv("LITE2PG_CORPUS");
  if (directory == nullptr) {
    for (const char* sql : kStatements) ASSERT_TRUE(ParsesAsAnything(sql)) << sql;
    return;
  }
  int statements = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() != ".db") continue;
    sqlite3* db = nullptr;
    const std::string uri = "file:" + entry.path().string() + "?mode=ro&immutable=1";
    ASSERT_EQ(sqlite3_open_v2(uri.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr),
              SQLITE_OK);
    sqlite3_stmt* stmt = nullptr;
    sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE sql NOT NULL AND sql NOT LIKE "
                           "'CREATE VIRTUAL%' AND type <> 'trigger'", -1, &stmt, nullptr);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      const std::string sql = reinterpret_cast<const char*>(sqlite3_column_text(stmt, 0));
      EXPECT_TRUE(ParsesAsAnything(sql)) << entry.path() << "\n" << sql;
      ++statements;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
  }
  EXPECT_GT(statements, 0);
}

}  // namespace
}  // namespace lite2pg
