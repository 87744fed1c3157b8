#include "engine/postgres/rejects.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/base/error.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

constexpr char kRunId[] = "00000000000000000000000000000abc";

class RejectsTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    location_.schema = schema_;
    LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), location_));
    RunRecord run;
    run.run_id = kRunId;
    LITE2PG_ASSERT_OK(ledger().InsertRun(db(), run));
  }
  Ledger ledger() const { return Ledger(location_, kRunId, 1); }

  std::vector<RejectRecord> Read(const std::string* table = nullptr) {
    std::vector<RejectRecord> rejects;
    LITE2PG_EXPECT_OK(ReadRejects(db(), ledger(), table, [&](const RejectRecord& reject) {
      rejects.push_back(reject);
      return absl::OkStatus();
    }));
    return rejects;
  }

  static RejectRecord Reject(std::vector<SourceValue> values) {
    RejectRecord reject;
    reject.chunk = 7;
    reject.table = "t";
    reject.row_key = "id=1";
    for (const SourceValue& value : values) {
      reject.columns.push_back(absl::StrCat("c", reject.columns.size()));
      reject.cells.push_back(OwnedCell::From(value));
    }
    return reject;
  }

  LedgerLocation location_;
};

TEST_F(RejectsTest, ValuesOfEveryClassComeBackUnchanged) {
  RejectRecord reject =
      Reject({SourceValue::Null(), SourceValue::Integer(INT64_MIN), SourceValue::Real(-0.0),
              SourceValue::Real(std::numeric_limits<double>::infinity()), SourceValue::Real(5e-324),
              SourceValue::Text(absl::string_view("a\0b\xFF", 4)), SourceValue::Text(""),
              SourceValue::Blob(""), SourceValue::Blob("NULL")});
  reject.table = "bad\xFFname";
  reject.row_key = std::string("k=\0", 3);
  reject.columns[3] = "\\xcolumn";
  reject.code = "L2P2001";
  reject.sqlstate = "22P02";
  reject.column = "c\xC3";
  reject.reason = "because \"of\" \\ it";
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  LITE2PG_ASSERT_OK(InsertRejects(db(), ledger(), {reject, Reject({})}));
  LITE2PG_ASSERT_OK(ledger().CommitChunks(db(), {}));
  const std::vector<RejectRecord> read = Read();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].table, reject.table);
  EXPECT_EQ(read[0].row_key, reject.row_key);
  EXPECT_EQ(read[0].columns, reject.columns);
  EXPECT_EQ(read[0].cells, reject.cells);
  EXPECT_TRUE(std::signbit(read[0].cells[2].real));
  EXPECT_EQ(read[0].chunk, 7);
  EXPECT_EQ(read[0].code, reject.code);
  EXPECT_EQ(read[0].sqlstate, reject.sqlstate);
  EXPECT_EQ(read[0].column, reject.column);
  EXPECT_EQ(read[0].reason, reject.reason);
  EXPECT_TRUE(read[1].cells.empty());
  EXPECT_LT(read[0].id, read[1].id);
}

// What people see with psql, judged by the server and not by our reader.
TEST_F(RejectsTest, ServerShowsTheCells) {
  LITE2PG_ASSERT_OK(db().Begin());
  LITE2PG_ASSERT_OK(InsertRejects(
      db(), ledger(),
      {Reject({SourceValue::Text("hi"), SourceValue::Integer(258), SourceValue::Null()})}));
  LITE2PG_ASSERT_OK(db().Commit());
  EXPECT_EQ(Ask(absl::StrCat("SELECT classes || ' ' || array_to_string(columns, ',') || ' ' || ",
                             "encode(cells[1], 'escape') || ' ' || encode(cells[2], 'hex') || ' '",
                             " || (cells[3] IS NULL)::text FROM ", In("reject"))),
            "tin c0,c1,c2 hi 0000000000000102 true");
}

TEST_F(RejectsTest, ShareTheFateOfTheirChunk) {
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  LITE2PG_ASSERT_OK(InsertRejects(db(), ledger(), {Reject({SourceValue::Integer(1)})}));
  db().Rollback();
  EXPECT_TRUE(Read().empty());
  EXPECT_EQ(InfoOf(InsertRejects(db(), ledger(), {Reject({})})).code, ErrorCode::kDefect);
}

TEST_F(RejectsTest, CountedAndReadByTable) {
  LITE2PG_ASSERT_OK(db().Begin());
  std::vector<RejectRecord> rejects(1000, Reject({SourceValue::Integer(1)}));
  for (int i = 0; i < 10; ++i) rejects[i].table = "o'ther";
  LITE2PG_ASSERT_OK(InsertRejects(db(), ledger(), rejects));
  LITE2PG_ASSERT_OK(db().Commit());
  const auto counts = CountRejects(db(), ledger());
  LITE2PG_ASSERT_OK(counts.status());
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ((*counts)[0].table, "o'ther");
  EXPECT_EQ((*counts)[0].rows, 10u);
  EXPECT_EQ((*counts)[1].rows, 990u);
  const std::string other = "o'ther";
  EXPECT_EQ(Read(&other).size(), 10u);
}

TEST_F(RejectsTest, RowThatNoServerCanHoldIsRefusedBeforehand) {
  std::vector<RejectRecord> huge(1, Reject({SourceValue::Blob("")}));
  huge[0].cells[0].bytes.assign(size_t{1} << 30, 'x');
  LITE2PG_ASSERT_OK(db().Begin());
  EXPECT_EQ(InfoOf(InsertRejects(db(), ledger(), huge)).code, ErrorCode::kValueTooLarge);
  LITE2PG_EXPECT_OK(db().Commit());  // nothing was sent
}

}  // namespace
}  // namespace lite2pg
