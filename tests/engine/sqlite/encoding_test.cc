// Text and pages of every kind: UTF-16 in both orders, malformed text, the smallest and largest
// pages; and files that are damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/sqlite/row_source.h"
#include "engine/sqlite/snapshot.h"
#include "engine/sqlite/utf16.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::ElementsAre;

std::string ToWtf8(const std::u16string& units) {
  const auto* bytes = reinterpret_cast<const char*>(units.data());
  std::string out(Wtf8BytesMax(units.size() * 2), '\0');
  out.resize(Utf16ToWtf8(bytes, units.size() * 2, out.data()));
  return out;
}

TEST(Utf16, EveryCodeUnitSurvivesTheWayThereAndBack) {
  for (uint32_t unit = 0; unit <= 0xFFFF; ++unit) {
    const std::u16string text(1, static_cast<char16_t>(unit));
    EXPECT_EQ(Wtf8ToUtf16(ToWtf8(text)), text) << unit;
  }
}

TEST(Utf16, PairsBecomeFourBytesAndLoneSurrogatesThree) {
  EXPECT_EQ(ToWtf8(u"a\u00e9\u20ac"), "a\xc3\xa9\xe2\x82\xac");
  EXPECT_EQ(ToWtf8(u"\U0001F600"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(ToWtf8(u"\U0010FFFF"), "\xf4\x8f\xbf\xbf");
  EXPECT_EQ(ToWtf8({0xD83D}), "\xed\xa0\xbd");
  EXPECT_EQ(ToWtf8({0xDE00, 0xD83D}), "\xed\xb8\x80\xed\xa0\xbd") << "the wrong way round";
  EXPECT_EQ(ToWtf8({0xD83D, 'x'}), "\xed\xa0\xbdx");
  EXPECT_EQ(ToWtf8({0}), std::string(1, '\0'));
}

TEST(Utf16, RandomUnitsSurviveTheWayThereAndBack) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::u16string text;
    for (uint64_t n = random() % 20; n > 0; --n) {
      const uint64_t kind = random() % 3;
      const uint64_t unit = kind == 0 ? random() % 128 : kind == 1 ? 0xD800 + random() % 0x800
                                                                   : random() % 0x10000;
      text.push_back(static_cast<char16_t>(unit));
    }
    EXPECT_EQ(Wtf8ToUtf16(ToWtf8(text)), text);
  }
}

TEST(Utf16, AnOddByteAtTheEndIsKeptAndIsNotUtf8) {
  std::string out(Wtf8BytesMax(3), '\0');
  out.resize(Utf16ToWtf8("a\0b", 3, out.data()));
  EXPECT_EQ(out, "a\xff" "b");
}

TEST(Utf16, MalformedUtf8IsReplacedWhenBound) {
  EXPECT_EQ(Wtf8ToUtf16("a\xff\xc3"), u"a\uFFFD\uFFFD");
  EXPECT_EQ(Wtf8ToUtf16("\xc0\x80"), u"\uFFFD\uFFFD");
  EXPECT_EQ(Wtf8ToUtf16("\xf4\x90\x80\x80").size(), 4u);
}

class EncodingTest : public ::testing::TestWithParam<const char*> {};

TEST_P(EncodingTest, TextArrivesAsItWasWritten) {
  const TempDir dir;
  {
    Writer writer(dir.File("a.db"));
    writer.Run(absl::StrCat("PRAGMA encoding='", GetParam(), "'; CREATE TABLE t(a, b, c)"));
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(writer.raw(), "INSERT INTO t VALUES(?1, ?2, ?3)", -1, &insert, nullptr);
    const std::u16string texts[] = {u"", u"plain", u"\u00e9\u20ac\U0001F600", {0xD83D},
                                    {'a', 0xDC00, 0, 'b'}, std::u16string(5000, u'\u20ac')};
    for (const std::u16string& text : texts) {
      sqlite3_bind_text16(insert, 1, text.data(), static_cast<int>(text.size() * 2),
                          SQLITE_TRANSIENT);
      sqlite3_bind_int(insert, 2, 7);
      sqlite3_bind_text16(insert, 3, u"end", -1, SQLITE_TRANSIENT);
      EXPECT_EQ(sqlite3_step(insert), SQLITE_DONE);
      sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
  }
  SqliteConnection connection = OpenOrDie(dir.File("a.db"));
  const SourceCatalog catalog = CatalogOrDie(connection);
  const TableReading reading = MakeTableReading(TableNamed(catalog, "t"), {0, 1, 2});
  const bool utf16 = connection.utf16();
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "\xe2\x82\xac";
  const std::vector<std::string> rows = ReadRows(connection, reading).value();
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[0], "''|7|'end'");
  EXPECT_EQ(rows[1], "'plain'|7|'end'");
  EXPECT_EQ(rows[2], "'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'|7|'end'");
  if (utf16) {  // elsewhere SQLite converted them its own way when they were written
    EXPECT_EQ(rows[3], "'\xed\xa0\xbd'|7|'end'");
    EXPECT_EQ(rows[4], std::string("'a\xed\xb0\x80\0b'|7|'end'", 16));
  }
  EXPECT_EQ(rows[5], "'" + many + "'|7|'end'");
}

