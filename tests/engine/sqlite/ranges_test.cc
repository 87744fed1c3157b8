// Cutting ranges of keys: whatever the keys are, the parts hold every row exactly once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engine/sqlite/row_source.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::ContainerEq;

class RangesTest : public ::testing::Test {
 protected:
  void Make(const std::string& sql) {
    WriteDatabase(dir_.File("a.db"), sql);
    Open();
  }
  void Open() {
    connection_.emplace(OpenOrDie(dir_.File("a.db")));
    catalog_ = CatalogOrDie(*connection_);
  }
  TableReading Reading(const std::string& table) {
    const SourceTable& found = TableNamed(catalog_, table);
    return MakeTableReading(found, AllColumns(found));
  }
  std::optional<SourceKey> Middle(const TableReading& reading, const KeyRange& range) {
    absl::StatusOr<std::optional<SourceKey>> middle = FindMiddle(*connection_, reading, range);
    EXPECT_TRUE(middle.ok()) << middle.status();
    return middle.ok() ? *middle : std::nullopt;
  }

  // Cuts until nothing can be cut, or `parts_max` are reached, and reads the parts in order.
  // Checks that each cut leaves rows on both sides.
  std::vector<std::string> ReadInParts(const TableReading& reading, size_t parts_max,
                                       std::mt19937_64* random, size_t* parts_made) {
    std::vector<KeyRange> parts(1);
    std::vector<bool> whole(1, false);  // cannot be cut
    while (parts.size() < parts_max) {
      std::vector<size_t> open;
      for (size_t i = 0; i < parts.size(); ++i) {
        if (!whole[i]) open.push_back(i);
      }
      if (open.empty()) break;
      const size_t chosen = open[(*random)() % open.size()];
      const std::optional<SourceKey> middle = Middle(reading, parts[chosen]);
      if (!middle.has_value()) {
        whole[chosen] = true;
        continue;
      }
      KeyRange upper = parts[chosen];
      parts[chosen].up_to = *middle;
      upper.after = *middle;
      EXPECT_FALSE(Rows(reading, parts[chosen]).empty()) << DescribeRange(reading, parts[chosen]);
      EXPECT_FALSE(Rows(reading, upper).empty()) << DescribeRange(reading, upper);
      parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(chosen) + 1, upper);
      whole.insert(whole.begin() + static_cast<std::ptrdiff_t>(chosen) + 1, false);
    }
    *parts_made = parts.size();
    std::vector<std::string> rows;
    for (const KeyRange& part : parts) {
      for (std::string& row : Rows(reading, part)) rows.push_back(std::move(row));
    }
    return rows;
  }

  std::vector<std::string> Rows(const TableReading& reading, const KeyRange& range) {
    absl::StatusOr<std::vector<std::string>> rows = ReadRows(*connection_, reading, range);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows.ok() ? *rows : std::vector<std::string>();
  }

  // The property, down to single rows, and with few parts that follow a random course.
  void ExpectPartsHoldEveryRowOnce(const std::string& table, uint64_t seed) {
    SCOPED_TRACE(absl::StrCat(table, ", seed ", seed));
    std::mt19937_64 random(seed);
    const TableReading reading = Reading(table);
    const std::vector<std::string> all = Rows(reading, {});
    size_t parts = 0;
    EXPECT_THAT(ReadInParts(reading, all.size() + 1, &random, &parts), ContainerEq(all));
    EXPECT_EQ(parts, all.size()) << "every row can be a part of its own";
    EXPECT_THAT(ReadInParts(reading, 7, &random, &parts), ContainerEq(all));
  }

  TempDir dir_;
  std::optional<SqliteConnection> connection_;
  SourceCatalog catalog_;
};

TEST_F(RangesTest, RowidsOfAnyDistribution) {
  Make("CREATE TABLE dense(v); CREATE TABLE sparse(id INTEGER PRIMARY KEY);"
       "CREATE TABLE negative(id INTEGER PRIMARY KEY, v); CREATE TABLE extreme(v);"
       "CREATE TABLE skewed(v); CREATE TABLE one(v); CREATE TABLE none(v);"
       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
       "INSERT INTO dense SELECT i FROM n;"
       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)"
       "INSERT INTO sparse SELECT i * i * i * 7919 FROM n;"
       "INSERT INTO negative SELECT -id, id FROM sparse; INSERT INTO negative VALUES(0, 0), (5, 5);"
       "INSERT INTO extreme(rowid, v) VALUES(-9223372036854775808, 1), (-9223372036854775807, 2),"
       "(-1, 3), (0, 4), (1, 5), (9223372036854775806, 6), (9223372036854775807, 7);"
       "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 62)"
       "INSERT INTO skewed(rowid, v) SELECT 1 << i, i FROM n; INSERT INTO one VALUES(1);");
  for (const char* table : {"dense", "sparse", "negative", "extreme", "skewed", "one"}) {
    ExpectPartsHoldEveryRowOnce(table, 1);
  }
  EXPECT_FALSE(Middle(Reading("none"), {}).has_value());
  EXPECT_FALSE(Middle(Reading("one"), {}).has_value());
}

