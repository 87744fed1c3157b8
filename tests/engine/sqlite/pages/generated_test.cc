// Schemas and values made at random: what SQLite wrote, both readers must read alike.
//
// LITE2PG_SEED sets where the sequence begins, LITE2PG_GENERATED how many files are tried.
#include <cstdlib>
#include <random>

#include "tests/engine/sqlite/pages/reader_pair.h"

namespace lite2pg {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  // Writes a database in some states, and hands each to `look`.
  template <typename Look>
  void Write(const std::string& path, const Look& look) {
    Writer writer(path);
    const bool wal = Below(3) == 0;
    writer.Run(absl::StrCat(
        "PRAGMA page_size=", 512 << Below(8), "; PRAGMA encoding='",
        Pick({"UTF-8", "UTF-8", "UTF-16le", "UTF-16be"}), "'; PRAGMA auto_vacuum=", Below(3),
        "; PRAGMA legacy_file_format=", Below(2), "; PRAGMA journal_mode=",
        wal ? "WAL" : "DELETE", "; PRAGMA wal_autocheckpoint=", Below(2) * 50));
    const size_t tables = 1 + Below(3);
    for (size_t i = 0; i < tables; ++i) MakeTable(writer, absl::StrCat("t", i));
    look();
    for (size_t i = 0; i < tables; ++i) ChangeTable(writer, absl::StrCat("t", i));
    if (Below(4) == 0) writer.Run("VACUUM");
    look();
  }

 private:
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  const char* Pick(std::initializer_list<const char*> choices) {
    return choices.begin()[Below(choices.size())];
  }

  // An SQL expression that gives values of every class and many sizes.
  std::string Value() {
    return Pick({"i", "-i", "i * 1000003", "i * 4294967296", "i / 3.0", "i * 1.0", "i & 1",
                 "NULL", "'t' || i", "hex(zeroblob(i % 90))", "randomblob(i % 40)",
                 "zeroblob(i % 7)",
                 "hex(randomblob(1 + i % 1500))", "char(i % 55000, 0x1F600 + i % 50, 65)",
                 "CASE i % 3 WHEN 0 THEN i WHEN 1 THEN 'x' || i ELSE NULL END", "''", "random()",
                 "9223372036854775807 - i", "1e300 * i", "printf('%05d', i)"});
  }

  void MakeTable(Writer& writer, const std::string& name) {
    const size_t columns = 1 + Below(12);
    const bool without_rowid = Below(3) == 0;
    std::string sql = absl::StrCat("CREATE TABLE ", name, "("), values;
    const size_t alias = Below(columns * 2);  // beyond the columns: none
    for (size_t i = 0; i < columns; ++i) {
      const bool is_alias = i == alias && !without_rowid;
      absl::StrAppend(&sql, i == 0 ? "" : ", ", "c", i, " ",
                      is_alias ? "INTEGER PRIMARY KEY"
                               : Pick({"", "INT", "REAL", "DOUBLE", "TEXT", "BLOB", "NUMERIC",
                                       "VARCHAR(20)", "TEXT COLLATE NOCASE", "REAL DEFAULT 3"}));
      const bool is_key = without_rowid && i == columns - 1;
      absl::StrAppend(&values, i == 0 ? "" : ", ",
                      is_alias ? Pick({"i", "i * 7", "-i", "i * 1000000007"})
                      : is_key ? Pick({"i", "'k' || i", "i * 0.5", "-i", "CAST('b' || i AS BLOB)"})
                               : Value());
    }
    if (without_rowid) {
      absl::StrAppend(&sql, ", PRIMARY KEY(c", columns - 1, Pick({"", " DESC"}));
      // Columns that may hold NULL cannot be in the key.
      absl::StrAppend(&sql, "))", " WITHOUT ROWID");
    } else {
      absl::StrAppend(&sql, ")");
    }
    const size_t rows = Pick({"s", "m", "l"})[0] == 's' ? Below(4) : Below(900);
    writer.Run(absl::StrCat(sql, "; ", Numbers(rows), "INSERT OR IGNORE INTO ", name, " SELECT ",
                            values, " FROM n"));
  }

  static std::string Numbers(size_t rows) {
    return absl::StrCat("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ",
                        rows, ") ");
  }

  void ChangeTable(Writer& writer, const std::string& name) {
    const bool added = Below(2) == 0;
    if (added) {
      writer.Run(absl::StrCat("ALTER TABLE ", name, " ADD COLUMN added ",
                              Pick({"TEXT DEFAULT 'd'", "REAL DEFAULT 7", "INT", "DEFAULT x'00ff'",
                                    "INT NOT NULL DEFAULT -5", "TEXT DEFAULT 12"})));
      writer.Run(absl::StrCat("ALTER TABLE ", name, " ADD COLUMN more"));
      writer.Run(absl::StrCat("UPDATE ", name, " SET more = hex(zeroblob(abs(random()) % 3000)) "
                              "WHERE random() % 4 = 0"));
    }
    writer.Run(absl::StrCat("DELETE FROM ", name, " WHERE random() % 3 = 0"));
    if (added && Below(3) == 0) {
      writer.Run(absl::StrCat("ALTER TABLE ", name, " DROP COLUMN added"));
    }
  }

  std::mt19937_64 random_;
};

TEST(GeneratedDatabases, AreReadAlike) {
  const uint64_t seed = FromEnvironment("LITE2PG_SEED", 1);
  const uint64_t files = FromEnvironment("LITE2PG_GENERATED", 60);
  size_t rows = 0;
  for (uint64_t i = 0; i < files && !testing::Test::HasFailure(); ++i) {
    TempDir dir;
    const std::string path = dir.File("g.db");
    Generator(seed + i).Write(path, [&] { rows += ExpectSameReaders(path, false); });
    if (testing::Test::HasFailure()) ADD_FAILURE() << "LITE2PG_SEED=" << seed + i;
  }
  EXPECT_GT(rows, files * 100);
}

}  // namespace
}  // namespace lite2pg