// SQLite strips a byte order mark from text that is bound as UTF-16, but stores one that came as
// UTF-8; such a key must still find its row.
TEST_P(EncodingTest, KeysThatBeginWithAByteOrderMarkFindTheirRowsAgain) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"),
                absl::StrCat("PRAGMA encoding='", GetParam(),
                             "'; CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO t "
                             "VALUES('a'),(char(65279)),(char(65279) || 'a'),(char(65534) || 'a'),"
                             "(char(65279, 65279)),(char(65279) || 'b'),('\xef\xbb\xbf" "c')"));
  SqliteConnection connection = OpenOrDie(dir.File("a.db"));
  const SourceCatalog catalog = CatalogOrDie(connection);
  const TableReading reading = MakeTableReading(TableNamed(catalog, "t"), {0});
  const std::vector<std::string> all = ReadRows(connection, reading).value();
  EXPECT_EQ(all.size(), 7u);
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(connection);
  ASSERT_TRUE(source->Open(reading, {}).ok());
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_FALSE(source->Next()->empty());
    KeyRange rest;
    rest.after = source->CurrentKey();
    EXPECT_EQ(ReadRows(connection, reading, rest)->size(), all.size() - 1 - i) << i;
  }
}

TEST_P(EncodingTest, KeysOfLoneSurrogatesFindTheirRowsAgain) {
  const TempDir dir;
  {
    Writer writer(dir.File("a.db"));
    writer.Run(absl::StrCat("PRAGMA encoding='", GetParam(),
                            "'; CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID"));
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(writer.raw(), "INSERT OR IGNORE INTO t VALUES(?1)", -1, &insert, nullptr);
    for (char16_t unit = 0xD7F0; unit < 0xE010; unit = static_cast<char16_t>(unit + 16)) {
      sqlite3_bind_text16(insert, 1, &unit, 2, SQLITE_TRANSIENT);
      EXPECT_EQ(sqlite3_step(insert), SQLITE_DONE);
      sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
  }
  SqliteConnection connection = OpenOrDie(dir.File("a.db"));
  const SourceCatalog catalog = CatalogOrDie(connection);
  const TableReading reading = MakeTableReading(TableNamed(catalog, "t"), {0});
  const std::vector<std::string> all = ReadRows(connection, reading).value();
  // Reading on from each row's own key must give exactly the rest.
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(connection);
  ASSERT_TRUE(source->Open(reading, {}).ok());
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_FALSE(source->Next()->empty());
    KeyRange rest;
    rest.after = source->CurrentKey();
    EXPECT_EQ(ReadRows(connection, reading, rest)->size(), all.size() - 1 - i) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Encodings, EncodingTest,
                         ::testing::Values("UTF-8", "UTF-16le", "UTF-16be"),
                         [](const ::testing::TestParamInfo<const char*>& encoding) {
                           return std::string(encoding.param[4] == '8'   ? "Utf8"
                                              : encoding.param[6] == 'l' ? "Utf16le"
                                                                         : "Utf16be");
                         });

TEST(PageSizes, AllAreRead) {
  for (const int size : {512, 1024, 4096, 65536}) {
    const TempDir dir;
    WriteDatabase(dir.File("a.db"),
                  absl::StrCat("PRAGMA page_size=", size,
                               "; CREATE TABLE t(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                               "SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, "
                               "zeroblob(i * 10) FROM n"));
    const absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
        SourceSnapshot::Open(dir.File("a.db"), 1, {});
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    SqliteConnection& reader = (*snapshot)->reader(0);
    const SourceCatalog catalog = CatalogOrDie(reader);
    EXPECT_EQ(catalog.page_size, size);
    const TableReading reading = MakeTableReading(TableNamed(catalog, "t"), {0, 1});
    const std::unique_ptr<RowSource> source = NewLibraryRowSource(reader);
    ASSERT_TRUE(source->Open(reading, {}).ok());
    size_t bytes = 0;
    for (int row = 0; row < 300; ++row) bytes += (*source->Next())[1].size_bytes;
    EXPECT_EQ(bytes, 300u * 301 / 2 * 10);
  }
}

TEST(Values, OfManyMegabytesAreViewsOfTheWholeValue) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"), "CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(50000000)),"
                                  "(CAST(zeroblob(3000000) AS TEXT))");
  SqliteConnection connection = OpenOrDie(dir.File("a.db"));
  const SourceCatalog catalog = CatalogOrDie(connection);
  const TableReading reading = MakeTableReading(TableNamed(catalog, "t"), {0});
  const std::unique_ptr<RowSource> source = NewLibraryRowSource(connection);
  ASSERT_TRUE(source->Open(reading, {}).ok());
  EXPECT_EQ((*source->Next())[0].size_bytes, 50'000'000u);
  EXPECT_EQ((*source->Next())[0].size_bytes, 3'000'000u);
  source->Close();
}