TEST_F(RangesTest, DenseRowidsAreHalved) {
  Make("CREATE TABLE t(v);"
       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
       "INSERT INTO t SELECT i FROM n;");
  const std::optional<SourceKey> middle = Middle(Reading("t"), {});
  ASSERT_TRUE(middle.has_value());
  EXPECT_EQ((*middle)[0].view().integer, 500);
}

// A cut near the middle and not at an end is what makes work divide. Keys that spread evenly give
// halves that are within a quarter of each other.
TEST_F(RangesTest, EvenKeysAreHalvedWhateverTheirKind) {
  const std::string numbers =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) ";
  for (const std::string encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
    const TempDir dir;
    WriteDatabase(
        dir.File("a.db"),
        "PRAGMA encoding='" + encoding + "';"
        "CREATE TABLE i(k INT PRIMARY KEY) WITHOUT ROWID; CREATE TABLE r(k REAL PRIMARY KEY)"
        " WITHOUT ROWID; CREATE TABLE x(k TEXT PRIMARY KEY) WITHOUT ROWID;"
        "CREATE TABLE n(k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID;"
        "CREATE TABLE b(k BLOB PRIMARY KEY DESC) WITHOUT ROWID;"
        "CREATE TABLE c(t INT, k TEXT, PRIMARY KEY(t, k DESC)) WITHOUT ROWID;" +
        numbers + "INSERT INTO i SELECT i FROM n;" +
        numbers + "INSERT INTO r SELECT i / 7.0 FROM n;" +
        numbers + "INSERT INTO x SELECT 'key-' || printf('%04x', i * 65) FROM n;" +
        numbers + "INSERT INTO n SELECT 'key-' || printf('%04X', i * 65) FROM n;" +
        numbers + "INSERT INTO b SELECT CAST(printf('%04d', i) AS BLOB) FROM n;" +
        numbers + "INSERT INTO c SELECT 5, printf('%04x', i * 65) FROM n;");
    SqliteConnection connection = OpenOrDie(dir.File("a.db"));
    const SourceCatalog catalog = CatalogOrDie(connection);
    for (const char* name : {"i", "r", "x", "n", "b", "c"}) {
      SCOPED_TRACE(encoding + " " + name);
      if (encoding != "UTF-8" && name[0] == 'b') continue;  // the cast makes UTF-16 of the digits
      const SourceTable& table = TableNamed(catalog, name);
      const TableReading reading = MakeTableReading(table, AllColumns(table));
      const absl::StatusOr<std::optional<SourceKey>> middle = FindMiddle(connection, reading, {});
      ASSERT_TRUE(middle.ok()) << middle.status();
      ASSERT_TRUE(middle->has_value());
      KeyRange lower;
      lower.up_to = **middle;
      const size_t rows = ReadRows(connection, reading, lower)->size();
      EXPECT_GT(rows, 250u);
      EXPECT_LT(rows, 750u);
    }
  }
}

// Every kind of key, filled at random from values that are hard to order.
class RandomKeysTest : public RangesTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // A value as an SQL literal; classes and spellings collide on purpose.
  static std::string RandomLiteral(std::mt19937_64& random) {
    static const char* const kEdges[] = {
        "-9223372036854775808", "9223372036854775807", "0", "-0.0", "1", "1.0", "0.5", "-1e308",
        "1e308", "9e999", "-9e999", "9007199254740993", "9007199254740992.0", "''", "' '", "'a'",
        "'A'", "'a '", "'A  '", "'aa'", "'B'", "'Z'", "'['", "'@'", "'10'", "'0x10'", "'abc'",
        "'abC'", "x''", "x'00'", "x'0000'", "x'ff'", "x'ffff'", "x'61'", "char(233)",
        "char(55357)", "char(0xE000)", "char(0x10FFFF)", "char(0x1F600)", "'a' || char(0) || 'b'",
        "'a' || char(0)", "char(0xFEFF)", "char(0xFEFF) || 'a'", "char(0xFFFE)",
        "char(0xFFFE) || 'a'", "char(0xFEFF, 0xFEFF)", "CAST(x'61ff' AS TEXT)"};
    switch (random() % 5) {
      case 0: return absl::StrCat(static_cast<int64_t>(random()) >> (random() % 64));
      case 1: {
        char text[40];
        std::snprintf(text, sizeof(text), "%.17g",
                      std::ldexp(1.0 + static_cast<double>(random() % 1000) / 999,
                                 static_cast<int>(random() % 80) - 40));
        return std::string(random() % 2 ? "-" : "") + text;
      }
      case 2: {
        std::string text = "'";
        for (uint64_t n = random() % 12; n > 0; --n) text += "abAB019 ~_"[random() % 10];
        return text + "'";
      }
      default: return kEdges[random() % (sizeof(kEdges) / sizeof(kEdges[0]))];
    }
  }
};

