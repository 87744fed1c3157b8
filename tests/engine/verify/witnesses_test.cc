// That a row which only the page reader could have read wrongly is missed by the library's own
// reading of the source, in tables of every kind; and that right rows never are.
#include "engine/verify/witnesses.h"

#include "engine/base/error.h"
#include "engine/base/status_macros.h"
#include "engine/verify/read_back.h"
#include "gmock/gmock.h"
#include "tests/engine/postgres/test_server.h"
#include "tests/engine/sqlite/test_database.h"

namespace lite2pg {
namespace {

using ::testing::HasSubstr;

class WitnessesTest : public ServerTest {
 protected:
  // A source whose only table is `t`, and its plan: columns of these types, staged in the schema.
  void Open(const std::string& sql, const std::vector<Oid>& types, uint64_t rows) {
    const std::string path = dir_.File("source.db");
    WriteDatabase(path, sql);
    source_.emplace(OpenOrDie(path));
    catalog_ = CatalogOrDie(*source_);
    TablePlan table;
    table.source = &TableNamed(catalog_, "t");
    table.reading = MakeTableReading(*table.source, AllColumns(*table.source));
    table.rows = rows;
    table.load_schema = schema_;
    table.load_name = table.target_name = "t";
    for (size_t i = 0; i < types.size(); ++i) {
      ColumnPlan column;
      column.source_name = column.target_name = table.source->columns[i].name;
      column.type = BuiltinType(types[i], -1);
      table.codecs.push_back(BindColumn(column.type, {}).value());
      table.columns.push_back(std::move(column));
    }
    plan_.tables.push_back(std::move(table));
  }

  TablePlan& table() { return plan_.tables[0]; }

  absl::Status Check() {
    CancelToken cancel;
    EventSink events;
    absl::StatusOr<Witnesses> witnesses = Witnesses::Read(plan_, *source_, cancel);
    if (!witnesses.ok()) return witnesses.status();
    read_ = 0;
    const ExpectedRows& expected = witnesses->expected(0);
    for (size_t i = 0; i < expected.places(); ++i) read_ += expected.count(i);
    ReadBackOptions options;
    options.connect.conninfo = TestConninfo();
    options.witnesses = &*witnesses;
    const auto read_back = ReadBackTables(plan_, options, events, cancel);
    if (!read_back.ok()) return read_back.status();
    const auto rejects = [&](const std::string&,
                             const std::function<absl::Status(const RejectRecord&)>& on_reject) {
      for (const RejectRecord& reject : rejects_) RETURN_IF_ERROR(on_reject(reject));
      return absl::OkStatus();
    };
    return witnesses->Check(plan_, *source_, rejects, cancel);
  }

  void ExpectMissing(absl::string_view row_key, absl::string_view value) {
    const absl::Status status = Check();
    ASSERT_FALSE(status.ok());
    const ErrorInfo info = InfoOf(status);
    EXPECT_EQ(info.code, ErrorCode::kCrossCheck);
    EXPECT_EQ(info.exit_code, ExitCode::kDiffers);
    EXPECT_THAT(info.row_key, HasSubstr(std::string(row_key)));
    EXPECT_THAT(info.value, HasSubstr(std::string(value)));
  }

