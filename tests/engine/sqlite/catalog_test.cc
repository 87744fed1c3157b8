#include "engine/sqlite/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CatalogTest : public ::testing::Test {
 protected:
  const SourceCatalog& Read(const std::string& sql) {
    WriteDatabase(dir_.File("a.db"), sql);
    return Reread();
  }
  const SourceCatalog& Reread() {
    connection_.emplace(OpenOrDie(dir_.File("a.db")));
    catalog_ = CatalogOrDie(*connection_);
    return catalog_;
  }
  const SourceTable& Table(const std::string& name) { return TableNamed(catalog_, name); }

  TempDir dir_;
  std::optional<SqliteConnection> connection_;
  SourceCatalog catalog_;
};

std::vector<std::string> NamesOf(const std::vector<SourceTable>& tables) {
  std::vector<std::string> names;
  for (const SourceTable& table : tables) names.push_back(table.name);
  return names;
}

TEST_F(CatalogTest, ReadsSettings) {
  const SourceCatalog& catalog =
      Read("PRAGMA page_size=512; PRAGMA encoding='UTF-16be'; PRAGMA user_version=-7;"
           "PRAGMA application_id=99; CREATE TABLE t(a)");
  EXPECT_EQ(catalog.path, std::filesystem::canonical(dir_.File("a.db")));
  EXPECT_EQ(catalog.encoding, "UTF-16be");
  EXPECT_EQ(catalog.journal_mode, "delete");
  EXPECT_EQ(catalog.page_size, 512);
  EXPECT_EQ(catalog.bytes(), static_cast<int64_t>(ReadFile(dir_.File("a.db")).size()));
  EXPECT_EQ(catalog.user_version, -7);
  EXPECT_EQ(catalog.application_id, 99);
  EXPECT_TRUE(connection_->utf16());
}

TEST_F(CatalogTest, ADatabaseWithoutTablesIsEmptyAndSound) {
  EXPECT_THAT(Read("PRAGMA user_version=1").tables, IsEmpty());
}

// https://www.sqlite.org/datatype3.html, the table of examples in section 3.1.1, and names seen in
// real files.
TEST(AffinityOf, FollowsTheRulesInTheirOrder) {
  const std::pair<const char*, Affinity> cases[] = {
      {"INT", Affinity::kInteger},        {"INTEGER", Affinity::kInteger},
      {"TINYINT", Affinity::kInteger},    {"UNSIGNED BIG INT", Affinity::kInteger},
      {"INT8", Affinity::kInteger},       {"CHARACTER(20)", Affinity::kText},
      {"VARCHAR(255)", Affinity::kText},  {"NATIVE CHARACTER(70)", Affinity::kText},
      {"TEXT", Affinity::kText},          {"CLOB", Affinity::kText},
      {"BLOB", Affinity::kBlob},          {"", Affinity::kBlob},
      {"REAL", Affinity::kReal},          {"DOUBLE PRECISION", Affinity::kReal},
      {"FLOAT", Affinity::kReal},         {"NUMERIC", Affinity::kNumeric},
      {"DECIMAL(10,5)", Affinity::kNumeric}, {"BOOLEAN", Affinity::kNumeric},
      {"DATE", Affinity::kNumeric},       {"DATETIME", Affinity::kNumeric},
      {"FLOATING POINT", Affinity::kInteger}, {"STRING", Affinity::kNumeric},
      {"CHARINT", Affinity::kInteger},    {"point", Affinity::kInteger},
      {"ANY", Affinity::kNumeric},        {"blobtext", Affinity::kText},
      {"INTERGER", Affinity::kInteger},   {"GUID", Affinity::kNumeric},
      {"text nocase", Affinity::kText},   {"realblob", Affinity::kBlob}};
  for (const auto& [type, affinity] : cases) {
    EXPECT_EQ(static_cast<int>(AffinityOf(type)), static_cast<int>(affinity)) << type;
  }
}

