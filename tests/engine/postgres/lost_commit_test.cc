// A COMMIT whose answer never comes, with each of the things that may have become of it.
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/postgres/copy_stream.h"
#include "engine/postgres/ledger.h"
#include "tests/engine/postgres/cut_proxy.h"
#include "tests/engine/postgres/test_server.h"

namespace lite2pg {
namespace {

constexpr char kRunId[] = "11111111111111111111111111111111";

// The statement with its end, as "READ COMMITTED" is in others.
std::string CommitMessage() { return std::string("COMMIT\0", 7); }

class LostCommitTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    location_.schema = schema_;
    LITE2PG_ASSERT_OK(Ledger::CreateTables(db(), location_));
    RunRecord run;
    run.run_id = kRunId;
    LITE2PG_ASSERT_OK(ledger().InsertRun(db(), run));
    Run(absl::StrCat("CREATE TABLE ", In("t"), " (a int)"));
  }

  Ledger ledger() const { return Ledger(location_, kRunId, 1); }

  // A worker behind `proxy` with a chunk of one row ready to commit.
  PgConnection BeginChunkBehind(const CutProxy& proxy) {
    PgConnectOptions options;
    options.conninfo = proxy.conninfo();
    options.application_name = RunApplicationName(kRunId);
    PgConnection worker = Connect(options);
    LITE2PG_EXPECT_OK(ledger().BeginChunk(worker));
    CopyIn copy(worker);
    LITE2PG_EXPECT_OK(copy.Begin(In("t"), {"a"}, /*binary=*/false));
    LITE2PG_EXPECT_OK(copy.Write("1\n"));
    EXPECT_EQ(copy.Finish().value_or(0), 1u);
    return worker;
  }

  static std::vector<ChunkRecord> Chunk() {
    ChunkRecord chunk;
    chunk.table = "t";
    chunk.chunk = 1;
    chunk.rows = 1;
    return {chunk};
  }

  std::string Rows() { return Ask(absl::StrCat("SELECT count(*) FROM ", In("t"))); }

  LedgerLocation location_;
};

TEST_F(LostCommitTest, CommittedButUnheardIsFoundInTheLedger) {
  CutProxy proxy(TestConninfo(), CommitMessage(), CutProxy::Cut::kAfterAnswer);
  PgConnection worker = BeginChunkBehind(proxy);
  const int pid = worker.backend_pid();
  EXPECT_EQ(InfoOf(ledger().CommitChunks(worker, Chunk())).code, ErrorCode::kCommitInDoubt);
  EXPECT_TRUE(ledger().SettleChunk(db(), pid, "t", 1).value_or(false));
  EXPECT_EQ(Rows(), "1");
}

TEST_F(LostCommitTest, NeverArrivedIsNotInTheLedgerNorAreItsRows) {
  CutProxy proxy(TestConninfo(), CommitMessage(), CutProxy::Cut::kBeforeForwarding);
  PgConnection worker = BeginChunkBehind(proxy);
  const int pid = worker.backend_pid();
  EXPECT_EQ(InfoOf(ledger().CommitChunks(worker, Chunk())).code, ErrorCode::kCommitInDoubt);
  EXPECT_FALSE(ledger().SettleChunk(db(), pid, "t", 1).value_or(true));
  EXPECT_EQ(Rows(), "0");
}

// The COMMIT is still under way when the question is asked: settling makes the answer final.
TEST_F(LostCommitTest, LateCommitHasNoEffectOnceSettled) {
  CutProxy proxy(TestConninfo(), CommitMessage(), CutProxy::Cut::kClientOnly);
  PgConnection worker = BeginChunkBehind(proxy);
  const int pid = worker.backend_pid();
  EXPECT_EQ(InfoOf(ledger().CommitChunks(worker, Chunk())).code, ErrorCode::kCommitInDoubt);
  EXPECT_FALSE(ledger().SettleChunk(db(), pid, "t", 1).value_or(true));
  proxy.Release();
  EXPECT_EQ(Rows(), "0");
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1)"));
  LITE2PG_EXPECT_OK(ledger().CommitChunks(db(), Chunk()));
  EXPECT_EQ(Rows(), "1");
}

// Without settling, the late COMMIT does arrive; then the key of the ledger keeps the second
// attempt's rows out.
TEST_F(LostCommitTest, LateCommitThatWinsKeepsTheSecondAttemptOut) {
  CutProxy proxy(TestConninfo(), CommitMessage(), CutProxy::Cut::kClientOnly);
  PgConnection worker = BeginChunkBehind(proxy);
  EXPECT_EQ(InfoOf(ledger().CommitChunks(worker, Chunk())).code, ErrorCode::kCommitInDoubt);
  EXPECT_FALSE(ledger().HasChunk(db(), "t", 1).value_or(true));
  LITE2PG_ASSERT_OK(ledger().BeginChunk(db()));
  Run(absl::StrCat("INSERT INTO ", In("t"), " VALUES (1)"));
  EXPECT_NE(proxy.Release().find("COMMIT"), std::string::npos);
  EXPECT_EQ(InfoOf(ledger().CommitChunks(db(), Chunk())).code, ErrorCode::kFencedOff);
  EXPECT_EQ(Rows(), "1");
}

TEST_F(LostCommitTest, PlainCommitIsInDoubtToo) {
  CutProxy proxy(TestConninfo(), CommitMessage(), CutProxy::Cut::kAfterAnswer);
  PgConnection worker = BeginChunkBehind(proxy);
  EXPECT_EQ(InfoOf(worker.Commit()).code, ErrorCode::kCommitInDoubt);
  EXPECT_EQ(Rows(), "1");
}

// What was cut earlier is a lost connection, not a doubt: nothing can have been committed.
TEST_F(LostCommitTest, CutBeforeCommitIsALostConnection) {
  CutProxy proxy(TestConninfo(), "FOR KEY SHARE", CutProxy::Cut::kBeforeForwarding);
  PgConnectOptions options;
  options.conninfo = proxy.conninfo();
  PgConnection worker = Connect(options);
  EXPECT_EQ(InfoOf(ledger().BeginChunk(worker)).code, ErrorCode::kTargetConnectionLost);
  EXPECT_FALSE(worker.alive());
}

}  // namespace
}  // namespace lite2pg
