// The direct reader against the library, feature by feature of the file format.
#include <random>

#include "engine/sqlite/pages/page_row_source.h"
#include "tests/engine/sqlite/pages/reader_pair.h"

namespace lite2pg {
namespace {

class PageReader : public testing::Test {
 protected:
  // Writes the database, and expects both readers to give the same rows, `rows` of them.
  void ExpectSame(const std::string& sql, size_t rows, bool by_pages = true) {
    const std::string path = dir_.File("t" + std::to_string(files_++) + ".db");
    WriteDatabase(path, sql);
    EXPECT_EQ(ExpectSameReaders(path, by_pages), rows) << sql;
  }
  Outcomes ReadTable(const std::string& path, const std::string& table, ReaderChoice choice,
                     const std::vector<int>& columns = {}) {
    const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, choice);
    const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
    const SourceTable& found = TableNamed(catalog, table);
    const TableReading reading =
        MakeTableReading(found, columns.empty() ? AllColumns(found) : columns);
    return ReadAll(*snapshot->NewRowSource(0), reading);
  }

  TempDir dir_;
  int files_ = 0;
};

constexpr char kNumbers[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) ";

TEST_F(PageReader, ReadsEverySerialType) {
  ExpectSame(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v);"
      "INSERT INTO t(v) VALUES(NULL),(0),(1),(2),(-1),(127),(-128),(128),(-129),(32767),(-32768),"
      "(32768),(8388607),(-8388608),(8388608),(2147483647),(-2147483648),(2147483648),"
      "(140737488355327),(-140737488355328),(140737488355328),(9223372036854775807),"
      "(-9223372036854775808),(1.5),(-0.0),(1e308),(-9e999),(''),('a'),(x''),(x'00'),"
      "(hex(zeroblob(40))),(zeroblob(63)),(hex(zeroblob(70000)));",
      34);
}

TEST_F(PageReader, ReadsExtremeRowids) {
  ExpectSame(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(-9223372036854775808,'min'),"
      "(9223372036854775807,'max'),(-1,'m'),(0,'z'),(1,'o'),(4294967296,'b');"
      "CREATE TABLE plain(a); INSERT INTO plain(rowid,a) VALUES(-5,1),(700000000000,2);",
      8);
}