// Judged by SQLite itself: what typeof says of '1' stored as text shows the affinity.
TEST_F(CatalogTest, AffinityIsWhatSqliteDoes) {
  const char* const kTypes[] = {"INT",  "FLOATING POINT", "STRING", "TEXT",   "blobtext",
                                "BLOB", "realblob",       "REAL",   "DOUBLE", "DECIMAL(1,2)",
                                "ANY",  "charint"};
  std::string sql = "CREATE TABLE t(";
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    absl::StrAppend(&sql, i == 0 ? "" : ", ", "c", i, " ", kTypes[i]);
  }
  sql += "); INSERT INTO t VALUES('1'";
  for (size_t i = 1; i < std::size(kTypes); ++i) sql += ",'1'";
  Read(sql + ")");
  const SourceTable& table = Table("t");
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    const std::string type =
        connection_->QueryText(absl::StrCat("SELECT typeof(c", i, ") FROM t")).value();
    const Affinity affinity = table.columns[i].affinity;
    const bool keeps_text = affinity == Affinity::kText || affinity == Affinity::kBlob;
    EXPECT_EQ(type, keeps_text                      ? "text"
                    : affinity == Affinity::kReal ? "real"
                                                  : "integer")
        << kTypes[i];
  }
}

TEST_F(CatalogTest, ReadsColumns) {
  Read("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(10) NOT NULL DEFAULT 'x'"
       " COLLATE NOCASE, d DEFAULT NULL, v AS (id + 1), s TEXT AS (name || 'y') STORED,"
       " n DECIMAL(10, 2) DEFAULT (1 + 2), u unknown_type(3) COLLATE RTrim)");
  const SourceTable& table = Table("t");
  ASSERT_EQ(table.columns.size(), 7u);
  const SourceColumn& name = table.columns[1];
  EXPECT_EQ(name.declared_type, "VARCHAR(10)");
  EXPECT_TRUE(name.not_null);
  EXPECT_TRUE(name.has_default);
  EXPECT_EQ(name.default_sql, "'x'");
  EXPECT_EQ(name.collation, "NOCASE");
  EXPECT_TRUE(table.columns[2].has_default);
  EXPECT_EQ(table.columns[2].default_sql, "NULL");
  EXPECT_EQ(table.columns[2].declared_type, "");
  EXPECT_EQ(table.columns[3].generated, GeneratedKind::kVirtual);
  EXPECT_EQ(table.columns[4].generated, GeneratedKind::kStored);
  EXPECT_EQ(table.columns[4].declared_type, "TEXT");
  EXPECT_FALSE(table.columns[4].has_default);
  EXPECT_EQ(table.columns[5].default_sql, "1 + 2");
  EXPECT_EQ(table.columns[6].collation, "RTrim");
  EXPECT_EQ(table.rowid_alias, 0);
  EXPECT_TRUE(table.autoincrement);
  EXPECT_TRUE(table.sql_parsed);
}

TEST_F(CatalogTest, KnowsWhenAPrimaryKeyIsTheRowid) {
  const std::pair<const char*, int> cases[] = {
      {"(a INTEGER PRIMARY KEY, b)", 0},
      {"(b, a integer primary key)", 1},
      {"(a \"INTEGER\" PRIMARY KEY)", 0},
      {"(a INTEGER, b, PRIMARY KEY(a))", 0},
      {"(a INTEGER, b, PRIMARY KEY(a DESC))", 0},
      {"(a INTEGER PRIMARY KEY ASC)", 0},
      {"(a INTEGER PRIMARY KEY DESC)", -1},  // a quirk that SQLite keeps for old files
      {"(a INT PRIMARY KEY)", -1},
      {"(a BIGINT PRIMARY KEY)", -1},
      {"(a INTEGER(8) PRIMARY KEY)", -1},
      {"(a INTEGER NOT NULL, b INTEGER, PRIMARY KEY(a, b))", -1},
      {"(a TEXT PRIMARY KEY)", -1},
      {"(a)", -1},
      {"(a INTEGER UNIQUE)", -1},
      {"(a TEXT UNIQUE PRIMARY KEY)", -1},
      {"(a INTEGER PRIMARY KEY) WITHOUT ROWID", -1}};
  std::string sql;
  for (size_t i = 0; i < std::size(cases); ++i) {
    absl::StrAppend(&sql, "CREATE TABLE t", i, cases[i].first, ";");
  }
  Read(sql);
  for (size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(Table(absl::StrCat("t", i)).rowid_alias, cases[i].second) << cases[i].first;
  }
}