TEST_P(RandomKeysTest, PartsHoldEveryRowOnce) {
  const std::string encoding = GetParam();
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  const std::vector<std::string> keys = {
      "a BLOB PRIMARY KEY", "a PRIMARY KEY DESC", "a TEXT COLLATE NOCASE PRIMARY KEY",
      "a TEXT COLLATE RTRIM PRIMARY KEY", "a NUMERIC PRIMARY KEY", "a REAL PRIMARY KEY",
      "a INTEGER PRIMARY KEY DESC", "a TEXT PRIMARY KEY DESC",
      "a BLOB, b BLOB, PRIMARY KEY(a, b DESC)", "a BLOB, b TEXT, PRIMARY KEY(b COLLATE NOCASE, a)",
      "a INT, b INT, c INT, PRIMARY KEY(c DESC, b, a DESC)",
      "a TEXT, b TEXT, c TEXT, PRIMARY KEY(a COLLATE NOCASE DESC, b COLLATE RTRIM, c)"};
  std::string sql = "PRAGMA encoding='" + encoding + "'; BEGIN;";
  for (size_t t = 0; t < keys.size(); ++t) {
    absl::StrAppend(&sql, "CREATE TABLE t", t, "(", keys[t], ") WITHOUT ROWID;");
    const size_t columns = 1 + (keys[t].find(" b ") != std::string::npos) +
                           (keys[t].find(" c ") != std::string::npos);
    // Few different values in the leading columns, so that prefixes repeat.
    std::vector<std::string> pool;
    for (int i = 0; i < 4; ++i) pool.push_back(RandomLiteral(random));
    for (int row = 0; row < 40; ++row) {
      absl::StrAppend(&sql, "INSERT OR IGNORE INTO t", t, " VALUES(");
      for (size_t c = 0; c < columns; ++c) {
        const bool repeat = columns > 1 && random() % 3 != 0;
        absl::StrAppend(&sql, c == 0 ? "" : ",",
                        repeat ? pool[random() % pool.size()] : RandomLiteral(random));
      }
      sql += ");";
    }
  }
  Make(sql + "COMMIT;");
  for (size_t t = 0; t < keys.size(); ++t) {
    SCOPED_TRACE(keys[t]);
    ASSERT_EQ(Reading(absl::StrCat("t", t)).key_kind, KeyKind::kPrimaryKey);
    ExpectPartsHoldEveryRowOnce(absl::StrCat("t", t), seed);
  }
}

INSTANTIATE_TEST_SUITE_P(Encodings, RandomKeysTest,
                         ::testing::Values("UTF-8", "UTF-16le", "UTF-16be"),
                         [](const ::testing::TestParamInfo<const char*>& encoding) {
                           std::string name;
                           for (const char* c = encoding.param; *c != 0; ++c) {
                             if (*c != '-') name.push_back(*c);
                           }
                           return name;
                         });

TEST_F(RangesTest, ATableWithoutAUsableKeyCannotBeCut) {
  Make("CREATE TABLE t(rowid, _rowid_, oid); INSERT INTO t VALUES(1,1,1),(2,2,2)");
  EXPECT_FALSE(Middle(Reading("t"), {}).has_value());
  EXPECT_EQ(DescribeRange(Reading("t"), {}), "(whole table)");
}

TEST_F(RangesTest, DescribesRanges) {
  Make("CREATE TABLE t(v); CREATE TABLE w(a TEXT, b INT, PRIMARY KEY(b, a)) WITHOUT ROWID");
  KeyRange rowids;
  EXPECT_EQ(DescribeRange(Reading("t"), rowids), "(start, end)");
  rowids.after = SourceKey{OwnedValue(SourceValue::Integer(5))};
  EXPECT_EQ(DescribeRange(Reading("t"), rowids), "(rowid 5, end)");
  rowids.up_to = SourceKey{OwnedValue(SourceValue::Integer(900))};
  EXPECT_EQ(DescribeRange(Reading("t"), rowids), "(rowid 5, rowid 900]");
  KeyRange keys;
  keys.after = SourceKey{OwnedValue(SourceValue::Integer(1)),
                         OwnedValue(SourceValue::Text("x\n\x1b"))};
  EXPECT_EQ(DescribeRange(Reading("w"), keys), "(b=1, a='x\\n\\u{1b}', end)");
}

TEST_F(RangesTest, LongKeysStayApartInDescriptions) {
  Make("CREATE TABLE w(a TEXT PRIMARY KEY) WITHOUT ROWID");
  const auto describe = [this](const std::string& end) {
    KeyRange range;
    const std::string text = std::string(200, 'k') + end;
    range.after = SourceKey{OwnedValue(SourceValue::Text(text))};
    return DescribeRange(Reading("w"), range);
  };
  EXPECT_NE(describe("1"), describe("2"));
  EXPECT_LT(describe("1").size(), 150u);
}

}  // namespace
}  // namespace lite2pg