TEST_F(PageReader, ReadsEveryPageSizeEncodingAndVacuumMode) {
  for (const int page_size : {512, 1024, 4096, 32768, 65536}) {
    for (const char* encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
      for (const int vacuum : {0, 1, 2}) {
        SCOPED_TRACE(absl::StrCat(page_size, " ", encoding, " ", vacuum));
        ExpectSame(absl::StrCat("PRAGMA page_size=", page_size, "; PRAGMA encoding='", encoding,
                                "'; PRAGMA auto_vacuum=", vacuum,
                                "; CREATE TABLE t(a TEXT, b REAL, c BLOB);", kNumbers,
                                "INSERT INTO t SELECT 'r\xC3\xA4ksm\xF0\x9F\x98\x80'||i, i, "
                                "zeroblob(i % 50) FROM n WHERE i <= 700;"
                                "INSERT INTO t VALUES(hex(zeroblob(9000)), 1, zeroblob(70000));"
                                "CREATE TABLE k(a TEXT, b INT, c TEXT, PRIMARY KEY(b DESC, a)) "
                                "WITHOUT ROWID; INSERT INTO k SELECT a, rowid % 90, a FROM t;"),
                   1'402);
      }
    }
  }
}

TEST_F(PageReader, ReadsFilesWithReservedBytes) {
  const std::string path = dir_.File("reserved.db");
  {
    Writer writer(path);
    int reserved = 40;
    ASSERT_EQ(sqlite3_file_control(writer.raw(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved),
              SQLITE_OK);
    writer.Run(absl::StrCat("PRAGMA page_size=1024; CREATE TABLE t(a, b);", kNumbers,
                            "INSERT INTO t SELECT i, hex(zeroblob(i % 2000)) FROM n;"));
  }
  EXPECT_EQ(static_cast<uint8_t>(ReadFile(path)[20]), 40);
  EXPECT_EQ(ExpectSameReaders(path, true), 3'000u);
}

TEST_F(PageReader, GivesLaterColumnsTheirDefaults) {
  ExpectSame(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t(a) VALUES('x'),('y');"
      "ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'd\xC3\xA9j\xC3\xA0';"
      "ALTER TABLE t ADD COLUMN c REAL DEFAULT 5; ALTER TABLE t ADD COLUMN d;"
      "ALTER TABLE t ADD COLUMN e INT DEFAULT '7'; INSERT INTO t(a) VALUES('new');"
      "ALTER TABLE t ADD COLUMN f BLOB NOT NULL DEFAULT x'0102';"
      "ALTER TABLE t DROP COLUMN d; INSERT INTO t(a,c) VALUES('newer', 9);"
      "CREATE TABLE k(a TEXT COLLATE NOCASE, b INT, PRIMARY KEY(b, a)) WITHOUT ROWID;"
      "INSERT INTO k VALUES('q', 1),('Q', 2); ALTER TABLE k ADD COLUMN c REAL DEFAULT 3;"
      "INSERT INTO k VALUES('r', 0, 1.25);"
      "CREATE TABLE i(a REAL DEFAULT 1, b); INSERT INTO i(b) VALUES(1),(2.5),(NULL);",
      10);
  ExpectSame(
      "PRAGMA encoding='UTF-16le'; CREATE TABLE k(a TEXT PRIMARY KEY, b INT) WITHOUT ROWID;"
      "INSERT INTO k VALUES('\xC3\xA4',1),('b',2); ALTER TABLE k ADD COLUMN c DEFAULT '\xC3\xBC';",
      2);
}

TEST_F(PageReader, ReadsReorderedColumnsAndKeysThatAreNotWanted) {
  const std::string path = dir_.File("columns.db");
  WriteDatabase(path, absl::StrCat("CREATE TABLE t(a, id INTEGER PRIMARY KEY, b TEXT, c REAL);"
                                   "CREATE TABLE k(v, x TEXT, y INT, PRIMARY KEY(y, x)) "
                                   "WITHOUT ROWID;", kNumbers,
                                   "INSERT INTO t SELECT i, NULL, 'b'||i, i FROM n;"
                                   "INSERT INTO k SELECT b, a, -id FROM t;"));
  for (const std::vector<int>& columns :
       {std::vector<int>{3, 0}, {1}, {2}, {2, 1, 0}, {0}, {1, 0}}) {
    for (const char* table : {"t", "k"}) {
      if (columns[0] == 3 && table[0] == 'k') continue;
      const Outcomes pages = ReadTable(path, table, ReaderChoice::kPages, columns);
      const Outcomes library = ReadTable(path, table, ReaderChoice::kLibrary, columns);
      EXPECT_EQ(pages.rows.size(), 3'000u);
      EXPECT_EQ(pages.rows, library.rows);
      EXPECT_TRUE(pages.used.pages);
    }
  }
}

TEST_F(PageReader, ReadsStoredGeneratedColumnsAndLeavesVirtualOnes) {
  ExpectSame(
      "CREATE TABLE t(a INT, v INT GENERATED ALWAYS AS (a + 1) VIRTUAL, b TEXT, "
      "s TEXT GENERATED ALWAYS AS (b || a) STORED, c, r REAL AS (a * 2) STORED);"
      "INSERT INTO t(a,b,c) VALUES(1,'x',2.5),(2,'y',NULL);",
      2);
  const std::string path = dir_.File("virtual.db");
  WriteDatabase(path, "CREATE TABLE t(a INT, v INT AS (a + 1)); INSERT INTO t(a) VALUES(1);");
  const Outcomes out = ReadTable(path, "t", ReaderChoice::kAuto);
  EXPECT_FALSE(out.used.pages);
  EXPECT_THAT(out.used.reason, testing::HasSubstr("virtual generated column"));
  EXPECT_EQ(out.rows, ReadTable(path, "t", ReaderChoice::kLibrary).rows);
  EXPECT_EQ(ReadTable(path, "t", ReaderChoice::kPages).error, "9001/2");
}

TEST_F(PageReader, ReadsStrictEmptyAndWideTables) {
  std::string wide = "CREATE TABLE w(c0", values = "1";
  for (int i = 1; i < 1'500; ++i) {
    absl::StrAppend(&wide, ", c", i, i % 3 == 0 ? " REAL" : i % 3 == 1 ? " TEXT" : "");
    absl::StrAppend(&values, ",", i % 7 == 0 ? "NULL" : std::to_string(i * 37));
  }
  ExpectSame(absl::StrCat(wide, "); INSERT INTO w VALUES(", values, ");",
                          "CREATE TABLE e(a, b); CREATE TABLE ek(a PRIMARY KEY) WITHOUT ROWID;"
                          "CREATE TABLE s(a INTEGER PRIMARY KEY, b REAL, c ANY, d TEXT) STRICT;"
                          "INSERT INTO s VALUES(1, 5, '5', 'x'),(2, 2.5, 7, NULL);"),
             3);
}

TEST_F(PageReader, ReadsKeysOfEveryOrder) {
  ExpectSame(absl::StrCat(
                 "PRAGMA page_size=512;"
                 "CREATE TABLE a(x, y, z, PRIMARY KEY(x DESC, y COLLATE NOCASE, z COLLATE RTRIM)) "
                 "WITHOUT ROWID;"
                 "CREATE TABLE b(x REAL PRIMARY KEY, y) WITHOUT ROWID;"
                 "CREATE TABLE c(x, y, PRIMARY KEY(y, x, y)) WITHOUT ROWID;"
                 "CREATE TABLE d(k TEXT PRIMARY KEY, v) WITHOUT ROWID;",
                 "CREATE TABLE n(i INTEGER PRIMARY KEY); WITH RECURSIVE m(i) AS (SELECT 1 UNION "
                 "ALL SELECT i + 1 FROM m WHERE i < 3000) INSERT INTO n SELECT i FROM m;"
                 "INSERT INTO a SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i / 7.0 WHEN 2 THEN "
                 "'T' || (i % 30) ELSE zeroblob(i % 9) END, char(65 + i % 40), i || '  ' FROM n;"
                 "INSERT INTO b SELECT i / 2, i FROM n WHERE i % 2;"
                 "INSERT INTO c SELECT i, -i FROM n;"
                 "INSERT INTO d SELECT hex(zeroblob(i % 500)) || i, i FROM n;"),
             13'500);
}

TEST_F(PageReader, ReadsRowsThatOverflowTheirPages) {
  ExpectSame(absl::StrCat("PRAGMA page_size=512; PRAGMA auto_vacuum=1; CREATE TABLE t(a, b, c);",
                          kNumbers,
                          "INSERT INTO t SELECT hex(zeroblob(i)), i, hex(randomblob(i % 700)) "
                          "FROM n WHERE i <= 800; DELETE FROM t WHERE b % 3 = 0;"
                          "UPDATE t SET a = hex(zeroblob(3000 - b)) WHERE b % 5 = 0;"
                          "PRAGMA incremental_vacuum; CREATE TABLE big(a, b);"
                          "INSERT INTO big VALUES(zeroblob(3000000), hex(randomblob(500000)));"),
             535);
}

// ---- Journals ---------------------------------------------------------------------------------

TEST_F(PageReader, ReadsPagesFromTheWriteAheadLog) {
  const std::string path = dir_.File("wal.db");
  Writer writer(path);
  writer.Run(absl::StrCat("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                          "CREATE TABLE t(a, b);", kNumbers,
                          "INSERT INTO t SELECT i, 'v'||i FROM n;"
                          "PRAGMA wal_checkpoint(PASSIVE);"));
  // Everything is in the file; then some of it only in the log.
  EXPECT_EQ(ExpectSameReaders(path, true), 3'000u);
  writer.Run("UPDATE t SET b = 'changed' WHERE a % 10 = 0; INSERT INTO t VALUES(-1, 'added')");
  EXPECT_EQ(ExpectSameReaders(path, true), 3'001u);
  writer.Run("DELETE FROM t WHERE a < 2000; CREATE TABLE u(x PRIMARY KEY) WITHOUT ROWID;"
             "INSERT INTO u SELECT a FROM t");
  EXPECT_EQ(ExpectSameReaders(path, true), 2'002u);
}

TEST_F(PageReader, KeepsItsStateUnderALiveWriter) {
  const std::string path = dir_.File("live.db");
  Writer writer(path);
  writer.Run(absl::StrCat("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                          "CREATE TABLE t(a INTEGER PRIMARY KEY, b);", kNumbers,
                          "INSERT INTO t SELECT i, hex(zeroblob(i % 90)) FROM n;"
                          "PRAGMA wal_checkpoint(PASSIVE); UPDATE t SET b = a WHERE a % 7 = 0;"));
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, ReaderChoice::kPages);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  const TableReading reading = MakeTableReading(catalog.tables[0], {0, 1});
  const std::unique_ptr<RowSource> library = NewLibraryRowSource(snapshot->reader(0));
  const Outcomes expected = ReadAll(*library, reading);
  const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
  ASSERT_TRUE(pages->Open(reading, {}).ok());
  for (size_t i = 0; i < expected.rows.size(); ++i) {
    if (i % 500 == 0) {
      writer.Run("UPDATE t SET b = 'later ' || random(); INSERT INTO t(b) VALUES('more');"
                 "PRAGMA wal_checkpoint(PASSIVE)");
    }
    const absl::StatusOr<std::span<const SourceValue>> row = pages->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    ASSERT_EQ(ShowRow(*pages, *row, true), expected.rows[i]);
  }
  EXPECT_TRUE(pages->Next()->empty());
  EXPECT_TRUE(pages->used().pages) << pages->used().reason;
}

// All frames are in the database file: then SQLite reads without the log, and a writer may begin it
// anew while we read.
TEST_F(PageReader, KeepsItsStateWhileTheLogIsStartedAnew) {
  const std::string path = dir_.File("restart.db");
  Writer writer(path);
  writer.Run(absl::StrCat("PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b);",
                          kNumbers, "INSERT INTO t SELECT i, 'v' FROM n;"
                          "PRAGMA wal_checkpoint(PASSIVE)"));
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, ReaderChoice::kPages);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  const TableReading reading = MakeTableReading(catalog.tables[0], {0, 1});
  const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
  ASSERT_TRUE(pages->Open(reading, {}).ok());
  writer.Run("UPDATE t SET b = 'later'; PRAGMA wal_checkpoint(PASSIVE); UPDATE t SET b = 'last'");
  for (int i = 1; i <= 3'000; ++i) {
    const absl::StatusOr<std::span<const SourceValue>> row = pages->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    ASSERT_EQ((*row)[0].integer, i);
    ASSERT_EQ((*row)[1].bytes(), "v");
  }
  EXPECT_TRUE(pages->Next()->empty());
}

TEST_F(PageReader, ReadsImmutableFiles) {
  const std::string path = dir_.File("immutable.db");
  WriteDatabase(path, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
  EXPECT_EQ(ExpectSameReaders("file:" + path + "?immutable=1", true), 2u);
}

TEST_F(PageReader, SaysThatALockedFileWasChanged) {
  const std::string path = dir_.File("changed.db");
  WriteDatabase(path, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2)");
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, ReaderChoice::kPages);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  const TableReading reading = MakeTableReading(catalog.tables[0], {0});
  const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
  ASSERT_TRUE(pages->Open(reading, {}).ok());
  ASSERT_TRUE(pages->Next().ok());
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(27);
    file.put('\x77');  // the change counter
  }
  absl::StatusOr<std::span<const SourceValue>> row = pages->Next();
  if (row.ok()) row = pages->Next();
  EXPECT_EQ(CodesOf(row.status()), "1007/5");
}

// Neither a signal nor a short row: what is missing is found.
TEST_F(PageReader, SurvivesAFileThatIsCutWhileItIsRead) {
  const std::string path = dir_.File("cut.db");
  WriteDatabase(path, absl::StrCat("CREATE TABLE t(a, b);", kNumbers,
                                   "INSERT INTO t SELECT i, hex(zeroblob(300)) FROM n"));
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, ReaderChoice::kPages);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  const TableReading reading = MakeTableReading(catalog.tables[0], {0, 1});
  const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
  ASSERT_TRUE(pages->Open(reading, {}).ok());
  ASSERT_TRUE(pages->Next().ok());
  std::filesystem::resize_file(path, 65'536);
  int rows = 1;
  absl::Status status;
  while (true) {
    const absl::StatusOr<std::span<const SourceValue>> row = pages->Next();
    status = row.status();
    if (!row.ok() || row->empty()) break;
    ++rows;
  }
  EXPECT_FALSE(status.ok()) << rows;
  EXPECT_EQ(InfoOf(status).exit_code, ExitCode::kSource);
  EXPECT_EQ(InfoOf(status).table, "t");
}

// ---- Ranges -----------------------------------------------------------------------------------

struct Shape {
  const char* name;
  const char* schema;
  const char* insert;
};
constexpr Shape kShapes[] = {
    {"rowid", "CREATE TABLE t(a INTEGER PRIMARY KEY, b);", "SELECT i * 10, 'v'||i FROM n"},
    {"skewed", "CREATE TABLE t(a INTEGER PRIMARY KEY, b);",
     "SELECT i * i * i * i * i, hex(zeroblob(i % 40)) FROM n"},
    {"text", "CREATE TABLE t(a TEXT PRIMARY KEY, b) WITHOUT ROWID;",
     "SELECT 'key-' || (i * 7919 % 3001), hex(zeroblob(i % 40)) FROM n"},
    {"down", "CREATE TABLE t(a, b, c, PRIMARY KEY(b DESC, a COLLATE NOCASE)) WITHOUT ROWID;",
     "SELECT char(65 + i % 57) || i, i % 20 / 2.0, i FROM n"},
    {"numbers", "CREATE TABLE t(a INT, b, PRIMARY KEY(b, a)) WITHOUT ROWID;",
     "SELECT i, CASE i % 3 WHEN 0 THEN i WHEN 1 THEN i * 0.5 ELSE 'x' || i END FROM n"},
};

// Cuts the whole table again and again, reads the parts by pages, and joins them.
TEST_F(PageReader, PartsOfATableMakeUpTheWhole) {
  for (const char* encoding : {"UTF-8", "UTF-16be"}) {
    for (const Shape& shape : kShapes) {
      if (encoding[4] == '1' && shape.name == absl::string_view("down")) continue;
      SCOPED_TRACE(absl::StrCat(shape.name, " ", encoding));
      const std::string path = dir_.File("part" + std::to_string(files_++) + ".db");
      WriteDatabase(path, absl::StrCat("PRAGMA encoding='", encoding, "'; PRAGMA page_size=512;",
                                       shape.schema, kNumbers, "INSERT INTO t ", shape.insert));
      const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, ReaderChoice::kPages);
      const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
      const TableReading reading =
          MakeTableReading(catalog.tables[0], AllColumns(catalog.tables[0]));
      const std::unique_ptr<RowSource> library = NewLibraryRowSource(snapshot->reader(0));
      const std::vector<std::string> whole = ReadAll(*library, reading).rows;
      const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
      std::vector<KeyRange> ranges = {{}};
      for (int level = 0; level < 6; ++level) {
        std::vector<KeyRange> halves;
        for (const KeyRange& range : ranges) {
          const absl::StatusOr<std::optional<SourceKey>> middle = pages->FindMiddle(reading, range);
          ASSERT_TRUE(middle.ok()) << middle.status();
          if (!middle->has_value()) {
            halves.push_back(range);
            continue;
          }
          halves.push_back({range.after, *middle});
          halves.push_back({*middle, range.up_to});
        }
        ranges = std::move(halves);
      }
      EXPECT_GT(ranges.size(), 40u);
      std::vector<std::string> joined;
      for (const KeyRange& range : ranges) {
        const Outcomes part = ReadAll(*pages, reading, range);
        ASSERT_EQ(part.error, "ok") << DescribeRange(reading, range);
        ASSERT_TRUE(part.used.pages) << part.used.reason;
        ASSERT_EQ(part.rows, ReadAll(*library, reading, range).rows);
        joined.insert(joined.end(), part.rows.begin(), part.rows.end());
      }
      EXPECT_EQ(joined, whole);
    }
  }
}

TEST_F(PageReader, CutsRangesEvenly) {
  const std::string path = dir_.File("even.db");
  // The first half dense and written in order, the second sparse and written at random.
  WriteDatabase(path,
                "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE k(a TEXT PRIMARY KEY, b) "
                "WITHOUT ROWID;"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 60000)"
                "INSERT INTO t SELECT CASE WHEN i < 30000 THEN i ELSE i * 982451653 END, "
                "hex(zeroblob(40)) FROM n;"
                "INSERT INTO k SELECT 'some long prefix ' || a, b FROM t "
                "ORDER BY a * 7919 % 100003");
  const std::unique_ptr<SourceSnapshot> snapshot = SnapshotOf(path, ReaderChoice::kPages);
  const SourceCatalog catalog = CatalogOrDie(snapshot->reader(0));
  for (const SourceTable& table : catalog.tables) {
    const TableReading reading = MakeTableReading(table, {0, 1});
    const std::unique_ptr<RowSource> pages = snapshot->NewRowSource(0);
    KeyRange range;
    size_t whole = 60'000;
    for (int level = 0; level < 4; ++level) {
      const absl::StatusOr<std::optional<SourceKey>> middle = pages->FindMiddle(reading, range);
      ASSERT_TRUE(middle.ok() && middle->has_value());
      const KeyRange lower{range.after, *middle};
      const size_t rows = ReadAll(*pages, reading, lower).rows.size();
      EXPECT_NEAR(static_cast<double>(rows), static_cast<double>(whole) / 2,
                  static_cast<double>(whole) * 0.05)
          << table.name << " level " << level;
      range.after = *middle;
      whole -= rows;
    }
  }
}

}  // namespace
}  // namespace lite2pg