// By SQLite's own behaviour: a NULL put into the rowid's alias comes back as a number.
TEST_F(CatalogTest, TheRowidAliasTakesNullForANumber) {
  Read("CREATE TABLE a(k INTEGER, PRIMARY KEY(k DESC)); CREATE TABLE b(k INTEGER PRIMARY KEY DESC);"
       "INSERT INTO a VALUES(NULL); INSERT INTO b VALUES(NULL)");
  for (const char* name : {"a", "b"}) {
    const bool is_number =
        connection_->QueryInt(absl::StrCat("SELECT k IS NOT NULL FROM ", name)).value() != 0;
    EXPECT_EQ(Table(name).rowid_alias == 0, is_number) << name;
  }
}

TEST_F(CatalogTest, OrdersCompositeKeys) {
  Read("CREATE TABLE t(x, y, z, PRIMARY KEY(z, x));"
       "CREATE TABLE w(x, y, PRIMARY KEY(y DESC, x COLLATE NOCASE)) WITHOUT ROWID");
  EXPECT_THAT(Table("t").primary_key, ElementsAre(2, 0));
  EXPECT_EQ(Table("t").columns[0].primary_key_position, 2);
  EXPECT_FALSE(Table("t").columns[0].not_null) << "rowid tables allow NULL in their keys";
  const SourceTable& w = Table("w");
  EXPECT_EQ(w.kind, SourceTableKind::kWithoutRowid);
  EXPECT_THAT(w.primary_key, ElementsAre(1, 0));
  EXPECT_TRUE(w.columns[0].not_null);
  EXPECT_EQ(w.rowid_name, "");
  ASSERT_EQ(w.indexes.size(), 1u);
  EXPECT_EQ(w.indexes[0].origin, 'p');
  ASSERT_EQ(w.indexes[0].columns.size(), 2u);
  EXPECT_TRUE(w.indexes[0].columns[0].descending);
  EXPECT_EQ(w.indexes[0].columns[1].collation, "NOCASE");
}

TEST_F(CatalogTest, ReadsIndexes) {
  Read("CREATE TABLE t(a UNIQUE, b, c); CREATE INDEX i ON t(b DESC, a COLLATE NOCASE);"
       "CREATE UNIQUE INDEX \"j'x\" ON t(lower(c), b) WHERE c IS NOT NULL;");
  const SourceTable& table = Table("t");
  ASSERT_EQ(table.indexes.size(), 3u);
  EXPECT_EQ(table.indexes[0].origin, 'u');
  EXPECT_TRUE(table.indexes[0].unique);
  EXPECT_EQ(table.indexes[0].sql, "");
  EXPECT_EQ(table.indexes[1].name, "i");
  EXPECT_FALSE(table.indexes[1].unique);
  ASSERT_EQ(table.indexes[1].columns.size(), 2u);
  EXPECT_EQ(table.indexes[1].columns[0].name, "b");
  EXPECT_TRUE(table.indexes[1].columns[0].descending);
  EXPECT_EQ(table.indexes[1].columns[1].collation, "NOCASE");
  EXPECT_TRUE(table.indexes[2].partial);
  EXPECT_EQ(table.indexes[2].columns[0].column, -2);
  EXPECT_EQ(table.indexes[2].columns[0].name, "");
  EXPECT_THAT(table.indexes[2].sql, HasSubstr("WHERE c IS NOT NULL"));
}

TEST_F(CatalogTest, ReadsForeignKeys) {
  Read("CREATE TABLE p(a, b, PRIMARY KEY(a, b));"
       "CREATE TABLE c(x REFERENCES p ON DELETE CASCADE, y, z REFERENCES nowhere(q) "
       "DEFERRABLE INITIALLY DEFERRED,"
       "CONSTRAINT f FOREIGN KEY(y, x) REFERENCES P(b, a) ON UPDATE SET NULL DEFERRABLE)");
  const SourceTable& table = Table("c");
  ASSERT_EQ(table.foreign_keys.size(), 3u);
  EXPECT_EQ(table.foreign_keys[0].parent_table, "p");
  EXPECT_THAT(table.foreign_keys[0].child_columns, ElementsAre("x"));
  EXPECT_THAT(table.foreign_keys[0].parent_columns, IsEmpty());
  EXPECT_EQ(table.foreign_keys[0].on_delete, "CASCADE");
  EXPECT_FALSE(table.foreign_keys[0].deferrable);
  EXPECT_EQ(table.foreign_keys[1].parent_table, "nowhere");
  EXPECT_TRUE(table.foreign_keys[1].initially_deferred);
  EXPECT_THAT(table.foreign_keys[2].child_columns, ElementsAre("y", "x"));
  EXPECT_THAT(table.foreign_keys[2].parent_columns, ElementsAre("b", "a"));
  EXPECT_EQ(table.foreign_keys[2].on_update, "SET NULL");
  EXPECT_TRUE(table.foreign_keys[2].deferrable);
  EXPECT_FALSE(table.foreign_keys[2].initially_deferred);
}

