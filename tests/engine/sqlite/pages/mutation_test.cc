// Damaged files: whatever a byte is turned into, the direct reader must give what the library
// gives, the same rows up to the same error.
//
// LITE2PG_MUTATIONS sets how many files are tried, LITE2PG_SEED where the sequence begins.
#include <cstdlib>
#include <random>

#include "engine/sqlite/pages/page_row_source.h"
#include "tests/engine/sqlite/pages/reader_pair.h"

namespace lite2pg {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr char kTables[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB);"
    "CREATE TABLE o(x, y);"
    "CREATE TABLE k(a TEXT, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID;"
    "CREATE TABLE s(a); CREATE TABLE e(a);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
    "INSERT INTO t SELECT i * 3, 'text ' || i, CASE i % 3 WHEN 0 THEN i ELSE i / 7.0 END, "
    "zeroblob(i % 30) FROM n;"
    "INSERT INTO o SELECT hex(zeroblob(id * 2)), id FROM t WHERE id % 15 = 0;"
    "INSERT INTO k SELECT a || hex(zeroblob(id % 200)), id % 50, b FROM t;"
    "INSERT INTO s VALUES(1),('two'),(3.5),(NULL); ALTER TABLE s ADD COLUMN d DEFAULT 'later';";

std::vector<std::string> MakeOriginals(const TempDir& dir) {
  const char* const kSettings[] = {
      "PRAGMA page_size=512;", "PRAGMA page_size=1024; PRAGMA auto_vacuum=1;",
      "PRAGMA page_size=512; PRAGMA encoding='UTF-16be';", "PRAGMA page_size=4096;"};
  std::vector<std::string> files;
  for (const char* settings : kSettings) {
    const std::string path = dir.File("original" + std::to_string(files.size()));
    WriteDatabase(path, absl::StrCat(settings, kTables));
    files.push_back(ReadFile(path));
  }
  return files;
}

// Bytes are changed as damage and attacks change them: bits, extremes, whole pages, pointers.
void Mutate(std::mt19937_64& random, std::string* bytes) {
  const auto below = [&random](size_t n) { return static_cast<size_t>(random() % n); };
  const size_t page =
      static_cast<uint8_t>((*bytes)[16]) * 256u + static_cast<uint8_t>((*bytes)[17]);
  const size_t pages = bytes->size() / page;
  for (size_t count = 1 + below(4); count > 0; --count) {
    // The schema is left alone in most cases, or nothing could be opened.
    const size_t begin = below(20) == 0 ? 0 : page;
    size_t at = begin + below(bytes->size() - begin);
    if (below(2) == 0) at = (begin / page + below(pages - begin / page)) * page + below(40);
    at = std::min(at, bytes->size() - 4);
    char* const to = bytes->data() + at;
    switch (below(7)) {
      case 0: to[0] = static_cast<char>(to[0] ^ (1 << below(8))); break;
      case 1: to[0] = static_cast<char>(random()); break;
      case 2: to[0] = '\xff'; break;
      case 3: to[0] = '\0'; break;
      case 4: std::swap(to[0], to[2]), std::swap(to[1], to[3]); break;
      case 5: to[below(4)] = static_cast<char>(below(pages + 2)); break;
      default: {
        const size_t from = below(pages) * page, into = (1 + below(pages - 1)) * page;
        if (below(4) == 0) bytes->replace(into, page, bytes->substr(from, page));
        break;
      }
    }
  }
}

class Mutations : public testing::Test {
 protected:
  // Returns whether any table could be read.
  bool Compare(const std::string& path) {
    SqliteOpenOptions options;
    options.reader = ReaderChoice::kAuto;
    absl::StatusOr<std::unique_ptr<SourceSnapshot>> snapshot =
        SourceSnapshot::Open(path, 1, options);
    if (!snapshot.ok()) return false;
    SqliteConnection& connection = (*snapshot)->reader(0);
    const absl::StatusOr<SourceCatalog> catalog = ReadSourceCatalog(connection);
    if (!catalog.ok()) return false;
    for (const SourceTable& table : catalog->tables) {
      if (!IsReadable(table)) continue;
      const TableReading reading = MakeTableReading(table, AllColumns(table));
      const std::unique_ptr<RowSource> library = NewLibraryRowSource(connection);
      const std::unique_ptr<RowSource> pages = (*snapshot)->NewRowSource(0);
      CompareRange(reading, {}, *library, *pages);
      if (reading.key_kind == KeyKind::kNone) continue;
      // A key that only the pages propose: the ranges must not depend on who reads them.
      const absl::StatusOr<std::optional<SourceKey>> middle = pages->FindMiddle(reading, {});
      if (!middle.ok() || !middle->has_value()) continue;
      CompareRange(reading, KeyRange{std::nullopt, *middle}, *library, *pages);
      CompareRange(reading, KeyRange{*middle, std::nullopt}, *library, *pages);
    }
    return true;
  }

  void CompareRange(const TableReading& reading, const KeyRange& range, RowSource& library,
                    RowSource& pages) {
    constexpr size_t kRowsMax = 5'000;
    const Outcomes expected = ReadAll(library, reading, range, kRowsMax);
    const Outcomes got = ReadAll(pages, reading, range, kRowsMax);
    by_pages_ += got.used.pages;
    fallbacks_ += !got.used.pages;
    if (got.rows == expected.rows && got.error == expected.error) return;
    // A walk in circles, which the library would not end.
    if (expected.rows.size() == kRowsMax && got.error == "1004/5") return;
    ADD_FAILURE() << reading.table->name << " " << DescribeRange(reading, range) << ": by pages "
                  << got.rows.size() << " rows and " << got.error << " (" << got.used.reason
                  << "), by the library " << expected.rows.size() << " rows and "
                  << expected.error;
    for (size_t i = 0; i < std::min(got.rows.size(), expected.rows.size()); ++i) {
      if (got.rows[i] == expected.rows[i]) continue;
      ADD_FAILURE() << "row " << i << "\n " << got.rows[i] << "\n " << expected.rows[i];
      break;
    }
  }

  TempDir dir_;
  int by_pages_ = 0, fallbacks_ = 0;
};

TEST_F(Mutations, GiveWhatTheLibraryGives) {
  const std::vector<std::string> originals = MakeOriginals(dir_);
  const uint64_t seed = FromEnvironment("LITE2PG_SEED", 1);
  const uint64_t mutations = FromEnvironment("LITE2PG_MUTATIONS", 1'000);
  int opened = 0;
  for (uint64_t i = 0; i < mutations && !HasFailure(); ++i) {
    std::mt19937_64 random(seed + i);
    std::string bytes = originals[(seed + i) % originals.size()];
    Mutate(random, &bytes);
    const std::string path = dir_.File("mutated.db");
    WriteFile(path, bytes);
    opened += Compare(path);
    if (HasFailure()) {
      ADD_FAILURE() << "LITE2PG_SEED=" << seed + i << " LITE2PG_MUTATIONS=1";
    }
  }
  // Otherwise nothing was tested.
  if (mutations >= 100) {
    EXPECT_GT(opened, static_cast<int>(mutations / 2));
    EXPECT_GT(by_pages_, opened);
    EXPECT_GT(fallbacks_, opened / 10);
  }
}

}  // namespace
}  // namespace lite2pg