  TempDir dir_;
  std::optional<SqliteConnection> source_;
  SourceCatalog catalog_;
  Plan plan_;
  std::vector<RejectRecord> rejects_;
  size_t read_ = 0;
};

TEST_F(WitnessesTest, EveryRowOfASmallTableIsRead) {
  Open("CREATE TABLE t (a INTEGER, b TEXT);"
       "INSERT INTO t VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (5, '');",
       {kOidInt8, kOidText}, 4);
  Run(absl::StrCat("CREATE TABLE ", In("t"), " (a int8, b text)"));
  Run(absl::StrCat("INSERT INTO ", In("t"),
                   " VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (5, '')"));
  LITE2PG_ASSERT_OK(Check());
  EXPECT_EQ(read_, 4u);
  Run(absl::StrCat("UPDATE ", In("t"), " SET a = 6 WHERE a = 5"));
  ExpectMissing("rowid 4", "a=INTEGER 5");
}

TEST_F(WitnessesTest, RowsThatAreEqualAreCounted) {
  Open("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (1), (2);", {kOidInt8}, 3);
  Run(absl::StrCat("CREATE TABLE ", In("t"), " AS SELECT v::int8 AS a FROM (VALUES (1), (2), (2))"
                   " AS r(v)"));
  ExpectMissing("rowid 2", "a=INTEGER 1");
}

TEST_F(WitnessesTest, TablesWithoutRowid) {
  Open("CREATE TABLE t (k TEXT, n INTEGER, PRIMARY KEY (n DESC, k)) WITHOUT ROWID;"
       "INSERT INTO t VALUES ('a', 1), ('b', 1), ('c', 70000);",
       {kOidText, kOidInt8}, 3);
  Run(absl::StrCat("CREATE TABLE ", In("t"), " (k text, n int8)"));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES ('a', 1), ('b', 1), ('c', 70001)"));
  ExpectMissing("n=70000, k='c'", "n=INTEGER 70000");
}

// Of a large table not every row is read, but the one that told the scan something is, wherever it
// stands; and so are rows from all parts of it.
TEST_F(WitnessesTest, TellingRowsOfLargeTables) {
  Open("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER);"
       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
       "INSERT INTO t SELECT i, CASE i WHEN 45678 THEN -1099511627776 ELSE 7 END FROM n;",
       {kOidInt8, kOidInt8}, 60000);
  Run(absl::StrCat("CREATE TABLE ", In("t"), " AS SELECT i::int8 AS id, 7::int8 AS v"
                   " FROM generate_series(1, 60000) AS i"));
  LITE2PG_ASSERT_OK(Check());
  EXPECT_GT(read_, 5000u);
  EXPECT_LE(read_, 8192u);
  table().telling_rows.push_back({OwnedValue(SourceValue::Integer(45678))});
  ExpectMissing("id=45678", "v=INTEGER -1099511627776");
  Run(absl::StrCat("UPDATE ", In("t"), " SET v = -1099511627776 WHERE id = 45678"));
  LITE2PG_ASSERT_OK(Check());
  Run(absl::StrCat("UPDATE ", In("t"), " SET v = 8 WHERE id > 55000"));
  EXPECT_FALSE(Check().ok());
}

TEST_F(WitnessesTest, RowsThatWereSetAsideAreNotMissed) {
  Open("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2);", {kOidInt8}, 2);
  Run(absl::StrCat("CREATE TABLE ", In("t"), " AS SELECT 1::int8 AS a"));
  ExpectMissing("rowid 2", "a=INTEGER 2");
  RejectRecord reject;
  reject.cells.push_back(OwnedCell::From(SourceValue::Integer(2)));
  rejects_.push_back(reject);
  LITE2PG_ASSERT_OK(Check());
}

TEST_F(WitnessesTest, NullsThatTheTargetFillsAreNotMissed) {
  Open("CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, NULL), (2, 'x');",
       {kOidInt8, kOidText}, 2);
  table().fills.push_back({"b", "text", "'filled'", false, false});
  Run(absl::StrCat("CREATE TABLE ", In("t"), " (a int8, b text)"));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1, 'filled'), (2, 'x')"));
  LITE2PG_ASSERT_OK(Check());
  EXPECT_EQ(read_, 1u);
}

TEST_F(WitnessesTest, SamplesAreOfEveryColumnAndClass) {
  Open("CREATE TABLE t (a, b TEXT); INSERT INTO t VALUES (1, 'x'), (1.5, NULL), ('t', 'y'),"
       " (x'00', 'z'), (2, 'long');",
       {kOidText, kOidText}, 5);
  CancelToken cancel;
  const absl::StatusOr<Witnesses> witnesses = Witnesses::Read(plan_, *source_, cancel);
  LITE2PG_ASSERT_OK(witnesses.status());
  std::vector<size_t> counts;
  for (const ColumnSamples& column : witnesses->samples()[0]) {
    for (const std::vector<OwnedValue>& of_class : column) counts.push_back(of_class.size());
  }
  EXPECT_THAT(counts, ::testing::ElementsAre(0, 2, 1, 1, 1, 0, 0, 0, 4, 0));
}

}  // namespace
}  // namespace lite2pg