TEST_F(CatalogTest, ReadsChecks) {
  Read("CREATE TABLE t(a CHECK(a > 0), b, CONSTRAINT \"named\" CHECK(b <> ',)'))");
  const SourceTable& table = Table("t");
  ASSERT_EQ(table.checks.size(), 2u);
  EXPECT_EQ(table.checks[0].name, "");
  EXPECT_EQ(table.checks[0].sql, "a > 0");
  EXPECT_EQ(table.checks[1].name, "named");
  EXPECT_EQ(table.checks[1].sql, "b <> ',)'");
}

TEST_F(CatalogTest, ReadsSequences) {
  Read("CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE u(id INTEGER PRIMARY "
       "KEY AUTOINCREMENT); CREATE TABLE v(id INTEGER PRIMARY KEY); INSERT INTO t VALUES(500);"
       "DELETE FROM t; INSERT INTO sqlite_sequence VALUES('t', 70), ('gone', 9)");
  EXPECT_TRUE(Table("t").has_sequence);
  EXPECT_EQ(Table("t").sequence, 500);
  EXPECT_FALSE(Table("u").has_sequence);
  EXPECT_FALSE(Table("v").has_sequence);
  EXPECT_EQ(Table("sqlite_sequence").kind, SourceTableKind::kSystem);
}

TEST_F(CatalogTest, ReadsStrictTables) {
  Read("CREATE TABLE t(a INT, b ANY, c TEXT PRIMARY KEY) STRICT; CREATE TABLE u(a ANY)");
  EXPECT_TRUE(Table("t").strict);
  EXPECT_EQ(Table("t").columns[1].affinity, Affinity::kBlob);
  EXPECT_TRUE(Table("t").columns[2].not_null);
  EXPECT_FALSE(Table("u").strict);
  EXPECT_EQ(Table("u").columns[0].affinity, Affinity::kNumeric);
}

TEST_F(CatalogTest, KeepsViewsAndTriggersAsText) {
  const SourceCatalog& catalog =
      Read("CREATE TABLE t(a); CREATE VIEW v AS SELECT a FROM t;"
           "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;"
           "CREATE TRIGGER h INSTEAD OF INSERT ON v BEGIN SELECT 2; END");
  ASSERT_EQ(catalog.views.size(), 1u);
  EXPECT_EQ(catalog.views[0].sql, "CREATE VIEW v AS SELECT a FROM t");
  ASSERT_EQ(catalog.triggers.size(), 2u);
  EXPECT_EQ(catalog.triggers[0].table, "t");
  EXPECT_EQ(catalog.triggers[1].table, "v");
  EXPECT_THAT(NamesOf(catalog.tables), ElementsAre("t"));
}

TEST_F(CatalogTest, KeepsHostileNames) {
  const std::string hostile = "a\"b'c[d]e`f\n\t%s--/*,; \xf0\x9f\x98\x80";
  std::string quoted;
  for (const char c : hostile) quoted += c == '"' ? "\"\"" : std::string(1, c);
  Read("CREATE TABLE \"" + quoted + "\"(\"" + quoted + "\" INTEGER PRIMARY KEY, \"\" TEXT);"
       "CREATE INDEX \"i" + quoted + "\" ON \"" + quoted + "\"(\"\")");
  const SourceTable& table = Table(hostile);
  EXPECT_EQ(table.unreadable, "");
  EXPECT_EQ(table.columns[0].name, hostile);
  EXPECT_EQ(table.columns[1].name, "");
  EXPECT_EQ(table.indexes[0].name, "i" + hostile);
  EXPECT_EQ(table.rowid_alias, 0);
}