// ---- Damage ------------------------------------------------------------------------------------

// Reads all that can be read; the worst exit code met.
ExitCode ReadAll(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
      SourceSnapshot::Open(path, 1, {.busy_timeout_ms = 100, .schema_timeout_ms = 5'000});
  if (!snapshot.ok()) return InfoOf(snapshot.status()).exit_code;
  SqliteConnection& reader = (*snapshot)->reader(0);
  const absl::StatusOr<SourceCatalog> catalog = ReadSourceCatalog(reader);
  if (!catalog.ok()) return InfoOf(catalog.status()).exit_code;
  for (const SourceTable& table : catalog->tables) {
    if (!table.unreadable.empty() || table.columns.empty()) continue;
    const TableReading reading = MakeTableReading(table, AllColumns(table));
    const absl::Status rows = ReadRows(reader, reading).status();
    if (!rows.ok()) return InfoOf(rows).exit_code;
    const absl::Status middle = FindMiddle(reader, reading, {}).status();
    if (!middle.ok()) return InfoOf(middle).exit_code;
  }
  return ExitCode::kDone;
}

TEST(DamagedFiles, NeverCrashAndAlwaysBlameTheSource) {
  const TempDir dir;
  WriteDatabase(dir.File("a.db"),
                "PRAGMA page_size=1024; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB);"
                "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE INDEX i ON t(a);"
                "CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIEW v AS SELECT * FROM t;"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
                "INSERT INTO t SELECT i, 'text ' || i, zeroblob(i * 7) FROM n;"
                "INSERT INTO w SELECT a, b FROM t; INSERT INTO f SELECT a FROM t;");
  const std::string sound = ReadFile(dir.File("a.db"));
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  int refused = 0;
  constexpr int kRounds = 400;
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = sound;
    // Half of the rounds aim at the header, the schema and the heads of pages.
    for (uint64_t flips = 1 + random() % 8; flips > 0; --flips) {
      const size_t page = round % 2 == 0 ? random() % (bytes.size() / 1024) : random() % 4;
      const size_t offset = round % 2 == 0 ? random() % 16 : random() % 1024;
      bytes[page * 1024 + offset] = static_cast<char>(random());
    }
    if (random() % 10 == 0) bytes.resize(random() % bytes.size());
    WriteFile(dir.File("b.db"), bytes);
    const ExitCode exit_code = ReadAll(dir.File("b.db"));
    EXPECT_TRUE(exit_code == ExitCode::kDone || exit_code == ExitCode::kSource)
        << "round " << round << ": exit " << static_cast<int>(exit_code);
    refused += exit_code == ExitCode::kSource;
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
      std::filesystem::remove(dir.File("b.db") + suffix);
    }
  }
  EXPECT_GT(refused, kRounds / 4) << "the damage must have been found now and then";
}

}  // namespace
}  // namespace lite2pg