TEST_F(CatalogTest, PicksARowidNameThatNoColumnHides) {
  Read("CREATE TABLE a(x); CREATE TABLE b(ROWID); CREATE TABLE c(rowid, _RowId_);"
       "CREATE TABLE d(rowid, _rowid_, oid)");
  EXPECT_EQ(Table("a").rowid_name, "rowid");
  EXPECT_EQ(Table("b").rowid_name, "_rowid_");
  EXPECT_EQ(Table("c").rowid_name, "oid");
  EXPECT_EQ(Table("d").rowid_name, "");
}

// ---- What is not a table -----------------------------------------------------------------------

TEST_F(CatalogTest, NamesVirtualTablesAndTheirShadows) {
  Read("CREATE VIRTUAL TABLE docs USING fts5(title, body); CREATE VIRTUAL TABLE \"old docs\" USING "
       "fts4(x); CREATE VIRTUAL TABLE box USING rtree(id, a, b); INSERT INTO docs VALUES('t', 'b');"
       "CREATE TABLE docs_other(a); CREATE TABLE box_notes(a); CREATE TABLE plain_content(a)");
  EXPECT_EQ(Table("docs").kind, SourceTableKind::kVirtual);
  EXPECT_EQ(Table("docs").owner, "fts5");
  EXPECT_EQ(Table("docs").unreadable, "");
  ASSERT_EQ(Table("docs").columns.size(), 3u) << "its row number, and none of the hidden ones";
  for (const char* shadow : {"docs_data", "docs_idx", "docs_content", "docs_docsize",
                             "docs_config"}) {
    EXPECT_EQ(Table(shadow).kind == SourceTableKind::kShadow, true) << shadow;
    EXPECT_EQ(Table(shadow).owner, "docs") << shadow;
  }
  EXPECT_EQ(Table("old docs_segdir").owner, "old docs");
  EXPECT_TRUE(Table("docs_idx").without_rowid);
  EXPECT_TRUE(ReadRows(*connection_, MakeTableReading(Table("docs_idx"), {0})).ok());
  EXPECT_EQ(Table("box_node").owner, "box");
  for (const char* ordinary : {"docs_other", "box_notes", "plain_content"}) {
    EXPECT_EQ(Table(ordinary).kind, SourceTableKind::kOrdinary) << ordinary;
  }
}

TEST_F(CatalogTest, FindsTheContentOfFullTextTablesAndTrees) {
  Read("CREATE VIRTUAL TABLE f5 USING fts5(title, \"body text\" UNINDEXED, tokenize = 'porter');"
       "CREATE VIRTUAL TABLE f4 USING fts4(title, body, languageid=\"lid\");"
       "CREATE VIRTUAL TABLE less USING fts5(a, content='');"
       "CREATE TABLE t(id INTEGER PRIMARY KEY, a);"
       "CREATE VIRTUAL TABLE extern USING fts5(a, content='t', content_rowid='id');"
       "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, +note TEXT);"
       "INSERT INTO f5(rowid, title, \"body text\") VALUES(7, 'a', 'b'), (9, 'c', NULL);"
       "INSERT INTO f4(docid, title, body, lid) VALUES(3, 'a', 'b', 1);"
       "INSERT INTO box VALUES(5, 0.5, 1.5, 'n')");
  const auto names = [this](const char* table) {
    std::vector<std::string> out;
    for (const SourceColumn& column : Table(table).columns) out.push_back(column.name);
    return out;
  };
  EXPECT_THAT(names("f5"), testing::ElementsAre("rowid", "title", "body text"));
  EXPECT_THAT(names("f4"), testing::ElementsAre("rowid", "title", "body", "lid"));
  EXPECT_THAT(names("box"), testing::ElementsAre("id", "x0", "x1", "note"));
  EXPECT_THAT(Table("less").no_content, HasSubstr("contentless"));
  EXPECT_THAT(Table("extern").no_content, HasSubstr("of t"));
  for (const char* table : {"f5", "f4", "box"}) {
    SCOPED_TRACE(table);
    std::vector<int> columns;
    for (size_t i = 0; i < Table(table).columns.size(); ++i) columns.push_back(static_cast<int>(i));
    const auto rows = ReadRows(*connection_, MakeTableReading(Table(table), columns));
    ASSERT_TRUE(rows.ok()) << rows.status();
    EXPECT_EQ(rows->size(), std::string(table) == "f5" ? 2u : 1u);
  }
}

// Changes the schema's text behind SQLite's back, as another program's file would have it.
void EditSchema(const std::string& path, const std::string& update) {
  Writer writer(path);
  writer.Run("PRAGMA writable_schema=ON; " + update + "; PRAGMA writable_schema=OFF");
}

TEST_F(CatalogTest, AnUnknownModuleStopsNothingElse) {
  WriteDatabase(dir_.File("a.db"),
                "CREATE VIRTUAL TABLE s USING fts4(word); CREATE TABLE s_vocab(a);"
                "CREATE VIRTUAL TABLE tok USING fts4(x); CREATE TABLE good(a, b);"
                "INSERT INTO good VALUES(1, 2)");
  EditSchema(dir_.File("a.db"),
             "UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE s USING /* x */ \"spellfix1\"' "
             "WHERE name = 's'; UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE tok USING "
             "fts4(x, tokenize=nosuch)' WHERE name = 'tok'");
  Reread();
  EXPECT_EQ(Table("s").kind, SourceTableKind::kVirtual);
  EXPECT_EQ(Table("s").owner, "spellfix1");
  EXPECT_THAT(Table("s").unreadable, HasSubstr("spellfix1"));
  EXPECT_EQ(Table("s_vocab").kind, SourceTableKind::kShadow) << "known by its name";
  EXPECT_EQ(Table("s_vocab").owner, "s");
  EXPECT_EQ(Table("tok").content_table, "tok_content") << "its text needs no tokenizer";
  EXPECT_EQ(Table("good").unreadable, "");
  EXPECT_EQ(Table("good").columns.size(), 2u);
}

TEST_F(CatalogTest, AViewThatNoLongerParsesStopsNothingElse) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE before(a); CREATE VIEW v AS SELECT a FROM before;"
                                   "CREATE TABLE after(b); INSERT INTO after VALUES(5)");
  EditSchema(dir_.File("a.db"), "UPDATE sqlite_schema SET sql = 'CREATE VIEW v AS SELECT a FROM "
                                "(before' WHERE name = 'v'");
  const SourceCatalog& catalog = Reread();
  EXPECT_THAT(NamesOf(catalog.tables), ElementsAre("before", "after"));
  EXPECT_EQ(Table("after").unreadable, "");
  EXPECT_EQ(catalog.views.size(), 1u);
  EXPECT_THAT(connection_->schema_damage(), HasSubstr("malformed"));
  const TableReading reading = MakeTableReading(Table("after"), {0});
  EXPECT_THAT(ReadRows(*connection_, reading).value(), ElementsAre("5"));
  EXPECT_FALSE(connection_->Execute("PRAGMA writable_schema=ON").ok());
  EXPECT_FALSE(connection_->Execute("DELETE FROM sqlite_schema").ok());
}

TEST_F(CatalogTest, ATableThatNoLongerParsesStopsNothingElse) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE bad(a); CREATE TABLE good(b)");
  EditSchema(dir_.File("a.db"), "UPDATE sqlite_schema SET sql = 'CREATE TABLE bad(a' "
                                "WHERE name = 'bad'");
  Reread();
  EXPECT_THAT(Table("bad").unreadable, HasSubstr("malformed"));
  EXPECT_EQ(Table("good").unreadable, "");
}

// Found by the SQLite project's fuzz corpus (fuzzdata3-121): SQLite makes the table of what comes
// before the error, and half of its columns would have been left out without a word.
TEST_F(CatalogTest, ATableThatParsesOnlyUpToAnErrorIsNotTakenForWhole) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE bad(a, b, c, d); CREATE TABLE good(b)");
  EditSchema(dir_.File("a.db"), "UPDATE sqlite_schema SET sql = 'CREATE TABLE bad(a, b DEFAULT (1"
                                "))) 5, c, d)' WHERE name = 'bad'");
  Reread();
  EXPECT_THAT(Table("bad").unreadable, HasSubstr("malformed"));
  EXPECT_EQ(Table("good").unreadable, "");
}

absl::Status CatalogError(const std::string& path) {
  SqliteConnection connection = OpenOrDie(path);
  return ReadSourceCatalog(connection).status();
}

TEST_F(CatalogTest, AnIndexThatNoLongerParsesIsDamage) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE t(a); CREATE INDEX i ON t(a)");
  EditSchema(dir_.File("a.db"),
             "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a' WHERE name = 'i'");
  const ErrorInfo info = InfoOf(CatalogError(dir_.File("a.db")));
  EXPECT_EQ(info.code, ErrorCode::kSourceCorrupt);
  EXPECT_THAT(info.what, HasSubstr("index i"));
}

// Without it the table would be left out as a view that nobody understands.
TEST_F(CatalogTest, ATableThatSaysToBeAViewIsDamage) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE t(a); CREATE TABLE u(b)");
  EditSchema(dir_.File("a.db"), "UPDATE sqlite_schema SET type = 'view' WHERE name = 't'");
  const ErrorInfo info = InfoOf(CatalogError(dir_.File("a.db")));
  EXPECT_EQ(info.code, ErrorCode::kSourceCorrupt);
  EXPECT_EQ(info.exit_code, ExitCode::kSource);
  EXPECT_THAT(info.what, HasSubstr("view t"));
}

// What it is not needed for can be done without it: SQLite compares nothing when it walks a table.
TEST_F(CatalogTest, AMissingCollationMattersOnlyToWhatCompares) {
  WriteDatabase(dir_.File("a.db"),
                "CREATE TABLE plain(a TEXT COLLATE NOCASE UNIQUE, b); INSERT INTO plain VALUES('x',"
                "1),('y', 2); CREATE TABLE keyed(a TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID;"
                "INSERT INTO keyed VALUES('k')");
  EditSchema(dir_.File("a.db"), "UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'lost') "
                                "WHERE type = 'table'");
  Reread();
  EXPECT_EQ(Table("plain").unreadable, "");
  EXPECT_EQ(Table("plain").columns[0].collation, "lost");
  EXPECT_EQ(ReadRows(*connection_, MakeTableReading(Table("plain"), {0, 1}))->size(), 2u);
  const TableReading keyed = MakeTableReading(Table("keyed"), {0});
  EXPECT_EQ(keyed.key_kind, KeyKind::kNone);
  EXPECT_EQ(Table("keyed").unreadable, "");
  EXPECT_EQ(ReadRows(*connection_, keyed)->size(), 1u);
  TableReading compared = keyed;
  compared.where_sql = "a < 'x'";
  const absl::Status status = ReadRows(*connection_, compared).status();
  EXPECT_EQ(InfoOf(status).code, ErrorCode::kSourceUnreadable);
  EXPECT_THAT(status.ToString(), HasSubstr("lost"));
  // Nothing is left behind that would compare by another order than the application's.
  EXPECT_FALSE(connection_->Prepare("SELECT a FROM plain ORDER BY a").ok());
}

TEST_F(CatalogTest, AMissingFunctionIsNamedWithWhatItWouldCompute) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE bad(a, b AS (abs(a)), c AS (a + 1),"
                                   " d AS (abs(a)) STORED); CREATE TABLE good(a)");
  EditSchema(dir_.File("a.db"), "UPDATE sqlite_schema SET sql = replace(sql, 'abs', 'lost') "
                                "WHERE name = 'bad'");
  Reread();
  EXPECT_EQ(Table("bad").unreadable, "") << "all that is stored can be read";
  EXPECT_THAT(Table("bad").columns[1].unreadable, HasSubstr("lost"));
  for (const int readable : {0, 2, 3}) {
    EXPECT_EQ(Table("bad").columns[static_cast<size_t>(readable)].unreadable, "") << readable;
  }
  EXPECT_EQ(Table("good").unreadable, "");
}

// SQLite's own loading of a schema takes time that grows with the square of its entries.
TEST_F(CatalogTest, ASchemaThatTakesTooLongIsRefused) {
  WriteDatabase(dir_.File("a.db"), "CREATE TABLE t(a)");
  EditSchema(dir_.File("a.db"),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
             "INSERT INTO sqlite_schema SELECT 'view', 'v' || i, 'v' || i, 0, "
             "'CREATE VIEW v' || i || ' AS SELECT 1' FROM n");
  EXPECT_EQ(CodesOf(SqliteConnection::Open(dir_.File("a.db"), {.schema_timeout_ms = 200}).status()),
            "1012/5");
}

}  // namespace
}  // namespace lite2pg
